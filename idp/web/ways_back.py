"""The way back to a site: its own sign-in start, with the page that one wanted (OpenID Connect Core §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from idp.protocol.third_party_login import build_initiation
from idp.web.context import provider

if TYPE_CHECKING:
    from idp.store.clients import RegisteredClient


def entry_of(client: RegisteredClient | None, target: str | None = None) -> str | None:
    """The address that enters a site, at the page `target` where that is one of its own; None where there is no way."""
    if client is None or client.disabled or client.initiate_login_uri is None:
        return None
    return build_initiation(client.initiate_login_uri, provider().settings.server.issuer, own_target(client, target))


def own_target(client: RegisteredClient, target: str | None) -> str | None:
    """The page, if it is on the origin of the client's `initiate_login_uri`; anything else was never asked for (GO-3)."""
    if not target or not client.initiate_login_uri:
        return None
    return target if _origin(target) == _origin(client.initiate_login_uri) is not None else None


def _origin(uri: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return (parts.scheme.lower(), parts.netloc.lower()) if parts.scheme and parts.netloc else None
