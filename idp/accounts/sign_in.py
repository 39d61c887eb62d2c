"""Signing in with a password, by e-mail address or user name (F-2.2), and the same again when a session was idle.

One sentence fits unknown names, wrong passwords and closed accounts (EN-1); what an account's state is, is told only
after the right password. Counting, hashing and starting the session are three steps: no password is hashed inside a
transaction, and the count of a failed try outlives its refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.accounts.closing import refuse_closed
from idp.accounts.endings import apply_ending
from idp.accounts.guessing import Caller, TakenTry, count_as_right, take_sign_in_try
from idp.accounts.lock_notice import request_notice
from idp.accounts.old_passwords import is_current
from idp.accounts.old_portal import has_ended, note_first_sign_in
from idp.accounts.passwords import temporary_as_given
from idp.accounts.temporary_password import find_for, redeem_temporary_password
from idp.errors import Refusal
from idp.policy.endings import Act
from idp.store import accounts, audit, sessions
from idp.store.known_browsers import remember_browser

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.sessions import StartedSession
    from idp.store.temporary_passwords import TemporaryPassword


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """What the sign-in form said; `current_sid` is the session that this browser has already."""

    identifier: str
    password: str
    keep: bool
    caller: Caller
    current_sid: str | None = None

    def __repr__(self) -> str:
        return "SignInRequest(…)"


def sign_in(provider: Provider, wish: SignInRequest) -> StartedSession:
    """Check the password and start a session, or renew the one of the same person (SE-2).

    Raises `Refusal`: `sign_in.slowed_down` (until), `sign_in.wrong`, `sign_in.closed`, `sign_in.closing` (token of the way back);
    for a temporary password
    `sign_in.temporary` (token of the page for a new one) and `sign_in.temporary_over`; for a password of the old portal
    whose hash is not accepted any more `sign_in.old_hash_over`. Somebody else's session in this
    browser ends with a full sign-out (SE-7).
    """
    account, taken = _take_try(provider, wish)
    with provider.database.reading() as tx:
        temporary = find_for(tx, account)
    if account is not None and temporary is not None:
        raise _redeem(provider, account, temporary, taken, wish)
    right = provider.passwords.verify(wish.password, account.password_hash if account else None)
    if not right or account is None or account.password_hash is None:
        _note_failure(provider, account, taken, wish.caller, wish.identifier)
        raise Refusal("sign_in.wrong")
    if has_ended(provider, account.password_hash):
        raise _refuse_ended(provider, account, taken, wish.caller)
    newer_hash = (
        provider.passwords.hash(wish.password) if provider.passwords.needs_rehash(account.password_hash) else None
    )
    now = provider.clock()
    with provider.database.transaction() as tx:
        count_as_right(tx, taken)
        refusal = _check_still_the_same(provider, tx, account)
        if refusal is None:
            if newer_hash:
                accounts.replace_hash(tx, account.account_id, old_hash=account.password_hash, new_hash=newer_hash)
            return _open_session(provider, tx, account, wish, now)
        is_overtaken = refusal.key == "sign_in.wrong" and not is_current(account.password_hash)
        if not is_overtaken:
            _record_refusal(tx, account, wish.caller, refusal.key, now)
    if is_overtaken:  # the same person's double click stored the newer hash of an old password first
        return sign_in(provider, wish)
    raise refusal


def _refuse_ended(provider: Provider, account: Account, taken: TakenTry, caller: Caller) -> Refusal:
    """The right password, kept in a way that is not safe any more; told only to who knows it (EN-1)."""
    refusal = Refusal("sign_in.old_hash_over")
    with provider.database.transaction() as tx:
        count_as_right(tx, taken)
        _record_refusal(tx, account, caller, refusal.key, provider.clock())
    return refusal


def _redeem(
    provider: Provider, account: Account, temporary: TemporaryPassword, taken: TakenTry, wish: SignInRequest
) -> Refusal:
    """The way of an account whose password staff replaced: never a session, at best the page for a new password."""
    if not provider.passwords.verify(temporary_as_given(wish.password), temporary.password_hash):
        _note_failure(provider, account, taken, wish.caller, wish.identifier)
        return Refusal("sign_in.wrong")
    now = provider.clock()
    with provider.database.transaction() as tx:
        count_as_right(tx, taken)
        refusal = _check_still_the_same(provider, tx, account)
        if refusal is None:
            refusal = redeem_temporary_password(provider, tx, account, temporary, address=wish.caller.address, now=now)
        if refusal.key != "sign_in.temporary":
            _record_refusal(tx, account, wish.caller, refusal.key, now)
        return refusal


def check_own_password(provider: Provider, account: Account, password: str, caller: Caller) -> None:
    """Check the password of somebody who is signed in, counted like every other try (BF-3); raises `Refusal`."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        taken = take_sign_in_try(provider, tx, caller, account, account.user_name, now)
        if isinstance(taken, Refusal):
            _record_refusal(tx, account, caller, taken.key, now)
    if isinstance(taken, Refusal):
        raise taken
    if not provider.passwords.verify(password, account.password_hash):
        _note_failure(provider, account, taken, caller)
        raise Refusal("password.wrong")
    with provider.database.transaction() as tx:
        count_as_right(tx, taken)


def _take_try(provider: Provider, wish: SignInRequest) -> tuple[Account | None, TakenTry]:
    now = provider.clock()
    with provider.database.transaction() as tx:  # commits by itself: the count outlives the refusal
        account = accounts.find_by_identifier(tx, wish.identifier)
        taken = take_sign_in_try(provider, tx, wish.caller, account, wish.identifier, now)
        if isinstance(taken, Refusal):
            _record_refusal(tx, account, wish.caller, taken.key, now)
    if isinstance(taken, Refusal):
        raise taken
    return account, taken


def _note_failure(
    provider: Provider, account: Account | None, taken: TakenTry, caller: Caller, typed: str = ""
) -> None:
    """One audit line for every wrong password (GO-8), and word to the owner, if there is one, after the last free try."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        _record_refusal(tx, account, caller, "wrong_password", now)
        if taken.locked_until is not None:
            request_notice(provider, tx, account, typed=typed, until=taken.locked_until, now=now)


def _record_refusal(tx: Transaction, account: Account | None, caller: Caller, reason: str, now: int) -> None:
    """What was typed is not written down: people type passwords into the wrong field (GO-7)."""
    account_id = account.account_id if account else None
    audit.record(
        tx, "sign_in_refused", now=now, account_id=account_id, address=caller.address, details={"reason": reason}
    )


def _check_still_the_same(provider: Provider, tx: Transaction, account: Account) -> Refusal | None:
    """What became of the account while its password was computed: closed, or a new password."""
    current = accounts.find_account(tx, account.account_id)
    if current is None or current.password_hash != account.password_hash:
        return Refusal("sign_in.wrong")
    return refuse_closed(provider, tx, current, provider.clock()) if current.is_closed else None


def _open_session(
    provider: Provider, tx: Transaction, account: Account, wish: SignInRequest, now: int
) -> StartedSession:
    accounts.note_sign_in(tx, account.account_id, now)
    note_first_sign_in(provider, tx, account, now)
    remember_browser(tx, account.account_id, wish.caller.device, now)
    started = _renew_or_replace(provider, tx, account, wish, now) or sessions.start_session(
        tx,
        account_id=account.account_id,
        kept=wish.keep,
        lifetime=provider.settings.lifetimes.session,
        now=now,
        user_agent=wish.caller.user_agent,
        address=wish.caller.address,
    )
    audit.record(
        tx,
        "signed_in",
        now=now,
        actor_kind="customer",
        actor=account.account_id,
        account_id=account.account_id,
        address=wish.caller.address,
        details={"sid": started.session.sid, "kept": started.session.kept},
    )
    return started


def _renew_or_replace(
    provider: Provider, tx: Transaction, account: Account, wish: SignInRequest, now: int
) -> StartedSession | None:
    """The same person's session goes on with a new secret; somebody else's ends (SE-2, SE-7)."""
    before = sessions.find_session(tx, wish.current_sid) if wish.current_sid else None
    if before is None:
        return None
    if before.account_id == account.account_id:
        return sessions.renew_session(tx, before, now=now)
    apply_ending(provider, tx, Act.SIGN_OUT, account_id=before.account_id, sid=before.sid, now=now)
    return None
