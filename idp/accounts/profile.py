"""What somebody signed in changes about themselves: name, user name, company, phone, address, language, password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp import mail
from idp.accounts.approval import Actor, review_again, would_review_again
from idp.accounts.endings import Ended, apply_ending
from idp.accounts.guessing import Caller, forget_failures, take_user_name_change, take_user_name_try
from idp.accounts.passwords import check_new_password
from idp.accounts.personal_words import personal_words
from idp.accounts.sign_in import check_own_password
from idp.errors import Refusal
from idp.policy.endings import Act
from idp.store import accounts, audit, links, sessions
from idp.store.database import Conflict

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.database import Transaction
    from idp.store.sessions import StartedSession


@dataclass(frozen=True, slots=True)
class ProfileWish:
    """What the profile form said, already stripped and checked for length."""

    given_name: str
    family_name: str
    company: str
    country: str
    locale: str
    phone_number: str = ""
    street_address: str = ""
    postal_code: str = ""
    locality: str = ""


@dataclass(frozen=True, slots=True)
class PasswordWish:
    """What the password form said."""

    current: str
    new: str

    def __repr__(self) -> str:
        return "PasswordWish(…)"


def change_profile(provider: Provider, account_id: str, wish: ProfileWish, *, may_review: bool = True) -> None:
    """Keep what the person says about themselves; the user name has a page of its own.

    Where a rule approved the account by its country or company and no rule approves the new one, it is reviewed again.
    Raises `Refusal("profile.approval_rests")` where that was not said to be understood.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        before = accounts.get_account(tx, account_id)
        accounts.set_profile(
            tx,
            account_id,
            given_name=wish.given_name,
            family_name=wish.family_name,
            company=wish.company,
            country=wish.country,
            locale=wish.locale,
            now=now,
        )
        after = accounts.get_account(tx, account_id)
        changed = [
            name
            for name in ("given_name", "family_name", "company", "country", "locale")
            if getattr(before, name) != getattr(after, name)
        ]
        claims = _with_contact(after.claims, wish)  # read behind the update, which holds the row
        if claims != after.claims:
            accounts.set_claims(tx, account_id, claims, now)
            changed += [name for name in ("phone_number", "address") if claims.get(name) != after.claims.get(name)]
        if changed:
            _record(tx, "profile_changed", account_id, now, changed=changed)
        if "country" in changed or "company" in changed:
            if not may_review and would_review_again(provider, tx, after) is not None:
                raise Refusal("profile.approval_rests")
            review_again(provider, tx, after, Actor("customer", account_id), now)


def change_user_name(provider: Provider, account_id: str, user_name: str) -> None:
    """Take another user name, once a day; the owner is told, and the old name is free from then on.

    Raises `Refusal`: `user_name.same`, `user_name.taken`, `user_name.changed_today`, `user_name.slowed_down`.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        slowed_down = take_user_name_try(tx, account_id, now)
    if slowed_down:
        raise slowed_down
    try:
        with provider.database.transaction() as tx:
            account = accounts.get_account(tx, account_id)
            if account.user_name == user_name:
                raise Refusal("user_name.same")
            refusal = take_user_name_change(tx, account_id, now)
            if refusal:
                raise refusal
            if not accounts.set_user_name(tx, account_id, user_name, now):
                raise Refusal("session.ended")
            _record(tx, "user_name_changed", account_id, now)
            mail.user_name_changed(provider, tx, to=mail.to_account(account), user_name=user_name)
    except Conflict:
        raise Refusal("user_name.taken") from None


def _with_contact(claims: Mapping[str, Any], wish: ProfileWish) -> dict[str, Any]:
    """The claims with this phone number and postal address (OpenID Connect Core §5.1.1); the rest stays as it is."""
    kept = {name: value for name, value in claims.items() if name not in ("phone_number", "address")}
    if wish.phone_number:
        kept["phone_number"] = wish.phone_number
    if wish.phone_number != claims.get("phone_number"):
        kept.pop("phone_number_verified", None)
    lines = {name: getattr(wish, name) for name in ("street_address", "postal_code", "locality")}
    before = claims.get("address") or {}
    if all(str(before.get(name) or "") == line for name, line in lines.items()):
        return {**kept, "address": before} if before else kept
    address = {name: line for name, line in lines.items() if line}
    if address:
        place = " ".join(line for line in (wish.postal_code, wish.locality) if line)
        formatted = "\n".join(line for line in (wish.street_address, place) if line)
        kept["address"] = {**address, "country": wish.country, "formatted": formatted}
    return kept


def _record(tx: Transaction, act: str, account_id: str, now: int, **details: object) -> None:
    audit.record(tx, act, now=now, actor_kind="customer", actor=account_id, account_id=account_id, details=details)


def change_password(
    provider: Provider, account_id: str, sid: str, wish: PasswordWish, caller: Caller
) -> StartedSession:
    """Set a new password after the current one; other sessions end, this one gets a new secret (PW-7, SE-2).

    Raises `Refusal`: `password.wrong`, `sign_in.slowed_down`, or why the new one cannot be chosen.
    """
    with provider.database.reading() as tx:
        account = accounts.get_account(tx, account_id)
        words = personal_words(tx, account)
    check_new_password(wish.new, minimum=provider.settings.passwords.minimum_length, personal=words)
    check_own_password(provider, account, wish.current, caller)
    if provider.breaches.knows(wish.new):
        raise Refusal("password.breached")
    if wish.new == wish.current:
        raise Refusal("password.same")
    password_hash = provider.passwords.hash(wish.new)
    now = provider.clock()
    with provider.database.transaction() as tx:
        renewed = sessions.renew_session(tx, sessions.get_session(tx, sid), now=now)
        if renewed is not None:
            accounts.set_password(tx, account_id, password_hash, now)
            forget_failures(tx, account_id)
            links.replace_links(tx, "reset", account_id=account_id, now=now)
            apply_ending(provider, tx, Act.PASSWORD_CHANGED, account_id=account_id, except_sid=sid, now=now)
            _record(tx, "password_changed", account_id, now)
            mail.password_changed(provider, tx, to=mail.to_account(account))
    if renewed is None:
        raise Refusal("session.ended")
    return renewed


def end_own_session(provider: Provider, account_id: str, sid: str) -> Ended:
    """Sign out one browser of one's own. Raises `Refusal("session.unknown")` for anybody else's (SE-8)."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        session = sessions.find_session(tx, sid)
        if session is None or session.account_id != account_id:
            raise Refusal("session.unknown")
        _record(tx, "signed_out_elsewhere", account_id, now, sid=sid)
        return apply_ending(provider, tx, Act.SIGN_OUT, account_id=account_id, sid=sid, now=now)


def end_other_sessions(provider: Provider, account_id: str, sid: str) -> int:
    """Sign out every other browser of one's own; out: how many there were."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        others = [other for other in sessions.list_sessions(tx, account_id, now) if other.sid != sid]
        for other in others:
            _record(tx, "signed_out_elsewhere", account_id, now, sid=other.sid)
            apply_ending(provider, tx, Act.SIGN_OUT, account_id=account_id, sid=other.sid, now=now)
    return len(others)
