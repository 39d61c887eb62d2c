"""Importing customers of the old portal (F-1.9): rows become accounts, with the password hash as it was.

A batch is one transaction, and with it goes how far the file is done; so an import that was killed goes on where it
stopped, and a row that is here already is never imported twice. Passwords keep their old form until the first sign-in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from idp.accounts.identifiers import made_user_names
from idp.accounts.old_passwords import read_old_hash
from idp.errors import Refusal
from idp.policy.approval import Status
from idp.store import accounts, approvals, audit, devices, old_portal
from idp.store.database import Conflict
from idp.store.identifiers import email_key, user_name_key

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.database import Transaction

BATCH = 500
NAMES_TO_TRY = 40
NEEDED = ("given_name", "family_name", "company", "country", "serial_number")
"""What every registration says, and a customer of the old portal is asked to complete."""


@dataclass(frozen=True, slots=True)
class OldCustomer:
    """A row of the old portal, checked. `approval_status` is None where the rules are to decide."""

    row_id: str
    email: str
    email_verified: bool = True
    user_name: str = ""
    profile: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    serial_numbers: tuple[str, ...] = ()
    approval_status: Status | None = None
    approval_reason: str = ""
    password_hash: str | None = field(default=None, repr=False)

    @property
    def email_key(self) -> str:
        """What no two accounts share."""
        return email_key(self.email)

    @property
    def user_name_key(self) -> str:
        """What no two accounts share; empty where the row has none."""
        return user_name_key(self.user_name)

    @property
    def missing(self) -> tuple[str, ...]:
        """What the customer will be asked for."""
        has = {**self.profile, "serial_number": "".join(self.serial_numbers)}
        return tuple(name for name in NEEDED if not has.get(name))


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of a batch: imported, here already, and refused with the key of the reason by row id."""

    imported: int
    already: int
    refused: Mapping[str, str]


def find_collisions(
    provider: Provider, source: str, customers: Sequence[OldCustomer]
) -> tuple[set[str], dict[str, str]]:
    """Which rows are here already, and which collide with another account: row id to `email_taken`, `user_name_taken`."""
    with provider.database.reading() as tx:
        rows = old_portal.list_known_rows(tx, source, [c.row_id for c in customers])
        emails = old_portal.list_known_emails(tx, [c.email_key for c in customers])
        names = old_portal.list_known_user_names(tx, [c.user_name_key for c in customers if c.user_name])
    collisions = {}
    for customer in customers:
        if customer.row_id in rows:
            continue
        if customer.email_key in emails:
            collisions[customer.row_id] = "email_taken"
        elif customer.user_name and customer.user_name_key in names:
            collisions[customer.row_id] = "user_name_taken"
    return rows, collisions


def begin_import(provider: Provider, source: str, digest: str) -> int:
    """How many rows of this file are done already."""
    with provider.database.transaction() as tx:
        return old_portal.begin_import(tx, source, digest, provider.clock())


def import_batch(
    provider: Provider, source: str, digest: str, customers: Sequence[OldCustomer], *, before: int, after: int
) -> Batch:
    """Import some rows, and note in the same transaction that the file is done up to row `after`.

    Raises `Refusal("import_elsewhere")` where somebody else imports the same source at the same time.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        if not old_portal.advance_import(tx, source, digest, before=before, after=after, now=now):
            raise Refusal("import_elsewhere")
        known = old_portal.list_known_rows(tx, source, [customer.row_id for customer in customers])
        new = [customer for customer in customers if customer.row_id not in known]
        refused = {}
        for customer in new:
            try:
                _add(tx, source, customer, now)
            except Conflict as conflict:
                refused[customer.row_id] = f"{conflict.args[0]}_taken"
        imported = len(new) - len(refused)
        if imported:
            details = {"source": source, "count": imported, "first": new[0].row_id, "last": new[-1].row_id}
            audit.record(tx, "old_accounts_imported", now=now, actor_kind="operator", details=details)
    return Batch(imported, len(known), refused)


def finish_import(provider: Provider, source: str) -> None:
    """The file is done to its end: the same file again looks at every row again."""
    with provider.database.transaction() as tx:
        old_portal.restart_import(tx, source, provider.clock())
    provider.database.learn_sizes()


def _add(tx: Transaction, source: str, customer: OldCustomer, now: int) -> None:
    account = _insert(tx, customer, now)
    for serial_number in customer.serial_numbers:
        devices.add_device(tx, account.account_id, serial_number, now)
    old = read_old_hash(customer.password_hash) if customer.password_hash else None
    old_portal.insert_old_account(
        tx,
        account.account_id,
        source=source,
        row_id=customer.row_id,
        hash_format=old.format if old else "none",
        is_weak=bool(old and old.is_weak),
        now=now,
    )
    if customer.approval_status not in (None, Status.PENDING):
        approvals.insert_decision(
            tx,
            account_id=account.account_id,
            old=Status.PENDING.value,
            new=account.approval_status,
            actor_kind="operator",
            actor="",
            reason=customer.approval_reason,
            remark="",
            facts=(),
            now=now,
        )


def _insert(tx: Transaction, customer: OldCustomer, now: int) -> Account:
    """With the user name of the row, or the first made one that is free. Raises `Conflict`."""
    profile = customer.profile
    made = made_user_names(profile.get("given_name", ""), profile.get("family_name", ""))
    for user_name in [customer.user_name] if customer.user_name else islice(made, NAMES_TO_TRY):
        try:
            return accounts.insert_account(
                tx,
                email=customer.email,
                user_name=user_name,
                now=now,
                password_hash=customer.password_hash,
                given_name=profile.get("given_name", ""),
                family_name=profile.get("family_name", ""),
                company=profile.get("company", ""),
                country=profile.get("country", ""),
                locale=profile.get("locale") or "en",
                claims=customer.claims,
                email_verified_at=now if customer.email_verified else None,
                approval_status=(customer.approval_status or Status.PENDING).value,
            )
        except Conflict as conflict:
            if conflict.args[0] != "user_name" or customer.user_name:
                raise
    raise Conflict("user_name")
