"""Temporary passwords (F-2.5): given by staff after checking who asks, shown once, good for one thing only.

A temporary password takes the place of the old one. At the sign-in page it opens no session: it leads to the page where a
new password is chosen, through a reset link that is made for this browser at that moment, and is used up by that.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.endings import apply_ending
from idp.accounts.guessing import forget_failures
from idp.accounts.password_reset import PURPOSE
from idp.accounts.staff_rights import get_account_for
from idp.errors import Refusal
from idp.keys.secrets import CODE_LETTERS
from idp.policy.endings import Act
from idp.policy.staff import Permission
from idp.store import accounts, audit, links, temporary_passwords

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.temporary_passwords import TemporaryPassword

LETTERS = 20
"""86 bits (TP-1), in five groups that can be read out."""
KEPT_AFTER_END = 30 * 86400


@dataclass(frozen=True, slots=True)
class Given:
    """A temporary password as staff read it out, and until when it works."""

    password: str = field(repr=False)
    expires_at: int


def give_temporary_password(
    provider: Provider, *, staff_id: str, account_id: str, address: str = "", instead_of: int | None = None
) -> Given:
    """Give an account a temporary password instead of its own; everything that was signed in ends, and the owner is told.

    `staff_id`: empty for the operator at the command line. `instead_of`: the end of the one that the page knew of, 0 where
    it knew of none; a page that is sent twice makes no second password.

    Raises `Refusal`: `not_permitted`, `account_unknown`, `own_account`, `temporary_password.given_already`; and `Busy` where
    too many passwords are computed.
    """
    with provider.database.reading() as tx:
        _check_may_give(tx, staff_id, account_id)
    password = "".join(secrets.choice(CODE_LETTERS) for _ in range(LETTERS))
    password_hash = provider.passwords.hash(password)
    now = provider.clock()
    with provider.database.transaction() as tx:
        account = _check_may_give(tx, staff_id, account_id)
        if instead_of is not None and instead_of != newest_end(tx, account_id):
            raise Refusal("temporary_password.given_already")
        accounts.clear_password(tx, account_id, now)
        lifetime = provider.settings.lifetimes.temporary_password
        expires_at = temporary_passwords.save_temporary_password(
            tx, account_id, password_hash, staff_id=staff_id, lifetime=lifetime, now=now
        )
        links.replace_links(tx, PURPOSE, account_id=account_id, now=now)
        forget_failures(tx, account_id)
        apply_ending(
            provider,
            tx,
            Act.PASSWORD_RESET,
            account_id=account_id,
            staff_id=staff_id,
            by_operator=not staff_id,
            now=now,
        )
        audit.record(
            tx,
            "temporary_password_given",
            now=now,
            actor_kind="staff" if staff_id else "operator",
            actor=staff_id,
            account_id=account_id,
            address=address,
        )
        mail.temporary_password_given(provider, tx, to=mail.to_account(account), expires_at=expires_at)
    groups = (password[start : start + 4] for start in range(0, LETTERS, 4))
    return Given("-".join(groups), expires_at)


def newest_end(tx: Transaction, account_id: str) -> int:
    """Until when the newest temporary password of an account works or worked; 0 where there is none."""
    found = temporary_passwords.find_temporary_password(tx, account_id)
    return found.expires_at if found else 0


def find_for(tx: Transaction, account: Account | None) -> TemporaryPassword | None:
    """The temporary password that stands in for an account's own; none where it has one of its own.

    Everybody is looked up, also nobody, so that the time says nothing (EN-2).
    """
    has_none = account is None or account.password_hash is not None or account.is_closed
    found = temporary_passwords.find_temporary_password(tx, account.account_id if account else "")
    return None if has_none else found


def redeem_temporary_password(
    provider: Provider, tx: Transaction, account: Account, temporary: TemporaryPassword, *, address: str, now: int
) -> Refusal:
    """Use it up for a reset link. Out, to be raised: `sign_in.temporary` with the link's token, or `sign_in.temporary_over`."""
    if not temporary_passwords.use_temporary_password(tx, account.account_id, temporary.password_hash, now):
        return Refusal("sign_in.temporary_over")
    issued = links.issue_link(
        tx,
        purpose=PURPOSE,
        email="",  # no mail carried it, so it proves no address
        account_id=account.account_id,
        lifetime=provider.settings.lifetimes.reset,
        now=now,
        master=provider.master,
    )
    audit.record(
        tx,
        "temporary_password_used",
        now=now,
        actor_kind="customer",
        actor=account.account_id,
        account_id=account.account_id,
        reference=issued.reference,
        address=address,
    )
    return Refusal("sign_in.temporary", token=issued.token)


def forget_ended(provider: Provider) -> None:
    """Housekeeping: forget temporary passwords a while after they ended."""
    with provider.database.transaction() as tx:
        temporary_passwords.purge_temporary_passwords(tx, before=provider.clock() - KEPT_AFTER_END)


def _check_may_give(tx: Transaction, staff_id: str, account_id: str) -> Account:
    if staff_id == account_id:
        raise Refusal("own_account")
    return get_account_for(tx, staff_id, account_id, Permission.GIVE_TEMPORARY_PASSWORD)
