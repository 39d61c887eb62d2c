"""The Content-Security-Policy of pages (WB-3): nothing but our own style sheets, and scripts that carry this page's nonce.

Forms end at our own origin, and at those that a view names (`form_targets.allow_form_target`). `set_directive` is for the
rare page that needs something else.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import g

from idp.web.form_targets import form_targets, logo_origin

if TYPE_CHECKING:
    from flask import Flask, Response


def install(app: Flask) -> None:
    """Send every page with its policy."""
    app.after_request(_write_policy)


def csp_nonce() -> str:
    """The nonce of this page's scripts and of the operator's colours."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    nonce: str = g.csp_nonce
    return nonce


def set_directive(name: str, *sources: str) -> None:
    """Replace one directive of this page's policy."""
    g.setdefault("csp_directives", {})[name] = " ".join(sources)


def policy() -> str:
    """The policy of the page that is being answered."""
    nonce = f"'nonce-{csp_nonce()}'"
    directives = {
        "default-src": "'none'",
        "script-src": nonce,
        "style-src": f"'self' {nonce}",
        "img-src": f"'self' data: {logo_origin()}".strip(),
        "connect-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": " ".join(["'self'", *sorted(form_targets())]),
        "frame-ancestors": "'none'",
        **g.get("csp_directives", {}),
    }
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def _write_policy(response: Response) -> Response:
    if response.mimetype == "text/html" and "Content-Security-Policy" not in response.headers:
        response.headers["Content-Security-Policy"] = policy()
        response.headers.setdefault("Cache-Control", "no-store")
    return response
