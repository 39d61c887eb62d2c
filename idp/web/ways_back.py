"""The way back to a site: its own sign-in start, with the page that one wanted (OpenID Connect Core §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.protocol.third_party_login import build_initiation, own_target
from idp.web.context import provider

if TYPE_CHECKING:
    from idp.store.clients import RegisteredClient


def entry_of(client: RegisteredClient | None, target: str | None = None) -> str | None:
    """The address that enters a site, at the page `target` where that is one of its own; None where there is no way."""
    if client is None or client.disabled or client.initiate_login_uri is None:
        return None
    return build_initiation(client.initiate_login_uri, provider().settings.server.issuer, own_target(client, target))
