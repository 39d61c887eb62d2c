"""How often one may try: per account, per network, in all, and for browsers that were here before (BF-1 to BF-5).

A try is taken in a transaction of its own before the password is looked at, so that parallel guesses count exactly and a
refusal does not undo the count. Names that nobody has are counted like accounts, so that waiting says nothing about who
exists (EN-1). Resetting the password is never blocked by it (BF-4), and a browser that signed in before has an allowance of
its own, which neither its network nor an attack on everybody uses up.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.errors import Refusal
from idp.keys.secrets import hash_secret
from idp.store.identifiers import email_key, user_name_key
from idp.store.known_browsers import is_known_browser
from idp.store.try_counters import Allowance, clear_tries, give_back_try, take_try

if TYPE_CHECKING:
    from collections.abc import Iterable

    from idp.config import LimitSettings
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction

ACCOUNT_WINDOW = 300
LONGEST_WAIT = 3600
MOST_FAILURES = 100
"""In a row at one account; then only a reset helps (SP 800-63B-4 §3.2.2)."""
_ALL = "sign-in:all"
_EVERYTHING = Allowance(2**31, 1, 0)


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a try comes from: the network address, and the secret of a browser that may be known ("" where none)."""

    address: str
    device: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class TakenTry:
    """The counters that a try stands in."""

    account_key: str
    shared_keys: tuple[str, ...] = ()
    """Of the network and of everybody, in the order in which they are locked; none for a known browser."""
    locked_until: int | None = None
    """Set where this was the last free try: if it fails, the account waits."""


def take_sign_in_try(
    provider: Provider, tx: Transaction, caller: Caller, account: Account | None, typed: str, now: int
) -> TakenTry | Refusal:
    """Count a try at a password. Out: its counters, or the refusal that the caller raises once this has committed."""
    limits = provider.settings.limits
    account_key, is_known = _account_key(tx, caller, account, typed)
    shared = {} if is_known else _shared_allowances(limits, caller)
    taken: list[str] = []
    for key, allowance in shared.items():
        answer = take_try(tx, key, allowance, now)
        if not answer.may_try:
            _give_back(tx, taken)
            return Refusal("sign_in.slowed_down", until=answer.waits_until)
        taken.append(key)
    at_account = take_try(tx, account_key, _account_allowance(limits), now)
    if not at_account.may_try:
        _give_back(tx, taken)
        return Refusal("sign_in.slowed_down", until=at_account.waits_until)
    return TakenTry(account_key, tuple(taken), at_account.waits_until)


def count_as_right(tx: Transaction, taken: TakenTry) -> None:
    """The password was right: this account starts afresh, and the network gets its one try back (BF-5)."""
    _give_back(tx, taken.shared_keys)  # in the order in which they are taken: else two of them wait for each other
    clear_tries(tx, taken.account_key)


def forget_failures(tx: Transaction, account_id: str) -> None:
    """After a reset the account starts afresh for every browser."""
    clear_tries(tx, f"sign-in:account:{account_id}")


def forget_failures_here(tx: Transaction, account_id: str, caller: Caller) -> None:
    """The account starts afresh for a known browser, and for no other."""
    clear_tries(tx, _browser_key(account_id, caller))


def take_mail_try(provider: Provider, tx: Transaction, email: str, now: int) -> bool:
    """Whether a form may send one more mail to this mailbox; all forms count together (BF-7).

    Call it also where nobody is found to write to: what is left of a mailbox's mails must not tell who has an account (EN-3).
    """
    return take_mail_try_at(provider, tx, mailbox_of(email), now)


def mailbox_of(email: str) -> str:
    """The name under which the mails to an address are counted; it says nothing of the address."""
    return hash_secret("mailbox", email_key(email)).hex()


def take_mail_try_at(provider: Provider, tx: Transaction, mailbox: str, now: int) -> bool:
    """The same for a mailbox by the name that `mailbox_of` gives it."""
    limits = provider.settings.limits
    return take_try(tx, "mail:" + mailbox, _allow(limits, Allowance(limits.mails_per_hour, 3600, 3600)), now).may_try


def take_mail_request(provider: Provider, tx: Transaction, caller: Caller, now: int) -> Refusal | None:
    """Count a form that asks for a mail, per network (BF-7). Out: the refusal to raise once this has committed."""
    key = "mail-request:network:" + network_of(caller.address)
    limits = provider.settings.limits
    taken = take_try(tx, key, _allow(limits, Allowance(limits.mail_requests, 3600, 3600)), now)
    return None if taken.may_try else Refusal("mail.slowed_down", until=taken.waits_until)


def take_client_registration(provider: Provider, address: str, now: int) -> int | None:
    """Count a client that registers without a token, per network (RX-4). Out: until when the network waits, or None."""
    limits = provider.settings.limits
    key = "client-registration:network:" + network_of(address)
    with provider.database.transaction() as tx:
        taken = take_try(tx, key, _allow(limits, Allowance(limits.client_registrations, 3600, 3600)), now)
    return None if taken.may_try else taken.waits_until


def take_wrong_credentials(provider: Provider, address: str, now: int) -> int | None:
    """Count a client's credentials that did not fit, per network (CA-4). Out: until when the network waits, or None.

    Right ones are not counted and never wait: a secret has 256 random bits, so whoever has it did not guess it, and a
    stranger or a node with an old secret on the same network keeps no client out.
    """
    limits = provider.settings.limits
    key = "client-secret:network:" + network_of(address)
    with provider.database.transaction() as tx:
        taken = take_try(tx, key, _allow(limits, Allowance(limits.client_secret_tries, 60, 60)), now)
    return None if taken.may_try else taken.waits_until


def take_telling(tx: Transaction, caller: Caller, now: int) -> bool:
    """Whether a form may tell this network once more that an address has an account (EN-5: ten in an hour)."""
    return take_try(tx, "telling:network:" + network_of(caller.address), Allowance(10, 3600, 3600), now).may_try


def take_user_name_try(tx: Transaction, account_id: str, now: int) -> Refusal | None:
    """Count a try at another user name, so that nobody learns whose names there are. Out: the refusal to raise (EN-5)."""
    taken = take_try(tx, f"user-name:tries:{account_id}", Allowance(10, 3600, 3600), now)
    return None if taken.may_try else Refusal("user_name.slowed_down", until=taken.waits_until)


def take_user_name_change(tx: Transaction, account_id: str, now: int) -> Refusal | None:
    """One change of the user name in a day; it counts if the transaction commits. Out: the refusal to raise."""
    taken = take_try(tx, f"user-name:changed:{account_id}", Allowance(1, 86400, 86400), now)
    return None if taken.may_try else Refusal("user_name.changed_today", at=taken.waits_until)


def take_note(tx: Transaction, caller: Caller, now: int) -> bool:
    """Whether this network may have one more oddity written down, so that nobody fills the audit trail (RX-1)."""
    return take_try(tx, "note:network:" + network_of(caller.address), Allowance(30, 3600, 3600), now).may_try


def take_confirmation_try(tx: Transaction, registration_id: str, now: int) -> Refusal | None:
    """Count a try at the password of a registration. Out: the refusal to raise once this has committed (BF-3)."""
    taken = take_try(tx, f"confirm:registration:{registration_id}", Allowance(5, ACCOUNT_WINDOW, LONGEST_WAIT), now)
    return None if taken.may_try else Refusal("sign_in.slowed_down", until=taken.waits_until)


def network_of(address: str) -> str:
    """The network an address counts for: IPv4 /32, IPv6 /64; whatever is no address counts together."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed.packed[:8] + bytes(8), 64)))
    return str(parsed)


def _account_key(tx: Transaction, caller: Caller, account: Account | None, typed: str) -> tuple[str, bool]:
    """The counter of the account or name, and whether it is one that a known browser has for itself."""
    is_known = is_known_browser(tx, account.account_id if account else "", caller.device)  # asked for nobody too (EN-2)
    if account is None:
        key = email_key(typed) if "@" in typed else user_name_key(typed)
        return "sign-in:name:" + hash_secret("name", key).hex(), False
    if is_known:
        return _browser_key(account.account_id, caller), True
    return f"sign-in:account:{account.account_id}", False


def _browser_key(account_id: str, caller: Caller) -> str:
    """The counter that a known browser has for itself."""
    return f"sign-in:account:{account_id}:{hash_secret('device', caller.device).hex()}"


def _account_allowance(limits: LimitSettings) -> Allowance:
    return _allow(limits, Allowance(limits.account_tries, ACCOUNT_WINDOW, LONGEST_WAIT, MOST_FAILURES))


def _shared_allowances(limits: LimitSettings, caller: Caller) -> dict[str, Allowance]:
    return {
        "sign-in:network:" + network_of(caller.address): _allow(limits, Allowance(limits.network_tries, 60, 60)),
        _ALL: _allow(limits, Allowance(limits.tries_in_all, 60, 60)),
    }


def _give_back(tx: Transaction, keys: Iterable[str]) -> None:
    for key in keys:
        give_back_try(tx, key)


def _allow(limits: LimitSettings, allowance: Allowance) -> Allowance:
    """Everything, where the operator of a test provider switched counting off."""
    return allowance if limits.enabled else _EVERYTHING
