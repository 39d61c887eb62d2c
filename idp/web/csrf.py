"""Tokens of forms (WB-1): bound to a signed cookie that exists before sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from idp.provider import Provider


def install(app: Flask, provider: Provider) -> None:
    """Name and protect the cookie that form tokens are bound to."""
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
    )
