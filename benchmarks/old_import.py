"""How long it takes to import customers of an old portal, killed once and called again (`make import-benchmark N=100000`).

The file has collisions of each kind: in every thousand rows an e-mail address and a user name that stand before, a bad serial
number, a bad hash, a missing address. SQLite, the command line as operators use it.
"""

from __future__ import annotations

import argparse
import csv
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LDAP = "{SSHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng=="
HEADER = ("row_id", "email", "preferred_username", "given_name", "family_name", "company", "country", "serial_number")
FAULTS: dict[int, dict[str, str]] = {
    100: {"email": "person1@old.example"},
    200: {"preferred_username": "person1"},
    300: {"serial_number": "12345"},
    400: {"password_hash": "5f4dcc3b5aa765d61d8327deb882cf99"},
    500: {"email": ""},
}


def main() -> None:
    """Write the file, import it in two goes, count what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="idp-import-") as name:
        folder = Path(name)
        faulty = write_file(folder / "old.csv", rows)
        (folder / "config.toml").write_text(
            f'[database]\nurl = "sqlite:///{folder}/idp.sqlite3"\n[keys]\ndirectory = "{folder}/keys"\n',
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "idp", "--config", str(folder / "config.toml")]
        subprocess.run([*command, "migrate"], check=True, capture_output=True)
        command += ["accounts", "import", str(folder / "old.csv"), "--json"]
        looked, _ = timed([*command, "--dry-run"])
        begun = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and count(folder, "old_accounts") < rows * 4 // 10:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
        first, done = time.monotonic() - begun, count(folder, "old_accounts")
        second, report = timed(command)
        print_line(f"{rows} rows, {faulty} of them faulty or colliding")
        print_line(f"looking at the whole file (--dry-run): {looked:.1f} s")
        print_line(
            f"killed after {first:.1f} s with {done} imported; called again: {report['imported']} in {second:.1f} s"
        )
        print_line(f"refused: {report['refused']}")
        there = {table: count(folder, table) for table in ("accounts", "old_accounts", "devices")}
        print_line(f"there now: {there}; the file: {(folder / 'idp.sqlite3').stat().st_size // 1_000_000} MB")
        if set(there.values()) != {rows - faulty} or sum(report["refused"].values()) != faulty:
            sys.exit("rows were lost or doubled")


def write_file(path: Path, rows: int) -> int:
    """Made-up customers; out: how many of the rows cannot be imported."""
    faulty = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (*HEADER, "password_hash"))
        writer.writeheader()
        for n in range(1, rows + 1):
            fault = FAULTS.get(n % 1000, {})
            faulty += bool(fault)
            person = dict(zip(HEADER, (n, f"person{n}@old.example", f"person{n}"), strict=False))
            rest = {"given_name": "Pat", "family_name": f"Person {n}", "company": "Works", "country": "DE"}
            writer.writerow({**person, **rest, "serial_number": f"AB{n % 1000:03d}Z", "password_hash": LDAP, **fault})
    return faulty


def timed(command: list[str]) -> tuple[float, dict[str, Any]]:
    """Seconds, and the report."""
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, check=False)
    return time.monotonic() - begun, json.loads(done.stdout)


def count(folder: Path, table: str) -> int:
    """How many rows a table has."""
    with sqlite3.connect(folder / "idp.sqlite3") as connection:
        return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own words


def print_line(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
