"""Third-party initiated login: OpenID Connect Core §4, the way back to a site from our pages.

The page to come back to travels in the authorization request as `target_link_uri`, an extension of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from idp.store.clients import RegisteredClient


def build_initiation(initiate_login_uri: str, issuer: str, target_link_uri: str | None = None) -> str:
    """The address at the site that starts a sign-in with us, and comes back to a page of the site."""
    values = {"iss": issuer}
    if target_link_uri:
        values["target_link_uri"] = target_link_uri
    separator = "&" if "?" in initiate_login_uri else "?"
    return f"{initiate_login_uri}{separator}{urlencode(values, quote_via=quote)}"


def own_target(client: RegisteredClient, target: str | None) -> str | None:
    """The page, if it is on the origin of the client's `initiate_login_uri`; anything else was never asked for (GO-3)."""
    if not target or not client.initiate_login_uri:
        return None
    origin = _origin(target)
    return target if origin is not None and origin == _origin(client.initiate_login_uri) else None


def _origin(uri: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    default_port = {"http": 80, "https": 443}.get(parts.scheme)
    if default_port is None or not parts.hostname or "@" in parts.netloc or "\\" in uri:
        return None
    return parts.scheme, parts.hostname, port or default_port
