"""Words in the reader's language: GNU gettext catalogues, and times and dates as people say them.

English is the source. `gettext` translates into the language that was set for this request or mail (`use_locale`), so
that every room can speak without knowing the web. Catalogues are `idp/translations/<language>/LC_MESSAGES/messages.po`;
a compiled `.mo` beside it is used where it is not older (the wheel contains it), else the `.po` itself is read.
"""

from __future__ import annotations

import gettext as standard
import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import UnknownLocaleError, negotiate_locale
from babel.dates import format_date as babel_date
from babel.dates import format_datetime as babel_datetime
from babel.dates import format_time as babel_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from idp import resources
from idp.config import LANGUAGES

DEFAULT_LANGUAGE = "en"

_locale: ContextVar[str] = ContextVar("idp_locale", default=DEFAULT_LANGUAGE)
_zone: ContextVar[tzinfo] = ContextVar("idp_zone", default=UTC)


def current_locale() -> str:
    """The language that is being spoken."""
    return _locale.get()


def set_locale(locale: str, zone: tzinfo = UTC) -> None:
    """Speak this language, and tell times in this zone, from now on (a request sets it first of all)."""
    _locale.set(known_language(locale))
    _zone.set(zone)


@contextmanager
def use_locale(locale: str, zone: tzinfo = UTC) -> Iterator[None]:
    """Speak this language, and tell times in this zone, inside the block."""
    language, clock = _locale.set(known_language(locale)), _zone.set(zone)
    try:
        yield
    finally:
        _locale.reset(language)
        _zone.reset(clock)


def known_language(wish: str, default: str = DEFAULT_LANGUAGE) -> str:
    """The language of ours for one BCP 47 tag (`de-AT` is served with `de`)."""
    return choose_language([wish], default)


def choose_language(wishes: list[str], default: str = DEFAULT_LANGUAGE) -> str:
    """The first of the wished languages that we speak; tags that are none are passed over."""
    try:
        return negotiate_locale([w.replace("-", "_") for w in wishes if w], LANGUAGES) or default
    except (ValueError, UnknownLocaleError):
        return default


@lru_cache(maxsize=16)
def translator(locale: str) -> standard.NullTranslations:
    """The catalogue of a language; without one the English source is spoken."""
    folder = resources.translations_folder() / locale / "LC_MESSAGES"
    source, compiled = folder / "messages.po", folder / "messages.mo"
    if compiled.is_file() and not (source.is_file() and source.stat().st_mtime > compiled.stat().st_mtime):
        return standard.GNUTranslations(io.BytesIO(compiled.read_bytes()))
    if source.is_file():
        return standard.GNUTranslations(_compile(source, locale))
    return standard.NullTranslations()


def _compile(source: Path, locale: str) -> io.BytesIO:
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=locale))
    compiled.seek(0)
    return compiled


def gettext(message: str, /, **values: Any) -> str:
    """Translate; `%(name)s` in the message is replaced by `values`."""
    text = translator(_locale.get()).gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, /, **values: Any) -> str:
    """Translate in the form that the number asks for; `%(num)s` is the number."""
    text = translator(_locale.get()).ngettext(singular, plural, number)
    return text % {"num": number, **values}


def pgettext(context: str, message: str, /, **values: Any) -> str:
    """Translate a message that means different things in different places."""
    text = translator(_locale.get()).pgettext(context, message)
    return text % values if values else text


class LazyText:
    """A message that is translated when it is shown: for labels that are written when a module is imported."""

    __slots__ = ("_message", "_values")

    def __init__(self, message: str, values: dict[str, Any]) -> None:
        self._message = message
        self._values = values

    def __str__(self) -> str:
        return gettext(self._message, **self._values)

    def __repr__(self) -> str:
        return f"LazyText({self._message!r})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __add__(self, other: object) -> str:
        return str(self) + str(other)

    def __radd__(self, other: object) -> str:
        return str(other) + str(self)

    def __mod__(self, values: Any) -> str:
        return str(str(self) % values)

    def __len__(self) -> int:
        return len(str(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (str, LazyText)) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(self._message)


def lazy_gettext(message: str, /, **values: Any) -> LazyText:
    """Like `gettext`, translated only when it is shown."""
    return LazyText(message, values)


def marked(message: str) -> str:
    """Mark a message for the catalogues and return it as it is; who shows it calls `gettext`."""
    return message


@lru_cache(maxsize=8)
def time_zone(name: str) -> tzinfo:
    """The zone that times are told in; `UTC` needs no zone files on the machine."""
    return UTC if name == "UTC" else ZoneInfo(name)


def format_number(number: int) -> str:
    """A count as people write it: `100,000`, `100.000`."""
    return format_decimal(number, locale=_format_locale())


def format_share(part: int, whole: int) -> str:
    """A part of a whole in percent: `40 %`; never 100 where something is left, never 0 where something is there."""
    percent = 100 * part // whole if whole else 0
    return format_percent((percent or int(part > 0)) / 100, locale=_format_locale())


def format_day(instant: int | date) -> str:
    """A date as people write it: `7 December 2026`; of an instant, in the operator's time zone."""
    return babel_date(_at(instant) if isinstance(instant, int) else instant, "long", locale=_format_locale())


def format_clock(instant: int) -> str:
    """A time of day with its zone: `18:40 UTC`."""
    moment = _at(instant)
    return f"{babel_time(moment, 'HH:mm', locale=_format_locale())} {moment.tzname()}"


def format_moment(instant: int) -> str:
    """Date and time with the zone: `7 December 2026, 18:40 UTC`."""
    return f"{format_day(instant)}, {format_clock(instant)}"


def format_stamp(instant: int) -> str:
    """Date and time for lists: `7 Dec 2026, 18:40`."""
    return babel_datetime(_at(instant), "d MMM y, HH:mm", locale=_format_locale())


def start_of_day(day: date) -> int:
    """The instant at which a day begins in the zone that times are told in."""
    return int(datetime(day.year, day.month, day.day, tzinfo=_zone.get()).timestamp())


def end_of_day(day: date) -> int:
    """The instant at which the next day begins."""
    return start_of_day(day + timedelta(days=1))


def _at(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, _zone.get())


def _format_locale() -> str:
    """English dates are written day first, as our customers' countries do."""
    return "en_GB" if _locale.get() == "en" else _locale.get()


def format_duration(seconds: int) -> str:
    """A lifetime in one unit, rounded down: `14 days`, `1 hour`, `30 minutes`."""
    if seconds >= 2 * 86400:
        return ngettext("%(num)s day", "%(num)s days", seconds // 86400)
    if seconds >= 3600:
        return ngettext("%(num)s hour", "%(num)s hours", seconds // 3600)
    return ngettext("%(num)s minute", "%(num)s minutes", max(1, seconds // 60))


def format_working_days(days: int) -> str:
    """How long people take: `2 working days`."""
    return ngettext("%(num)s working day", "%(num)s working days", days)
