"""Rendering pages: words in the reader's language, and the values that every template may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, make_response, render_template

from idp import i18n
from idp.web.context import provider

if TYPE_CHECKING:
    from flask import Flask


def install(app: Flask) -> None:
    """Teach the templates our languages and times."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        i18n.gettext, i18n.ngettext, newstyle=False, pgettext=i18n.pgettext
    )
    app.jinja_env.globals.update(
        format_clock=i18n.format_clock,
        format_day=i18n.format_day,
        format_moment=i18n.format_moment,
        format_stamp=i18n.format_stamp,
        format_duration=i18n.format_duration,
        current_locale=i18n.current_locale,
    )
    app.context_processor(lambda: {"settings": provider().settings})


def render(template: str, /, status: int = 200, **values: Any) -> Response:
    """A page of ours."""
    return make_response(render_template(template, **values), status)
