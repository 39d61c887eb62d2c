"""Turn a message's values into subject, text and HTML, in the recipient's language.

Text is wrapped, HTML is escaped (RG-10). A template folder of the operator (`[branding] templates`) may override any of
`mail/<message>/{subject.txt,body.txt,body.html}`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from idp import i18n, resources
from idp.i18n import gettext as _
from idp.mail.recipient import greeting_name

if TYPE_CHECKING:
    from idp.config import Settings

WIDTH = 60


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message in words; its representation hides the parts that carry links."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


def render(settings: Settings, message: str, *, name: str, locale: str, values: Mapping[str, Any]) -> Rendered:
    """Render one message for one recipient."""
    with i18n.use_locale(locale, i18n.time_zone(settings.branding.time_zone)):
        context = _context(settings, name, dict(values))
        texts, pages = _environments(settings.branding.templates)
        subject = " ".join(texts.get_template(f"{message}/subject.txt").render(context).split())
        text = texts.get_template(f"{message}/body.txt").render(context, subject=subject)
        html = pages.get_template(f"{message}/body.html").render(context, subject=subject)
    return Rendered(subject, wrap(text), html)


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


@lru_cache(maxsize=4)
def _environments(overrides: Path | None) -> tuple[Environment, Environment]:
    """One environment for text and one, with escaping, for HTML."""
    folders = [overrides / "mail"] if overrides else []
    folders.append(resources.templates_folder() / "mail")
    made = []
    for escaping in (False, True):
        environment = Environment(
            loader=FileSystemLoader(folders),
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
