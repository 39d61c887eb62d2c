"""The words that a person's password must not consist of: own names, addresses, serial numbers (PW-4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.store.accounts import list_serial_numbers

if TYPE_CHECKING:
    from idp.store.accounts import Account
    from idp.store.database import Transaction


def personal_words(tx: Transaction, account: Account) -> tuple[str, ...]:
    """Everything of an account that others know and that guessers try first."""
    own = (account.email, account.user_name, account.given_name, account.family_name, account.company)
    return tuple(text for text in (*own, *list_serial_numbers(tx, account.account_id)) if text)
