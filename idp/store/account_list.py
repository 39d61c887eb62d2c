"""Lists of accounts for operators: filtered, in the order of their making, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.store.accounts import Account, account_from_row
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

_LIST = Statement(
    "SELECT * FROM accounts WHERE (:status = '' OR approval_status = :status)"
    " AND (:pattern = '' OR email_key LIKE :pattern ESCAPE '!' OR user_name_key LIKE :pattern ESCAPE '!'"
    " OR LOWER(given_name || ' ' || family_name) LIKE :pattern ESCAPE '!' OR LOWER(company) LIKE :pattern ESCAPE '!'"
    " OR account_id IN (SELECT account_id FROM devices WHERE LOWER(serial_number) LIKE :pattern ESCAPE '!'))"
    " ORDER BY created_at, account_id LIMIT :limit"
)
_STAFF = Statement("SELECT * FROM accounts WHERE roles <> '' AND access <> 'closed' ORDER BY account_id")
_WITH_ROLES = Statement("SELECT COUNT(*) AS count FROM accounts WHERE roles LIKE :pattern AND access <> 'closed'")
_SET_ROLES = Statement("UPDATE accounts SET roles = :roles, updated_at = :now WHERE account_id = :account_id")


def list_accounts(tx: Transaction, *, search: str = "", status: str = "", limit: int = 200) -> list[Account]:
    """Accounts whose name, company, address, user name or serial number contains the text (F-2.3)."""
    escaped = search.strip().lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    rows = tx.all(_LIST, status=status, pattern=f"%{escaped}%" if escaped else "", limit=limit)
    return [account_from_row(row) for row in rows]


def list_with_roles(tx: Transaction) -> list[Account]:
    """Everybody who has a role."""
    return [account_from_row(row) for row in tx.all(_STAFF)]


def count_with_role(tx: Transaction, role: str) -> int:
    """How many accounts have a role."""
    row = tx.one(_WITH_ROLES, pattern=f"%{role}%")
    return int(row["count"]) if row else 0


def set_roles(tx: Transaction, account_id: str, roles: frozenset[str], now: int) -> None:
    """Give an account exactly these roles."""
    tx.run(_SET_ROLES, account_id=account_id, roles=" ".join(sorted(roles)), now=now)
