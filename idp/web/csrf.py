"""Forms are ours (WB-1, WB-2): a token bound to a signed cookie that exists before sign-in, and the browser's own word.

Every request that may change something is checked before its view runs: `Sec-Fetch-Site` and `Origin` must name our origin
where the browser sends them, the body is a plain form, and it holds the token of this browser's cookie. Programs have no
such cookies and are exempt; so is a view that says that sites send forms to it (`from_other_sites`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from flask import current_app, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import UnsupportedMediaType

from idp.web.audiences import is_for_programs
from idp.web.context import provider

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from idp.provider import Provider

View = TypeVar("View", bound="Callable[..., Any]")

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
FORM_TYPE = "application/x-www-form-urlencoded"

_protection = CSRFProtect()


def install(app: Flask, provider: Provider) -> None:
    """Name and protect the cookie that form tokens are bound to, and check every form."""
    https = provider.settings.is_https
    app.config.update(
        SECRET_KEY=provider.master.derive("forms"),
        SESSION_COOKIE_NAME="__Host-idp_form" if https else "idp_form",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        WTF_CSRF_CHECK_DEFAULT=False,
    )
    _protection.init_app(app)
    app.before_request(check_form)


def from_other_sites(view: View) -> View:
    """Mark a view that sites send forms to (the standards say so); it must change nothing that a person would mind."""
    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def check_form() -> None:
    """Refuse a form that is not ours (WB-1)."""
    if request.method in SAFE_METHODS or request.endpoint is None or is_for_programs(request.path):
        return
    if request.mimetype not in ("", FORM_TYPE):
        raise UnsupportedMediaType
    if getattr(current_app.view_functions.get(request.endpoint), "csrf_exempt", False):
        return
    check_source()
    _protection.protect()


def check_source() -> None:
    """What the browser says about where the form was: our own origin (Fetch §"Sec-Fetch-Site", RFC 6454 §7).

    Our pages send no referrer, which makes browsers say `Origin: null` for our own forms; `Sec-Fetch-Site` tells those
    from a stranger's.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        raise CSRFError(f"Sec-Fetch-Site is {site[:20]!r}")
    origin = request.headers.get("Origin")
    if origin is not None and origin != own_origin() and not (origin == "null" and site == "same-origin"):
        raise CSRFError("Origin is not ours")


def own_origin() -> str:
    """The origin that browsers know us by: the issuer's; on a loopback issuer its port may be another."""
    settings = provider().settings
    parts = urlsplit(settings.server.issuer)
    return f"{parts.scheme}://{request.host if settings.issuer_is_loopback else parts.netloc}".lower()
