"""OpenID Connect Front-Channel Logout 1.0: the addresses that the browser opens in frames when its session has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from idp.keys.subject import session_of

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.store.clients import RegisteredClient


def build_frame_address(client: RegisteredClient, issuer: str, sid: str, master: MasterKey) -> str | None:
    """Where the site clears its cookies; with `iss` and `sid` only where it asked for them (§2). None: it has no such page."""
    uri = client.frontchannel_logout_uri
    if uri is None:
        return None
    if not client.details.get("frontchannel_logout_session_required"):
        return uri
    separator = "&" if "?" in uri else "?"
    values = {"iss": issuer, "sid": session_of(sid, client.sector, master)}
    return f"{uri}{separator}{urlencode(values, quote_via=quote)}"
