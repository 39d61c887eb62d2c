"""Turn a message's values into subject, text and HTML, in the recipient's language.

Text is wrapped, HTML is escaped (RG-10). A template folder of the operator (`[branding] templates`) may override any of
`mail/<message>/{subject.txt,body.txt,body.html}`, for one language as `body.de.html`, and single blocks of ours by
`{% extends "ours/<message>/body.html" %}` (docs/mail-texts.md). A mail goes out in our words where the operator's fail.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup, escape

from idp import i18n, resources
from idp.i18n import gettext as _
from idp.mail.recipient import greeting_name

if TYPE_CHECKING:
    from idp.config import Settings

log = structlog.get_logger("idp.mail")

WIDTH = 60
OURS = "ours"
"""What the name of a template of ours begins with where the operator's extends it."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message in words; its representation hides the parts that carry links."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


def render(settings: Settings, message: str, *, name: str, locale: str, values: Mapping[str, Any]) -> Rendered:
    """Render one message for one recipient; in our own words where the operator's templates fail."""
    own = settings.branding.templates
    if own is not None:
        try:
            return render_from(own, settings, message, name=name, locale=locale, values=values)
        except Exception as error:  # noqa: BLE001 - whatever an operator's template does, customers get their mail
            log.error("mail_template_failed", message=message, language=locale, error=type(error).__name__)
    return render_from(None, settings, message, name=name, locale=locale, values=values)


def render_from(
    folder: Path | None, settings: Settings, message: str, *, name: str, locale: str, values: Mapping[str, Any]
) -> Rendered:
    """Render with the templates of this folder before ours. Raises what a faulty template raises."""
    with i18n.use_locale(locale, i18n.time_zone(settings.branding.time_zone)):
        context = _context(settings, name, dict(values))
        texts, pages = _environments(folder, _files_in(folder))
        subject = " ".join(texts.select_template(_names(message, "subject.txt", locale)).render(context).split())
        text = texts.select_template(_names(message, "body.txt", locale)).render(context, subject=subject)
        html = pages.select_template(_names(message, "body.html", locale)).render(context, subject=subject)
    return Rendered(subject, wrap(text), html)


def _names(message: str, part: str, locale: str) -> list[str]:
    """The part for one language before that for all."""
    stem, _dot, kind = part.partition(".")
    return [f"{message}/{stem}.{locale}.{kind}", f"{message}/{part}"]


def _context(settings: Settings, name: str, values: dict[str, Any]) -> dict[str, Any]:
    person = greeting_name(name)
    if "lifetime" in values:
        values["lifetime"] = i18n.format_duration(values["lifetime"])
    if "review_working_days" in values:
        values["review_promise"] = i18n.format_working_days(values.pop("review_working_days"))
    return {
        "greeting": _("Hello %(name)s,", name=person) if person else _("Hello,"),
        "locale": i18n.current_locale(),
        "account_name": settings.branding.name,
        "company": settings.branding.company,
        "accent": settings.branding.accent,
        "customer_care": settings.mail.customer_care,
        "reference": "",
        **values,
    }


def _files_in(folder: Path | None) -> frozenset[Path]:
    return frozenset((folder / "mail").rglob("*")) if folder else frozenset()


@lru_cache(maxsize=4)
def _environments(overrides: Path | None, _files: frozenset[Path]) -> tuple[Environment, Environment]:
    """One environment for text and one, with escaping, for HTML.

    Jinja sees by itself that a file changed, but not that a new one now goes before ours: `_files` makes that another key.
    """
    ours = FileSystemLoader(resources.templates_folder() / "mail")
    loaders: list[BaseLoader] = [FileSystemLoader(overrides / "mail")] if overrides else []
    loaders += [ours, PrefixLoader({OURS: ours})]
    made = []
    for escaping in (False, True):
        environment = Environment(
            loader=ChoiceLoader(loaders),
            autoescape=escaping,  # noqa: S701 - text parts have nothing to escape
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            i18n.gettext, i18n.ngettext, newstyle=True, pgettext=i18n.pgettext
        )
        environment.filters.update(moment=i18n.format_moment, quoted=quoted, lines=lines)
        made.append(environment)
    return made[0], made[1]


def wrap(text: str) -> str:
    """Fold long lines at blanks, leave links whole, and keep one empty line between paragraphs."""
    folded = [_fold(line.rstrip()) for line in text.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(folded)) + "\n"


def _fold(line: str) -> str:
    if len(line) <= WIDTH:
        return line
    prefix = "> " if line.startswith("> ") else ""
    return textwrap.fill(line, WIDTH, subsequent_indent=prefix, break_long_words=False, break_on_hyphens=False)


def quoted(text: str) -> str:
    """Words of a member of staff in the text part, marked as such line by line."""
    return "\n".join("> " + line.strip() for line in text.splitlines() if line.strip())


def lines(text: str) -> Markup:
    """Words of a member of staff in the HTML part: escaped, line breaks kept."""
    return Markup("<br>").join(escape(line.strip()) for line in text.splitlines() if line.strip())
