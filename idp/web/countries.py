"""Countries as people choose them: ISO 3166 codes with names in the reader's language, in that language's order."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from babel import Locale

from idp.i18n import current_locale

NO_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})


def country_choices() -> list[tuple[str, str]]:
    """Code and name of every country, sorted by name."""
    return list(_choices(current_locale()))


def country_name(code: str) -> str:
    """The name of a country; the code itself where it is none."""
    return dict(_choices(current_locale())).get(code, code)


@lru_cache(maxsize=8)
def _choices(locale: str) -> tuple[tuple[str, str], ...]:
    names = Locale(locale).territories.items()
    countries = [(code, name) for code, name in names if re.fullmatch("[A-Z]{2}", code) and code not in NO_COUNTRIES]
    return tuple(sorted(countries, key=lambda pair: _order(pair[1])))


def _order(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).casefold()
