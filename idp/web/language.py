"""Which language a page speaks: what the person chose here, else their profile, else the site's wish, else the browser's.

The choice in the footer is `?language=` on any page; it is kept in a cookie for a year. A site's wish is `ui_locales` of
OpenID Connect Core §3.1.2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from flask import Response, g, request
from flask_babel import Babel

from idp import i18n
from idp.config import LANGUAGES
from idp.store import accounts
from idp.web.audiences import is_for_programs
from idp.web.browser_session import current_session
from idp.web.context import provider

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as AnyResponse

PARAMETER = "language"
COOKIE_LIFETIME = 365 * 86400
NAMES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}


def install(app: Flask) -> None:
    """Choose before each request; WTForms' own messages follow through Flask-Babel."""
    Babel(app, locale_selector=i18n.current_locale, configure_jinja=False)
    app.before_request(choose)
    app.after_request(_remember_choice)


def choose() -> None:
    """Speak the reader's language until this request is answered."""
    branding = provider().settings.branding
    zone = i18n.time_zone(branding.time_zone)
    i18n.set_locale(branding.default_language, zone)
    if not is_for_programs(request.path):
        i18n.set_locale(find_language(branding.default_language), zone)


def find_language(default: str) -> str:
    """The first of: chosen now, chosen before, profile, the site's wish, the browser's."""
    for wish in (request.args.get(PARAMETER), request.cookies.get(cookie_name())):
        if wish in LANGUAGES:
            return wish
    profile = _profile_language()
    if profile:
        return profile
    return i18n.choose_language([*site_wishes(request.args.get("ui_locales", "")), *_browser_wishes()], default)


def prefer(ui_locales: str) -> None:
    """Speak a waiting site's wish on this page, unless the person chose (called by views that know the request)."""
    if (
        request.args.get(PARAMETER) in LANGUAGES
        or request.cookies.get(cookie_name()) in LANGUAGES
        or _profile_language()
    ):
        return
    branding = provider().settings.branding
    language = i18n.choose_language([*site_wishes(ui_locales), *_browser_wishes()], branding.default_language)
    i18n.set_locale(language, i18n.time_zone(branding.time_zone))


def language_links() -> list[tuple[str, str, str, bool]]:
    """The footer's choice: code, name in its own language, address of this page in it, whether it is spoken now."""
    can_be_read = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    path = request.script_root + (request.path if can_be_read else "/")
    kept = [pair for pair in parse_qsl(request.query_string.decode("ascii", "replace")) if pair[0] != PARAMETER]
    spoken = i18n.current_locale()
    return [
        (code, NAMES[code], f"{path}?{urlencode([*(kept if can_be_read else []), (PARAMETER, code)])}", code == spoken)
        for code in LANGUAGES
    ]


def cookie_name() -> str:
    """The name of the cookie that keeps the choice."""
    return "__Host-idp_language" if provider().settings.is_https else "idp_language"


def forget_choice(response: AnyResponse) -> None:
    """Take the footer's choice back: the person chose otherwise since."""
    response.delete_cookie(cookie_name(), path="/", secure=provider().settings.is_https, httponly=True, samesite="Lax")


def site_wishes(ui_locales: str) -> list[str]:
    """The site's tags in its order; more than ten are not read (RX-3)."""
    return ui_locales[:200].split()[:10]


def _browser_wishes() -> list[str]:
    return [tag for tag, _quality in request.accept_languages][:10]


def _profile_language() -> str | None:
    if "profile_language" not in g:
        g.profile_language = _read_profile_language()
    language: str | None = g.profile_language
    return language


def _read_profile_language() -> str | None:
    signed_in = current_session()
    if signed_in is None:
        return None
    with provider().database.reading() as tx:
        account = accounts.find_account(tx, signed_in.account_id)
    return account.locale if account and account.locale in LANGUAGES else None


def _remember_choice(response: Response) -> Response:
    chosen = request.args.get(PARAMETER)
    if request.method == "GET" and chosen in LANGUAGES and not is_for_programs(request.path):
        response.set_cookie(
            cookie_name(),
            chosen,
            max_age=COOKIE_LIFETIME,
            path="/",
            secure=provider().settings.is_https,
            httponly=True,
            samesite="Lax",
        )
    return response
