"""Resource indicators (RFC 8707): a client names the resource servers that an access token shall be for.

They must be among those that it is registered for, and, once an authorization named some, among these. A token for which
none was named is for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import ProtocolError

if TYPE_CHECKING:
    from idp.store.clients import RegisteredClient


def parse_resources(text: str | None) -> tuple[str, ...]:
    """What the `resource` parameters named, each once; several stand with blanks between them."""
    return tuple(dict.fromkeys((text or "").split()))


def check_resources(asked: tuple[str, ...], client: RegisteredClient) -> None:
    """Raises `ProtocolError` where a client names what it is not registered for (§2)."""
    if not set(asked) <= set(client.resources):
        raise ProtocolError("invalid_target", "a resource is unknown, or not one that the client may ask for")


def find_audience(asked: tuple[str, ...], granted: tuple[str, ...], client: RegisteredClient) -> tuple[str, ...]:
    """Whom an access token is for: what is asked for now, or was when access was granted (§2.2), or all.

    Raises `ProtocolError`, also where the client may not ask any more for anything that was granted.
    """
    check_resources(asked, client)
    if granted and not set(asked) <= set(granted):
        raise ProtocolError("invalid_target", "a resource was not named when access was granted")
    left = tuple(resource for resource in granted if resource in client.resources)
    if granted and not left:
        raise ProtocolError("invalid_target", "no resource is left that the client may ask for")
    return asked or left or client.audience
