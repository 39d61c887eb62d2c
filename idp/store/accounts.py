"""Accounts: found by id or by what a person types, made, changed. Passwords come in as finished hashes.

`Account` is a row as a value; who changes one reads it again. Approval has its own module, devices too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp.keys.secrets import new_identifier
from idp.store.database import Conflict, Statement
from idp.store.identifiers import email_key, user_name_key

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

_FIND = Statement("SELECT * FROM accounts WHERE account_id = :account_id")
_FIND_BY_EMAIL = Statement("SELECT * FROM accounts WHERE email_key = :key")
_FIND_BY_USER_NAME = Statement("SELECT * FROM accounts WHERE user_name_key = :key")
_INSERT = Statement(
    "INSERT INTO accounts (account_id, email, email_key, email_verified_at, user_name, user_name_key, given_name,"
    " family_name, company, country, locale, claims, password_hash, password_changed_at, access, approval_status,"
    " approval_updated_at, roles, registration_id, created_at, updated_at)"
    " VALUES (:account_id, :email, :email_key, :email_verified_at, :user_name, :user_name_key, :given_name,"
    " :family_name, :company, :country, :locale, :claims, :password_hash, :now, :access, :approval_status,"
    " :now, :roles, :registration_id, :now, :now) ON CONFLICT DO NOTHING"
)
_SET_PASSWORD = Statement(
    "UPDATE accounts SET password_hash = :password_hash, password_changed_at = :now, updated_at = :now"
    " WHERE account_id = :account_id"
)
_SET_EMAIL = Statement(
    "UPDATE accounts SET email = :email, email_key = :key, email_verified_at = :verified_at, updated_at = :now"
    " WHERE account_id = :account_id AND email_key = :old_key AND access <> 'closed'"
)
_VERIFY_EMAIL = Statement(
    "UPDATE accounts SET email_verified_at = :now WHERE account_id = :account_id AND email_key = :key"
    " AND email_verified_at IS NULL"
)
_SET_USER_NAME = Statement(
    "UPDATE accounts SET user_name = :user_name, user_name_key = :key, updated_at = :now"
    " WHERE account_id = :account_id AND access <> 'closed'"
)
_CLEAR_PASSWORD = Statement(
    "UPDATE accounts SET password_hash = NULL, updated_at = :now WHERE account_id = :account_id"
)
_REHASH = Statement(
    "UPDATE accounts SET password_hash = :new_hash WHERE account_id = :account_id AND password_hash = :old_hash"
)
_SET_PROFILE = Statement(
    "UPDATE accounts SET given_name = :given_name, family_name = :family_name, company = :company, country = :country,"
    " locale = :locale, updated_at = :now WHERE account_id = :account_id"
)
_LOCK = Statement("UPDATE accounts SET claims = claims WHERE account_id = :account_id RETURNING *")
_SET_CLAIMS = Statement("UPDATE accounts SET claims = :claims, updated_at = :now WHERE account_id = :account_id")
_SERIAL_NUMBERS = Statement("SELECT serial_number FROM devices WHERE account_id = :account_id ORDER BY created_at")
_NOTE_SIGN_IN = Statement("UPDATE accounts SET last_sign_in_at = :now WHERE account_id = :account_id")


@dataclass(frozen=True, slots=True)
class Account:
    """A customer or a member of staff, as the row said when it was read."""

    account_id: str
    email: str
    email_key: str
    email_verified_at: int | None
    user_name: str
    user_name_key: str
    given_name: str
    family_name: str
    company: str
    country: str
    locale: str
    claims: Mapping[str, Any]
    password_hash: str | None
    password_changed_at: int | None
    access: str
    approval_status: str
    approval_updated_at: int
    roles: frozenset[str]
    registration_id: str | None
    terms_version: str
    last_sign_in_at: int | None
    created_at: int
    updated_at: int

    def __repr__(self) -> str:
        return f"Account({self.account_id!r}, {self.access}, {self.approval_status})"

    @property
    def name(self) -> str:
        """Given and family name, or the user name where neither is known."""
        return f"{self.given_name} {self.family_name}".strip() or self.user_name

    @property
    def is_closed(self) -> bool:
        """Whether nobody may sign in with it any more."""
        return self.access == "closed"


def find_account(tx: Transaction, account_id: str) -> Account | None:
    """The account with this id (the public `sub`)."""
    return _parse(tx.one(_FIND, account_id=account_id))


def find_by_email(tx: Transaction, email: str) -> Account | None:
    """The account that owns an e-mail address, in any spelling of it."""
    return _parse(tx.one(_FIND_BY_EMAIL, key=email_key(email)))


def find_by_identifier(tx: Transaction, text: str) -> Account | None:
    """The account that a person means who typed an e-mail address or a user name (F-2.2); user names have no `@`."""
    if "@" in text:
        return find_by_email(tx, text)
    return _parse(tx.one(_FIND_BY_USER_NAME, key=user_name_key(text)))


def insert_account(
    tx: Transaction,
    *,
    email: str,
    user_name: str,
    now: int,
    password_hash: str | None = None,
    given_name: str = "",
    family_name: str = "",
    company: str = "",
    country: str = "",
    locale: str = "en",
    claims: Mapping[str, Any] | None = None,
    email_verified_at: int | None = None,
    access: str = "active",
    approval_status: str = "pending",
    roles: str = "",
    registration_id: str | None = None,
    account_id: str | None = None,
) -> Account:
    """Make an account. Raises `Conflict("email")` or `Conflict("user_name")` where taken; the transaction stays usable."""
    key = account_id or new_identifier()
    made = tx.run(
        _INSERT,
        account_id=key,
        email=email,
        email_key=email_key(email),
        email_verified_at=email_verified_at,
        user_name=user_name,
        user_name_key=user_name_key(user_name),
        given_name=given_name,
        family_name=family_name,
        company=company,
        country=country,
        locale=locale,
        claims=_dump(claims or {}),
        password_hash=password_hash,
        access=access,
        approval_status=approval_status,
        roles=roles,
        registration_id=registration_id,
        now=now,
    )
    if not made:
        raise Conflict("email" if find_by_email(tx, email) else "user_name")
    return get_account(tx, key)


def lock_account(tx: Transaction, account_id: str) -> Account:
    """The account, which nobody else changes until the transaction ends. Raises `LookupError` where there is none."""
    account = _parse(tx.one(_LOCK, account_id=account_id))
    if account is None:
        raise LookupError(f"account {account_id} does not exist")
    return account


def get_account(tx: Transaction, account_id: str) -> Account:
    """The account with this id, which must exist (raises `LookupError`)."""
    account = find_account(tx, account_id)
    if account is None:
        raise LookupError(f"account {account_id} does not exist")
    return account


def set_password(tx: Transaction, account_id: str, password_hash: str, now: int) -> None:
    """Keep a newly chosen password's hash."""
    tx.run(_SET_PASSWORD, account_id=account_id, password_hash=password_hash, now=now)


def clear_password(tx: Transaction, account_id: str, now: int) -> None:
    """Take the password away; a temporary one takes its place until a new one is chosen."""
    tx.run(_CLEAR_PASSWORD, account_id=account_id, now=now)


def set_email(tx: Transaction, account_id: str, email: str, *, old_key: str, verified_at: int | None, now: int) -> bool:
    """Give an account another e-mail address, if it has the one that was seen and is not closed; out: whether it did.

    Raises `Conflict` where another account has the address: the transaction is lost then.
    """
    return (
        tx.run(
            _SET_EMAIL,
            account_id=account_id,
            email=email,
            key=email_key(email),
            old_key=old_key,
            verified_at=verified_at,
            now=now,
        )
        == 1
    )


def note_verified(tx: Transaction, account_id: str, email: str, now: int) -> None:
    """A link that a mail carried to this address came back: it is the owner's, if it is still the account's."""
    tx.run(_VERIFY_EMAIL, account_id=account_id, key=email_key(email), now=now)


def set_user_name(tx: Transaction, account_id: str, user_name: str, now: int) -> bool:
    """Give an account another user name, unless it is closed. Raises `Conflict` where another account has it."""
    values = {"user_name": user_name, "key": user_name_key(user_name), "now": now}
    return tx.run(_SET_USER_NAME, account_id=account_id, **values) == 1


def replace_hash(tx: Transaction, account_id: str, *, old_hash: str, new_hash: str) -> bool:
    """Keep the same password under newer parameters (PW-5), unless somebody changed it meanwhile."""
    return tx.run(_REHASH, account_id=account_id, old_hash=old_hash, new_hash=new_hash) == 1


def set_profile(
    tx: Transaction,
    account_id: str,
    *,
    given_name: str,
    family_name: str,
    company: str,
    country: str,
    locale: str,
    now: int,
) -> None:
    """Keep what a person says about themselves."""
    tx.run(
        _SET_PROFILE,
        account_id=account_id,
        given_name=given_name,
        family_name=family_name,
        company=company,
        country=country,
        locale=locale,
        now=now,
    )


def set_claims(tx: Transaction, account_id: str, claims: Mapping[str, Any], now: int) -> None:
    """Keep the standard claims that have no column of their own, all of them."""
    tx.run(_SET_CLAIMS, account_id=account_id, claims=_dump(claims), now=now)


def note_sign_in(tx: Transaction, account_id: str, now: int) -> None:
    """Remember when the account last signed in."""
    tx.run(_NOTE_SIGN_IN, account_id=account_id, now=now)


def list_serial_numbers(tx: Transaction, account_id: str) -> list[str]:
    """The serial numbers of the devices that an account owns."""
    return [row["serial_number"] for row in tx.all(_SERIAL_NUMBERS, account_id=account_id)]


def account_from_row(row: Row) -> Account:
    """A row of the table as a value."""
    values = {name: row[name] for name in Account.__slots__}
    values["claims"] = json.loads(row["claims"])
    values["roles"] = frozenset(row["roles"].split())
    return Account(**values)


def _dump(claims: Mapping[str, Any]) -> str:
    return json.dumps(dict(claims), ensure_ascii=False, separators=(",", ":"))


def _parse(row: Row | None) -> Account | None:
    return None if row is None else account_from_row(row)
