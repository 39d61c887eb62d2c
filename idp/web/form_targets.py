"""Where a form of this page may lead: browsers apply CSP `form-action` to the whole redirect chain after a POST.

A page whose form ends at a site (sign-in on the way to a site, consent, sign-out) names the redirect URI that was already
validated; the security headers add its origin to `form-action` (WB-3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import g

if TYPE_CHECKING:
    from idp.store.clients import RegisteredClient


def allow_form_target(uri: str | None) -> None:
    """Let the forms of this page end at the origin of a validated URI."""
    parts = urlsplit(uri or "")
    if parts.scheme and parts.netloc:
        form_targets().add(f"{parts.scheme}://{parts.netloc}")
    elif parts.scheme:
        form_targets().add(f"{parts.scheme}:")


def allow_site(client: RegisteredClient, redirect_uri: str | None) -> None:
    """Let the forms of this page end at a site: where it is answered, and at its own other addresses, which it may go on to.

    Its logo may be shown as well.
    """
    for uri in (redirect_uri, client.uri, client.initiate_login_uri):
        allow_form_target(uri)
    parts = urlsplit(client.logo_uri or "")
    if parts.netloc:
        g.logo_origin = f"{parts.scheme}://{parts.netloc}"


def logo_origin() -> str:
    """Where the logo of the site comes from that this page leads to; empty where there is none."""
    return str(g.get("logo_origin", ""))


def form_targets() -> set[str]:
    """The origins besides our own that forms of this page may end at."""
    if "form_targets" not in g:
        g.form_targets = set()
    targets: set[str] = g.form_targets
    return targets
