"""Carries signals out of the house: what the rows of the outbox that are no mails do when their turn comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.errors import GiveUp, TryLater
from idp.signals import backchannel
from idp.signals.fetcher import FetchFailed, FetchRefused
from idp.store.clients import find_client

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.outbox import Item


def deliver_backchannel_logout(provider: Provider, item: Item) -> None:
    """Bring a logout token to a site (OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8).

    200 and 204 mean that the site has logged out; any other answer, 400 included, may pass and is tried again. Raises
    `TryLater` or `GiveUp` with the reason.
    """
    try:
        payload = item.open(provider.master)
    except ValueError:
        raise GiveUp("the row does not open with this master key") from None
    with provider.database.reading() as tx:
        client = find_client(tx, payload["client_id"])
    out = backchannel.build_delivery(
        client,
        payload,
        issuer=provider.settings.server.issuer,
        signer=provider.keyring,
        master=provider.master,
        now=provider.clock(),
    )
    if out is None:
        raise GiveUp("the site has no back channel any more")
    try:
        answer = provider.fetcher.post_form(out.url, {"logout_token": out.logout_token})
    except FetchRefused as refusal:
        raise GiveUp(f"the site's back channel is not called: {refusal}") from None
    except FetchFailed as failure:
        raise TryLater(f"the site's back channel failed: {failure}") from None
    if answer.status not in (200, 204):
        raise TryLater(f"the site's back channel answered {answer.status}")
