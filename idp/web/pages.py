"""Rendering pages: words in the reader's language, and the values that every template may use.

Besides what a view passes, templates have `settings`, `at(path)` (a page of ours), `static(name)`, `csrf_token()`,
`current_session()`, `language_links()`, `csp_nonce()` and the times of `idp.i18n`.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import Response, make_response, render_template, request, url_for
from jinja2 import ChoiceLoader, FileSystemLoader

from idp import i18n, resources
from idp.web import brand
from idp.web.browser_session import current_session
from idp.web.content_policy import csp_nonce
from idp.web.context import provider
from idp.web.language import language_links

if TYPE_CHECKING:
    from flask import Flask

    from idp.provider import Provider

STATIC_LIFETIME = 365 * 86400


def install(app: Flask, provider: Provider) -> None:
    """Teach the templates our languages and times, and put the operator's blocks before ours."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        i18n.gettext, _ngettext, newstyle=False, pgettext=i18n.pgettext
    )
    app.jinja_env.globals.update(
        format_clock=i18n.format_clock,
        format_day=i18n.format_day,
        format_working_days=i18n.format_working_days,
        format_moment=i18n.format_moment,
        format_number=i18n.format_number,
        format_share=i18n.format_share,
        format_stamp=i18n.format_stamp,
        format_duration=i18n.format_duration,
        current_locale=i18n.current_locale,
        accent_for_dark=brand.accent_for_dark,
        at=at,
        csp_nonce=csp_nonce,
        language_links=language_links,
        current_session=current_session,
        static=static,
    )
    if provider.settings.branding.templates is not None and app.jinja_loader is not None:
        app.jinja_loader = ChoiceLoader([FileSystemLoader(provider.settings.branding.templates), app.jinja_loader])
    app.context_processor(_common_values)
    app.after_request(_keep_static_files)


def _common_values() -> dict[str, Any]:
    return {"settings": provider().settings}


def render(template: str, /, status: int = 200, **values: Any) -> Response:
    """A page of ours."""
    return make_response(render_template(template, **values), status)


def _ngettext(singular: str, plural: str, number: int, /, **values: Any) -> str:
    """`{% trans %}` fills its own names in afterwards, a direct call has `%(num)s`."""
    text = i18n.translator(i18n.current_locale()).ngettext(singular, plural, number)
    try:
        return text % {"num": number, **values}
    except KeyError:
        return text


def at(path: str) -> str:
    """The address of one of our pages, also where the issuer has a path."""
    return request.script_root + path


def static(name: str) -> str:
    """The address of a style sheet or script; it changes with the content, so that browsers may keep it."""
    return url_for("static", filename=name, v=_digest(name))


@lru_cache(maxsize=64)
def _digest(name: str) -> str:
    return hashlib.sha256((resources.static_folder() / name).read_bytes()).hexdigest()[:12]


def _keep_static_files(response: Response) -> Response:
    if request.endpoint == "static" and response.status_code in (200, 304):
        asked_for_version = "v" in request.args
        response.headers["Cache-Control"] = f"public, max-age={STATIC_LIFETIME if asked_for_version else 300}"
    return response
