"""`[[accounts]]` of an apply file: customers and staff, found again by their e-mail address.

Names, company, country, language, the standard claims, roles and devices follow the file. Password and approval status
belong to the person and to staff once the account exists: the file gives the first ones only, so that applying it again
undoes nobody's act.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from idp.accounts.identifiers import made_user_names, parse_email, parse_user_name
from idp.accounts.passwords import is_demo_password, is_too_long
from idp.accounts.staff_roles import set_roles
from idp.cli.apply.claims import CLAIMS, parse_claims
from idp.cli.apply.plan import Change
from idp.cli.apply.rules import parse_serial
from idp.cli.apply.values import Values
from idp.config import LANGUAGES
from idp.errors import Refusal
from idp.policy.approval import Status
from idp.policy.staff import ROLES
from idp.store import accounts, approvals, approver_limits, audit, devices
from idp.store.database import Conflict

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction

KNOWN = (
    "email",
    "email_verified",
    "preferred_username",
    "given_name",
    "family_name",
    "company",
    "country",
    "locale",
    "serial_number",
    "password",
    "password_hash",
    "approval_status",
    "approval_reason",
    "roles",
    *CLAIMS,
)
PROFILE = ("given_name", "family_name", "company", "country", "locale")


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """One account of the file."""

    email: str
    email_verified: bool
    user_name: str
    profile: Mapping[str, str]
    claims: Mapping[str, Any]
    serial_numbers: tuple[str, ...]
    approval_status: Status
    approval_reason: str
    roles: frozenset[str] | None
    password: str = field(default="", repr=False)
    password_hash: str | None = field(default=None, repr=False)


def parse_account_entry(entry: Mapping[str, Any], settings: Settings) -> AccountEntry:
    """One account. Raises `ValueError` with the key and what would be right."""
    values = Values(entry, KNOWN)
    country, locale = values.text("country"), values.text("locale")
    if country and not re.fullmatch(r"[A-Z]{2}", country):
        raise ValueError("country: must be two capital letters (ISO 3166-1), such as DE")
    if locale and locale not in LANGUAGES:
        raise ValueError(f"locale: must be one of {', '.join(LANGUAGES)}")
    roles = frozenset(values.texts("roles")) if "roles" in values else None
    if roles and roles - set(ROLES):
        raise ValueError(f"roles: must be among {', '.join(sorted(ROLES))}")
    try:
        status = Status(values.text("approval_status") or "pending")
    except ValueError:
        raise ValueError(f"approval_status: must be one of {', '.join(s.value for s in Status)}") from None
    return AccountEntry(
        email=_parse_email(values.needed("email")),
        email_verified=values.flag("email_verified", True),
        user_name=_parse_user_name(values.text("preferred_username")),
        profile={name: values.text(name) for name in PROFILE if name in values},
        claims=parse_claims(values),
        serial_numbers=tuple(parse_serial(text) for text in values.texts("serial_number")),
        approval_status=status,
        approval_reason=values.text("approval_reason", longest=2000),
        roles=roles,
        password=_parse_password(values, entry, settings),
        password_hash=_parse_hash(values.text("password_hash", longest=1024)),
    )


def _parse_email(text: str) -> str:
    try:
        return parse_email(text)
    except Refusal:
        raise ValueError("email: must be an e-mail address") from None


def _parse_user_name(text: str) -> str:
    try:
        return parse_user_name(text) if text else ""
    except Refusal:
        raise ValueError("preferred_username: must be 3 to 40 letters, digits, dots, dashes and underscores") from None


def _parse_password(values: Values, entry: Mapping[str, Any], settings: Settings) -> str:
    """A password as it is: the operator's choice is not held to the rules that customers have (PW-1)."""
    password = entry.get("password", "")
    if not isinstance(password, str) or is_too_long(password):
        raise ValueError("password: must be a text of at most 256 characters")
    if password and "password_hash" in values:
        raise ValueError("password: give either password or password_hash")
    if is_demo_password(password) and not settings.issuer_is_loopback:
        raise ValueError(
            "password: is the demo's, which everybody knows; it works on this machine only, give another one"
        )
    return password


def _parse_hash(text: str) -> str | None:
    if text and not re.fullmatch(r"\$argon2id?\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+", text):
        raise ValueError("password_hash: must be an encoded argon2id hash, $argon2id$v=19$…")
    return text or None


def hash_new_passwords(provider: Provider, entries: list[AccountEntry]) -> list[AccountEntry]:
    """Hash the passwords of accounts that do not exist yet: before the transaction, and only what is needed."""
    with provider.database.reading() as tx:
        is_new = [accounts.find_by_email(tx, entry.email) is None for entry in entries]
    return [
        replace(entry, password_hash=provider.passwords.hash(entry.password)) if new and entry.password else entry
        for entry, new in zip(entries, is_new, strict=True)
    ]


def apply_account(tx: Transaction, entry: AccountEntry, now: int) -> Change:
    """Make an account or bring it up to date. Raises `ValueError` where the file and the database cannot both be right."""
    account = accounts.find_by_email(tx, entry.email)
    if account is None:
        return _add(tx, entry, now)
    return _change(tx, account, entry, now)


def _add(tx: Transaction, entry: AccountEntry, now: int) -> Change:
    account = _insert(tx, entry, now)
    for serial_number in entry.serial_numbers:
        devices.add_device(tx, account.account_id, serial_number, now)
    if entry.approval_status is not Status.PENDING:
        approvals.insert_decision(
            tx,
            account_id=account.account_id,
            old=Status.PENDING.value,
            new=entry.approval_status.value,
            actor_kind="operator",
            actor="",
            reason=entry.approval_reason,
            remark="",
            facts=(),
            now=now,
        )
    audit.record(tx, "account_made", now=now, actor_kind="operator", account_id=account.account_id)
    return Change("account", entry.email, "add")


def _insert(tx: Transaction, entry: AccountEntry, now: int) -> Account:
    """With the user name of the file, or the first made one that is free."""
    profile = dict(entry.profile)
    chosen = [entry.user_name] if entry.user_name else None
    names = chosen or made_user_names(profile.get("given_name", ""), profile.get("family_name", ""))
    for user_name in names:
        try:
            return accounts.insert_account(
                tx,
                email=entry.email,
                user_name=user_name,
                now=now,
                password_hash=entry.password_hash,
                email_verified_at=now if entry.email_verified else None,
                approval_status=entry.approval_status.value,
                roles=" ".join(sorted(entry.roles or ())),
                given_name=profile.get("given_name", ""),
                family_name=profile.get("family_name", ""),
                company=profile.get("company", ""),
                country=profile.get("country", ""),
                locale=profile.get("locale") or "en",
                claims=entry.claims,
            )
        except Conflict:
            continue
    raise ValueError(f"preferred_username: {entry.user_name} belongs to another account")


def _change(tx: Transaction, account: Account, entry: AccountEntry, now: int) -> Change:
    changed = [name for name, text in entry.profile.items() if getattr(account, name) != text]
    if changed:
        merged = {name: entry.profile.get(name, getattr(account, name)) for name in PROFILE}
        accounts.set_profile(tx, account.account_id, **merged, now=now)
    new_claims = [name for name, value in entry.claims.items() if account.claims.get(name) != value]
    if new_claims:
        accounts.set_claims(tx, account.account_id, {**account.claims, **entry.claims}, now)
        changed += new_claims
    if entry.roles is not None and entry.roles != account.roles:
        kept = "approver" in entry.roles and "administrator" not in entry.roles
        limits = approver_limits.find_limits(tx, account.account_id) if kept else approver_limits.NO_LIMITS
        set_roles(tx, account, entry.roles, limits, now)
        changed.append("roles")
    new_devices = [s for s in entry.serial_numbers if devices.add_device(tx, account.account_id, s, now)]
    if new_devices:
        changed.append("serial_number")
    if changed:
        audit.record(
            tx,
            "account_changed",
            now=now,
            actor_kind="operator",
            account_id=account.account_id,
            details={"values": changed},
        )
    return Change(
        "account", entry.email, "change" if changed else "keep", tuple(changed), tuple(_remarks(account, entry))
    )


def _remarks(account: Account, entry: AccountEntry) -> list[str]:
    """What the file says and the account keeps."""
    remarks = []
    if entry.user_name and entry.user_name != account.user_name:
        remarks.append(f"keeps its user name {account.user_name}")
    if entry.approval_status.value != account.approval_status:
        remarks.append(f"stays {account.approval_status}; change it with: idp approvals")
    return remarks
