"""The owner's change of address: links that do not hold, and a change that is not there."""

from __future__ import annotations

import pytest

from idp.accounts import own_email_change
from idp.accounts.email_change import CONFIRM
from idp.accounts.guessing import Caller
from idp.errors import Refusal
from idp.store import links
from idp.store.accounts import Account
from tests.support.lobby import Lobby

HERE = Caller("192.0.2.7")
NEW = "ada@new.example"


def issue(lobby: Lobby, account: Account, email: str = NEW) -> str:
    """The token of the link that a mail to the new address would have."""
    with lobby.provider.database.transaction() as tx:
        return links.issue_link(
            tx,
            purpose=CONFIRM,
            email=email,
            account_id=account.account_id,
            lifetime=3600,
            now=lobby.now,
            master=lobby.provider.master,
        ).token


def confirm(lobby: Lobby, token: str, account: Account) -> str:
    """Follow a link as this account; out: why not, or what the address is now."""
    try:
        own_email_change.confirm_email_change(lobby.provider, token, account.account_id)
    except Refusal as refusal:
        return refusal.key
    (row,) = lobby.rows("SELECT email FROM accounts WHERE account_id = :id", id=account.account_id)
    return str(row["email"])


def test_a_link_is_its_owners_and_works_once(lobby: Lobby) -> None:
    """For everybody else it is as if it had never been sent."""
    ada, bob = lobby.add_account("ada"), lobby.add_account("bob")
    token = issue(lobby, ada)
    assert confirm(lobby, "x" * 43, ada) == "link.damaged"
    assert confirm(lobby, token, bob) == "link.damaged"
    assert confirm(lobby, token, ada) == NEW
    assert confirm(lobby, token, ada) == "link.used"


def test_a_link_ends_with_its_time_and_with_the_next_one(lobby: Lobby) -> None:
    """Only the newest change can be confirmed."""
    ada = lobby.add_account("ada")
    first, second = issue(lobby, ada), issue(lobby, ada, "ada@other.example")
    assert confirm(lobby, first, ada) == "link.replaced"
    lobby.now += 3600
    assert confirm(lobby, second, ada) == "link.expired"


def test_an_address_that_somebody_took_meanwhile_is_refused(lobby: Lobby) -> None:
    """The link stays unused, so that nothing of the change is half done."""
    ada = lobby.add_account("ada")
    token = issue(lobby, ada)
    bob = lobby.add_account("bob")
    lobby.run("UPDATE accounts SET email = :e, email_key = :e WHERE account_id = :id", e=NEW, id=bob.account_id)
    assert confirm(lobby, token, ada) == "email.taken"
    assert lobby.rows("SELECT used_at FROM links WHERE used_at IS NOT NULL") == []


def test_without_a_change_there_is_nothing_to_send_again_or_to_cancel(lobby: Lobby) -> None:
    """Nor is a line written about it."""
    ada = lobby.add_account("ada")
    with pytest.raises(Refusal, match=r"email\.no_change"):
        own_email_change.send_email_change_again(lobby.provider, ada.account_id, HERE)
    assert not own_email_change.cancel_email_change(lobby.provider, ada.account_id)
    token = issue(lobby, ada)
    assert own_email_change.cancel_email_change(lobby.provider, ada.account_id)
    assert confirm(lobby, token, ada) == "link.replaced"
    acts = [row["act"] for row in lobby.rows("SELECT act FROM audit_events WHERE act LIKE 'email%'")]
    assert acts == ["email_change_cancelled"]
