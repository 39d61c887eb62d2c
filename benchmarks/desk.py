"""How long the desk's pages take at the server among 100,000 accounts and 5,000 waiting registrations (`make bench-desk`).

Both databases in one run, in this process: request in, answer out, without network and browser. PostgreSQL with fsync.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flask.testing import FlaskClient

from idp import create_app
from idp.config import DatabaseSettings, KeySettings, Settings
from idp.provider import Provider
from idp.store import accounts, sessions
from tests.support.postgresql import running_cluster

ROUNDS = 30
PAGES = {
    "queue, first page": "/staff",
    "queue, searched": "/staff?q=Bergmeier",
    "search, a common name": "/staff/accounts?q=Stein",
    "search, name and company": "/staff/accounts?q=Anna+Messtechnik",
    "search, one person by e-mail": "/staff/accounts?q={email}",
    "search, two wrong letters": "/staff/accounts?q=Rosenmaiyer",
    "search, other script": "/staff/accounts?q=Ольга",
    "search, part of a word": "/staff/accounts?q=technik",
    "search, one letter": "/staff/accounts?q=a",
    "search, serial number": "/staff/accounts?q=ef-123-z",
    "search, nobody": "/staff/accounts?q=xylophonquartett",
    "accounts, no search": "/staff/accounts",
    "registrations, all": "/staff/registrations?state=all",
    "account page": "/staff/accounts/{account_id}",
    "application": "/staff/applications/{waiting_id}",
}


def main() -> None:
    """Fill both databases, ask for each page, print a table and write it where `--out` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--waiting", type=int, default=5_000)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="idp-bench-") as name, running_cluster(fsync=True) as cluster:
        folder = Path(name)
        urls = {"SQLite": f"sqlite:///{folder / 'idp.sqlite3'}", "PostgreSQL": cluster.new_database()}
        columns = {kind: _measure(url, folder / kind, chosen.accounts, chosen.waiting) for kind, url in urls.items()}
    text = _tell(columns, chosen.accounts, chosen.waiting)
    sys.stdout.write(text)
    if chosen.out:
        chosen.out.write_text(text, encoding="utf-8")
    if any(slowest >= 200 for column in columns.values() for _median, slowest in column.values()):
        sys.exit("a page took 200 ms or more")


def _measure(url: str, folder: Path, count: int, waiting: int) -> dict[str, tuple[float, float]]:
    folder.mkdir()
    config = folder / "config.toml"
    config.write_text(f'[database]\nurl = "{url}"\n[keys]\ndirectory = "{folder / "keys"}"\n', encoding="utf-8")
    command = [sys.executable, "-m", "idp", "--config", str(config), "accounts", "generate", str(count)]
    started = time.perf_counter()
    subprocess.run([*command, "--waiting", str(waiting)], check=True)
    sys.stderr.write(f"{url.partition(':')[0]}: filled in {time.perf_counter() - started:.0f} s\n")
    settings = Settings(database=DatabaseSettings(url=url), keys=KeySettings(directory=folder / "keys"))
    app = create_app(settings)
    browser = _sit_down(app.extensions["idp"], app.test_client())
    names = {"email": _email_of(app.extensions["idp"]), "account_id": "m1-1471", "waiting_id": f"m1-{count + 7}"}
    found = {}
    for name, path in PAGES.items():
        took = []
        browser.get(path.format(**names))  # its template is compiled once
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            answer = browser.get(path.format(**names))
            took.append((time.perf_counter() - begun) * 1000)
            assert answer.status_code == 200, (path, answer.status)
        found[name] = (statistics.median(took), max(took))
    app.extensions["idp"].database.engine.dispose()
    return found


def _sit_down(provider: Provider, browser: FlaskClient) -> FlaskClient:
    now = provider.clock()
    with provider.database.transaction() as tx:
        staff = accounts.insert_account(
            tx, email="desk@example.com", user_name="desk", roles="administrator", now=now, email_verified_at=now
        )
        started = sessions.start_session(tx, account_id=staff.account_id, kept=False, lifetime=43200, now=now)
    browser.set_cookie("idp_session", started.secret)
    return browser


def _email_of(provider: Provider) -> str:
    with provider.database.reading() as tx:
        return accounts.get_account(tx, "m1-1471").email


def _tell(columns: dict[str, dict[str, tuple[float, float]]], count: int, waiting: int) -> str:
    lines = [
        "# The desk at its real size",
        "",
        (
            f"Milliseconds at the server, median and slowest of {ROUNDS} requests after the first, among {count:,} accounts and"
            f" {waiting:,} waiting registrations; written by `make bench-desk` on {platform.machine()}, Python"
            f" {platform.python_version()}, {os.cpu_count()} cores. Each must stay under 200 ms."
        ),
        "",
        "| page | " + " | ".join(f"{kind}: median | slowest" for kind in columns) + " |",
        "|---|" + "---:|---:|" * len(columns),
    ]
    for name in PAGES:
        cells = " | ".join(f"{column[name][0]:.0f} | {column[name][1]:.0f}" for column in columns.values())
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
