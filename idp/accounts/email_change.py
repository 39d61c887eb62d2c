"""Another e-mail address for an account: by staff (F-2.4), by its owner, and the way back.

Sessions and tokens stay; links in earlier mails are void. The old address is told, with a link that undoes the change for
a while; undoing it ends everything that was signed in and takes the password away, since whoever changed the address knew
it. Links that undo do not replace each other: two changes in a row take no way back from the first owner.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.approval import Actor, check_reason_given, is_approved_by_rule, review_again, take_back_review
from idp.accounts.closing import find_own_closing, reopen_within
from idp.accounts.endings import apply_ending
from idp.accounts.guessing import forget_failures
from idp.accounts.password_reset import PURPOSE as RESET
from idp.accounts.staff_rights import check_permission
from idp.accounts.unlock import PURPOSE as UNLOCK
from idp.errors import Refusal
from idp.policy.endings import Act
from idp.policy.staff import Permission, may_act_on
from idp.store import accounts, audit, device_transfers, links, temporary_passwords
from idp.store.database import Conflict
from idp.store.identifiers import email_key

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.links import Link, LinkState

CONFIRM = "email_change"
UNDO = "email_undo"


@dataclass(frozen=True, slots=True)
class EmailLink:
    """What the page of a link shows: its state (None: no such link was ever sent), its reference, and which address."""

    state: LinkState | None
    reference: str
    email: str
    account_id: str
    is_closed: bool = False
    """Whether the account was closed meanwhile, so that undoing opens it again."""


def change_email_by_staff(
    provider: Provider, *, staff_id: str, account_id: str, email: str, reason: str, address: str = ""
) -> None:
    """Give an account another address after checking who asks; nobody has confirmed it until a link from there comes back.

    Raises `Refusal`: `not_permitted`, `account_unknown`, `own_account`, `reason_missing`, `reason_too_long`, `email.same`,
    `email.taken`, `email.changed` where it was changed meanwhile.
    """
    check_reason_given(reason)
    actor, details = Actor("staff", staff_id), {"reason": reason}
    try:
        with provider.database.transaction() as tx:
            account = check_may_change(tx, staff_id, account_id)
            check_other(account, email)
            apply_change(provider, tx, account, email, actor, verified_at=None, address=address, details=details)
    except Conflict:
        raise Refusal("email.taken") from None


def change_email_by_operator(provider: Provider, account_id: str, email: str, *, reason: str) -> None:
    """The same at the command line, for any account that is not closed. Raises `Refusal` as `change_email_by_staff` does."""
    check_reason_given(reason)
    actor, details = Actor("operator", ""), {"reason": reason}
    try:
        with provider.database.transaction() as tx:
            account = accounts.find_account(tx, account_id)
            if account is None or account.is_closed:
                raise Refusal("account_unknown")
            check_other(account, email)
            apply_change(provider, tx, account, email, actor, verified_at=None, address="", details=details)
    except Conflict:
        raise Refusal("email.taken") from None


def check_other(account: Account, email: str) -> None:
    """Raises `Refusal("email.same")` where it is the account's address in another spelling."""
    if email_key(email) == account.email_key:
        raise Refusal("email.same")


def check_may_change(tx: Transaction, staff_id: str, account_id: str) -> Account:
    """The account, if this member of staff may change its address. Raises `Refusal` as `change_email_by_staff` does."""
    staff = check_permission(tx, staff_id, Permission.CHANGE_EMAIL)
    account = accounts.find_account(tx, account_id)
    if account is None or account.is_closed:
        raise Refusal("account_unknown")
    if staff_id == account_id:
        raise Refusal("own_account")
    if not may_act_on(staff_id, staff.roles, account_id, account.roles):
        raise Refusal("not_permitted")
    return account


def may_be_reviewed_again(provider: Provider, account_id: str) -> bool:
    """Whether another address could bring the account back into review, because a rule approved it."""
    with provider.database.reading() as tx:
        account = accounts.find_account(tx, account_id)
        return account is not None and is_approved_by_rule(tx, account)


def look_at_email_link(provider: Provider, purpose: str, token: str) -> EmailLink:
    """What the page of a link says; looking changes nothing."""
    with provider.database.reading() as tx:
        link, account = find_link(tx, purpose, token)
        is_usable = account is not None and _is_usable(tx, purpose, account, provider.clock())
    if link is None or account is None or not is_usable:
        return EmailLink(None, "", "", "")
    state = links.link_state(link, provider.clock())
    return EmailLink(state, link.reference, link.email, account.account_id, account.is_closed)


def undo_email_change(provider: Provider, token: str, *, address: str = "") -> str:
    """Give the account its old address back and end everything; out: the token with which a new password is chosen.

    An account that whoever changed the address closed is opened again: closing it takes no way back from the first owner.
    Raises `Refusal`: `link.expired`, `link.used`, `link.replaced`, `link.damaged`, `email.taken`.
    """
    now = provider.clock()
    try:
        with provider.database.transaction() as tx:
            link, account = find_link(tx, UNDO, token)
            if link is None or account is None or not _is_usable(tx, UNDO, account, now):
                raise Refusal("link.damaged")
            if not links.use_link(tx, link, now):
                raise Refusal(f"link.{links.why_not_used(link, now)}", reference=link.reference)
            return _undo(provider, tx, account, link, address)
    except Conflict:
        raise Refusal("email.taken") from None


def _undo(provider: Provider, tx: Transaction, account: Account, link: Link, address: str) -> str:
    now, account_id = provider.clock(), account.account_id
    if account.is_closed:
        reopen_within(provider, tx, account_id, Actor("customer", account_id), address=address, told=False)
    if not accounts.set_email(tx, account_id, link.email, old_key=account.email_key, verified_at=now, now=now):
        raise Refusal("link.replaced", reference=link.reference)
    restored = accounts.get_account(tx, account_id)
    accounts.clear_password(tx, account_id, now)
    temporary_passwords.void_temporary_password(tx, account_id, now)
    forget_failures(tx, account_id)
    links.replace_later_links(tx, UNDO, account_id=account_id, since=link.created_at, now=now)
    links.replace_links(tx, CONFIRM, account_id=account_id, now=now)
    device_transfers.void_transfers(tx, account_id, now)  # whoever changed the address may have offered the devices
    apply_ending(provider, tx, Act.EMAIL_CHANGE_UNDONE, account_id=account_id, now=now)
    audit.record(
        tx,
        "email_restored",
        now=now,
        actor_kind="customer",
        actor=account_id,
        account_id=account_id,
        reference=link.reference,
        address=address,
    )
    for owner in (restored, account):
        mail.email_change_undone(provider, tx, to=mail.to_account(owner), reference=link.reference)
    review_again(provider, tx, restored, Actor("customer", account_id), now)
    take_back_review(provider, tx, restored)
    reset = links.issue_link(
        tx,
        purpose=RESET,
        email=restored.email,
        account_id=account_id,
        lifetime=provider.settings.lifetimes.reset,
        now=now,
        master=provider.master,
    )
    return reset.token


def _is_usable(tx: Transaction, purpose: str, account: Account, now: int) -> bool:
    """Whether links of a purpose say anything of this account: it is open, or the change before its closing can be undone."""
    return not account.is_closed or (purpose == UNDO and find_own_closing(tx, account.account_id, now) is not None)


def apply_change(
    provider: Provider,
    tx: Transaction,
    account: Account,
    email: str,
    actor: Actor,
    *,
    verified_at: int | None,
    address: str,
    details: dict[str, str] | None = None,
) -> None:
    """The change itself, whoever makes it. Raises `Conflict`, and `Refusal("email.changed")`."""
    now, account_id = provider.clock(), account.account_id
    if not accounts.set_email(tx, account_id, email, old_key=account.email_key, verified_at=verified_at, now=now):
        raise Refusal("email.changed")
    for purpose in (RESET, CONFIRM, UNLOCK):
        links.replace_links(tx, purpose, account_id=account_id, now=now)
    apply_ending(provider, tx, Act.EMAIL_CHANGED, account_id=account_id, now=now)
    undo = links.issue_link(
        tx,
        purpose=UNDO,
        email=account.email,
        account_id=account_id,
        lifetime=provider.settings.lifetimes.email_undo,
        now=max(now, links.newest_made_at(tx, UNDO, account_id) + 1),  # each later than the last, in any second
        master=provider.master,
        replaces=False,
    )
    audit.record(
        tx,
        "email_changed",
        now=now,
        actor_kind=actor.kind,
        actor=actor.name,
        account_id=account_id,
        reference=undo.reference,
        address=address,
        details=details,
    )
    by_staff = actor.kind != "customer"
    mail.email_changed(
        provider,
        tx,
        to=mail.to_account(account),
        undo_link=f"/email/undo/{undo.token}",
        expires_at=undo.expires_at,
        reference=undo.reference,
        by_staff=by_staff,
    )
    changed = replace(account, email=email, email_key=email_key(email), email_verified_at=verified_at)
    mail.email_is_new(provider, tx, to=mail.to_account(changed), reference=undo.reference, by_staff=by_staff)
    review_again(provider, tx, changed, actor, now)


def find_link(tx: Transaction, purpose: str, token: str) -> tuple[Link | None, Account | None]:
    """The link with this token, and its account."""
    link = links.find_link(tx, purpose, token)
    return link, accounts.find_account(tx, link.account_id) if link and link.account_id else None
