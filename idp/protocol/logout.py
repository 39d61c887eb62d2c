"""OpenID Connect RP-Initiated Logout 1.0: what a site may ask for when its customer signs out.

The browser is sent back only to an address that is registered for the client that a valid hint proves (SE-9, §3); and
without a hint that fits who is signed in, the end-user is asked first (§2, §6). `logout_hint` is not used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from idp.errors import ProtocolError
from idp.keys.subject import subject_of
from idp.protocol.id_token_hint import read_hint

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.keys.master import MasterKey
    from idp.protocol.id_token_hint import Verifier
    from idp.protocol.parameters import Parameters
    from idp.store.clients import RegisteredClient

STANDARD = ("id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """What the site asks for."""

    id_token_hint: str | None = field(repr=False)
    client_id: str | None
    post_logout_redirect_uri: str | None
    state: str | None


@dataclass(frozen=True, slots=True)
class Logout:
    """What of it holds: the client that is proven, whom it means, and the address to go to afterwards."""

    client: RegisteredClient | None = None
    subject: str | None = None
    location: str | None = None
    is_doubtful: bool = False

    def must_ask(self, signed_in: str | None, master: MasterKey) -> bool:
        """Whether the end-user confirms: somebody is signed in, and no valid hint says that it is about them.

        A request that names an address which is not the client's own is not taken at its word either (`is_doubtful`).
        """
        if signed_in is None:
            return False
        sector = self.client.sector if self.client else None
        return subject_of(signed_in, sector, master) != self.subject or self.is_doubtful


def parse_logout_request(parameters: Parameters) -> LogoutRequest:
    """Read the parameters. Raises `ProtocolError` that stays on our own page (RD-7, RD-8)."""
    unsound = [name for name in STANDARD if name in parameters.faults]
    if unsound or parameters.too_long:
        name = unsound[0] if unsound else "a parameter"
        raise ProtocolError("invalid_request", f"{name} is repeated, too long or malformed", may_redirect=False)
    return LogoutRequest(
        id_token_hint=parameters.get("id_token_hint"),
        client_id=parameters.get("client_id"),
        post_logout_redirect_uri=parameters.get("post_logout_redirect_uri"),
        state=parameters.get("state"),
    )


def check_logout(
    request: LogoutRequest,
    verifier: Verifier,
    find_client: Callable[[str], RegisteredClient | None],
    *,
    issuer: str,
) -> Logout:
    """What the hint proves, and whether the address is the client's, character by character (RD-3)."""
    hint = read_hint(request.id_token_hint, verifier, issuer=issuer, client_id=request.client_id)
    client = find_client(hint.client_id) if hint else None
    if hint is None or client is None:
        return Logout()
    uri = request.post_logout_redirect_uri
    is_registered = uri is not None and not client.disabled and uri in client.post_logout_redirect_uris
    if uri is not None and not is_registered:
        return Logout(client, hint.subject, is_doubtful=True)
    return Logout(client, hint.subject, _with_state(uri, request.state) if uri else None)


def _with_state(uri: str, state: str | None) -> str:
    """The state is added to whatever query the registered address has (§3)."""
    if state is None:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': state}, quote_via=quote)}"
