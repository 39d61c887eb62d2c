"""What is held against the database once the kills are over: each fault is a sentence, none is what must come out."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from attacks.flows import CLIENT, Journal, OneTime
from idp.errors import Busy
from idp.store import accounts, closings
from idp.store.database import Statement
from tests.support.flow import refresh

if TYPE_CHECKING:
    from attacks.ground import Ground
    from idp.store.database import Transaction

PATIENCE = 150.0
KILLS_OF_ERASURE = 3
STARTING = 20.0

_WAITING = Statement("SELECT COUNT(*) AS n FROM outbox WHERE done_at IS NULL AND dead_at IS NULL")
_DEAD = Statement("SELECT outbox_id, name, last_error FROM outbox WHERE dead_at IS NOT NULL")
_EMAILS = Statement("SELECT email FROM registrations")
_DEVICES = Statement("SELECT account_id, serial_number FROM devices")
_DECISIONS = Statement("SELECT account_id, new_status FROM approval_decisions WHERE old_status = 'pending'")
_DUE = Statement("SELECT COUNT(*) AS n FROM account_closings WHERE erased_at IS NULL")
_ERASED = Statement(
    "SELECT c.account_id FROM account_closings c JOIN accounts a ON a.account_id = c.account_id"
    " WHERE c.erased_at IS NOT NULL AND a.email LIKE 'erased-%'"
)
_HALF_MADE = {
    "an account whose registration is not confirmed, or another's": Statement(
        "SELECT a.account_id AS who FROM accounts a LEFT JOIN registrations r ON r.registration_id = a.registration_id"
        " WHERE a.registration_id IS NOT NULL AND (r.state IS NULL OR r.state <> 'confirmed' OR r.account_id <> a.account_id)"
    ),
    "a confirmed registration without its account": Statement(
        "SELECT r.registration_id AS who FROM registrations r LEFT JOIN accounts a ON a.account_id = r.account_id"
        " WHERE r.state = 'confirmed' AND a.account_id IS NULL"
    ),
    "a registered account without its device": Statement(
        "SELECT a.account_id AS who FROM accounts a LEFT JOIN devices d ON d.account_id = a.account_id"
        " WHERE a.registration_id IS NOT NULL AND a.access <> 'closed' AND d.account_id IS NULL"
    ),
    "a confirmation without its audit line": Statement(
        "SELECT r.registration_id AS who FROM registrations r LEFT JOIN audit_events e"
        " ON e.registration_id = r.registration_id AND e.act = 'registration_confirmed'"
        " WHERE r.state = 'confirmed' AND e.event_id IS NULL"
    ),
    "an account confirmed twice": Statement(
        "SELECT registration_id AS who FROM audit_events WHERE act = 'registration_confirmed'"
        " GROUP BY registration_id HAVING COUNT(*) > 1"
    ),
    "an account decided about twice": Statement(
        "SELECT account_id AS who FROM approval_decisions WHERE old_status = 'pending' GROUP BY account_id HAVING COUNT(*) > 1"
    ),
    "an account whose status is not that of its decision": Statement(
        "SELECT a.account_id AS who FROM accounts a JOIN approval_decisions d ON d.account_id = a.account_id"
        " WHERE d.new_status <> a.approval_status"
    ),
    "an erased account that still has a session, a device or a link": Statement(
        "SELECT c.account_id AS who FROM account_closings c WHERE c.erased_at IS NOT NULL AND ("
        " EXISTS (SELECT 1 FROM sessions s WHERE s.account_id = c.account_id)"
        " OR EXISTS (SELECT 1 FROM devices d WHERE d.account_id = c.account_id)"
        " OR EXISTS (SELECT 1 FROM links l WHERE l.account_id = c.account_id))"
    ),
    "an erasure without its one audit line": Statement(
        "SELECT c.account_id AS who FROM account_closings c WHERE c.erased_at IS NOT NULL AND"
        " (SELECT COUNT(*) FROM audit_events e WHERE e.account_id = c.account_id AND e.act = 'account_erased') <> 1"
    ),
    "a closed account without the row that ends in its erasure": Statement(
        "SELECT a.account_id AS who FROM accounts a LEFT JOIN account_closings c ON c.account_id = a.account_id"
        " WHERE a.access = 'closed' AND c.account_id IS NULL"
    ),
}


def check(ground: Ground, journal: Journal) -> dict[str, list[str]]:
    """All that is wrong, by what it is: lost, used twice, half-made, audit, mails, erasure."""
    wait_until(ground, _WAITING)
    found = {"lost": find_lost(ground, journal), "twice": find_used_twice(journal)}
    wait_until(ground, _WAITING)  # what the tries above still won writes mails, too
    time.sleep(1)
    found["mails"] = find_missing_mails(ground, journal)
    erase_among_kills(ground, journal)
    found["erasure"] = find_not_erased(ground, journal)
    with ground.provider.database.reading() as tx:
        found["half-made"] = [f"{name}: {row['who']}" for name, sql in _HALF_MADE.items() for row in tx.all(sql)]
    found["audit"] = verify_audit(ground)
    return found


def erase_among_kills(ground: Ground, journal: Journal) -> None:
    """The waiting time of all closed accounts is over; the worker that erases them dies on the way, PostgreSQL too."""
    now = ground.provider.clock()
    with ground.provider.database.transaction() as tx:
        for account_id in journal.closed:
            closings.bring_forward(tx, account_id, now)
    for number in range(KILLS_OF_ERASURE):
        ground.kill("worker")  # a worker that starts keeps house
        before = _count(ground, _DUE)
        end = time.monotonic() + STARTING
        while _count(ground, _DUE) >= before > 0 and time.monotonic() < end:
            time.sleep(0.01)
        if number == 0 and ground.cluster:
            ground.kill("postgresql")
    ground.kill("worker")
    wait_until(ground, _DUE)


def find_lost(ground: Ground, journal: Journal) -> list[str]:
    """Acknowledged changes that the database does not have."""
    with ground.provider.database.reading() as tx:
        lost = _find_lost_rows(tx, journal)
    endpoint = f"{ground.url}/oauth/token"

    def is_lost(token: str) -> bool:
        return refresh(endpoint, CLIENT, token).status_code != 200

    with ThreadPoolExecutor(4) as pool:
        tokens = [token for _, token in journal.tokens]
        lost += [
            f"refresh token {token[:6]}…" for token, gone in zip(tokens, pool.map(is_lost, tokens), strict=True) if gone
        ]
    return lost


def _find_lost_rows(tx: Transaction, journal: Journal) -> list[str]:
    emails = {row["email"] for row in tx.all(_EMAILS)}
    owned = {(row["account_id"], row["serial_number"]) for row in tx.all(_DEVICES)}
    decisions = {row["account_id"]: row["new_status"] for row in tx.all(_DECISIONS)}
    lost = [f"registration {email}" for email in journal.registered - emails]
    lost += [f"account {email}" for email in journal.confirmed if accounts.find_by_email(tx, email) is None]
    lost += [f"device {device}" for device in journal.devices - owned]
    lost += [f"decision about {key}" for key, status in journal.decided.items() if decisions.get(key) != status]
    lost += [
        f"e-mail change of {key}"
        for key, (_, new) in journal.changed.items()
        if accounts.get_account(tx, key).email != new
    ]
    lost += [f"closing of {key}" for key in journal.closed if not accounts.get_account(tx, key).is_closed]
    return lost


def find_used_twice(journal: Journal) -> list[str]:
    """One-time values that win again; one whose use a kill interrupted may win once more, and then never."""

    def wins_again(value: OneTime) -> bool:
        first = value.attempt()
        return (first and value.is_used) or value.attempt()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(wins_again, journal.one_time))
    return [value.kind for value, again in zip(journal.one_time, answers, strict=True) if again]


def find_missing_mails(ground: Ground, journal: Journal) -> list[str]:
    """Mails that did not come, are still waiting, or were given up."""
    missing = [
        f"{number - len(ground.letters.to(address))} of {number} to {address}"
        for address, number in journal.letters.items()
        if len(ground.letters.to(address)) < number
    ]
    with ground.provider.database.reading() as tx:
        missing += [f"given up: {row['name']} ({row['last_error']})" for row in tx.all(_DEAD)]
    left = _count(ground, _WAITING)
    return [*missing, *([f"{left} still waiting"] if left else [])]


def find_not_erased(ground: Ground, journal: Journal) -> list[str]:
    """Closed accounts that are not erased, and addresses of erased ones that are still somewhere in the database."""
    with ground.provider.database.reading() as tx:
        erased = {row["account_id"] for row in tx.all(_ERASED)}
        kept = [email for email in journal.closed.values() if accounts.find_by_email(tx, email)]
    return [*(f"not erased: {key}" for key in journal.closed.keys() - erased), *(f"still there: {one}" for one in kept)]


def verify_audit(ground: Ground) -> list[str]:
    """What `idp audit verify` finds."""
    environment = {**os.environ, "IDP_CONFIG": str(ground.config)}
    command = [sys.executable, "-m", "idp", "audit", "verify"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [(done.stdout + done.stderr)[-500:]]


def wait_until(ground: Ground, none_left: Statement) -> None:
    """Wait until the count is 0, but not for ever: what is not so by then is found by the check that follows."""
    end = time.monotonic() + PATIENCE
    while _count(ground, none_left) and time.monotonic() < end:
        ground.look_after()
        time.sleep(0.2)


def _count(ground: Ground, statement: Statement) -> int:
    with contextlib.suppress(Busy), ground.provider.database.reading() as tx:
        row = tx.one(statement)
        return int(row["n"]) if row else 0
    return 1  # the database is away: there may be some left
