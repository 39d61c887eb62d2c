"""What the applicant would get: the decision is really made, its mail read and rendered, and everything rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idp.accounts.approval import decide_within, status_link
from idp.mail.outgoing import own_link
from idp.mail.render import render
from idp.store import accounts, outbox

if TYPE_CHECKING:
    from idp.mail.render import Rendered
    from idp.provider import Provider

HIDDEN_STATUS_LINK = "/register/status/…"


class _Enough(Exception):
    """Rolls the transaction back."""


def preview_mail(provider: Provider, *, staff_id: str, account_id: str, act: str, reason: str = "") -> Rendered | None:
    """The mail of a decision in the applicant's language, as it would be sent; the link to their page is left out (AD-3).

    Nothing is kept. Raises `Refusal` as the decision would.
    """
    payload: dict[str, Any] | None = None
    try:
        with provider.database.transaction() as tx:
            decide_within(provider, tx, staff_id=staff_id, account_id=account_id, act=act, reason=reason)
            account = accounts.get_account(tx, account_id)
            item = outbox.newest_mail(tx, account_id)
            payload = item.open(provider.master) if item else None
            raise _Enough
    except _Enough:
        pass
    if payload is None or item is None:
        return None
    secret = status_link(provider, account)
    values = {
        name: own_link(provider, HIDDEN_STATUS_LINK) if secret != "/" and value == own_link(provider, secret) else value
        for name, value in payload["values"].items()
    }
    return render(provider.settings, item.name, name=payload["name"], locale=payload["locale"], values=values)
