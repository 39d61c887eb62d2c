"""Approval rules for tests, the way `idp apply` puts them in, and registrations to try others on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from idp.accounts.approval_rules import add_version, rules_in_use
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.policy.rules import Rule
    from idp.store.accounts import Account
    from idp.store.database import Transaction


def add_rules(tx: Transaction, *wanted: Rule, now: int) -> int:
    """Switch these rules on behind those that are in use; out: the version."""
    in_use = rules_in_use(tx)
    rule_set = replace(in_use, rules=(*in_use.rules, *wanted))
    return add_version(tx, rule_set, base=in_use.version or 0, actor_kind="operator", actor="tests", now=now)


def add_past_registration(tx: Transaction, account: Account, serial: str, at: int) -> None:
    """The registration that an account came from, confirmed at an instant."""
    tx.run(
        _REGISTRATION,
        id=f"r-{account.user_name}",
        reference=f"R-{account.user_name}",
        email=account.email_key,
        given_name=account.given_name,
        company=account.company,
        country=account.country,
        serial=serial,
        no=False,
        hash=account.user_name.encode(),
        account_id=account.account_id,
        at=at,
    )


_REGISTRATION = Statement(
    "INSERT INTO registrations (registration_id, reference, state, email, email_key, given_name, family_name, company,"
    " country, serial_number, locale, password_hash, address_taken, status_hash, account_id, sent_at, expires_at,"
    " confirmed_at) VALUES (:id, :reference, 'confirmed', :email, :email, :given_name, 'Test', :company, :country, :serial,"
    " 'en', '', :no, :hash, :account_id, :at, :at, :at)"
)
