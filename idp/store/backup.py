"""Copies of the whole database: made while it is in use, checked, and put back into an empty place (RL-8).

SQLite copies itself (its online backup, one consistent state); for PostgreSQL its own `pg_dump` and `pg_restore` do it, in
one snapshot and one transaction. Passwords for PostgreSQL go by the environment, never by the command line.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import ArgumentError

from idp.store.database import Database, Statement, driver_url, engine_options, prepare_engine

_ANY_TABLE = Statement("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' LIMIT 1")


class BackupFailed(Exception):
    """A copy could not be made or put back; the text says why, for the operator."""


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy one SQLite database to a new file of its owner's alone, and check the copy.

    Raises `BackupFailed` where the source is no whole database of ours; nothing is left of the target then.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as before,
            closing(sqlite3.connect(target)) as after,
        ):
            before.backup(after)
            after.execute("PRAGMA journal_mode = DELETE")  # one file, without a journal beside it
            found = after.execute("PRAGMA integrity_check").fetchone()[0]
            after.execute("SELECT event_id FROM audit_head").fetchone()
        if found != "ok":
            raise BackupFailed(f"{source} is damaged: {found}")
    except sqlite3.Error as error:
        target.unlink()
        raise BackupFailed(f"{source} is no database of this provider: {error}") from None
    except BackupFailed:
        target.unlink()
        raise


def dump_postgresql(url: str, target: Path) -> None:
    """Write PostgreSQL's own archive of the database to a new file of its owner's alone. Raises `BackupFailed`."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        _run_tool("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
    except BackupFailed:
        target.unlink()
        raise


def restore_postgresql(url: str, source: Path) -> None:
    """Put an archive back into an empty database, wholly or not at all. Raises `BackupFailed`."""
    _run_tool(
        "pg_restore",
        url,
        "--no-owner",
        "--no-privileges",
        "--single-transaction",
        "--exit-on-error",
        files=(str(source),),
    )


def has_tables(url: str) -> bool:
    """Whether something is in this PostgreSQL database already."""
    engine = create_engine(driver_url(url), **engine_options(url))
    prepare_engine(engine)
    try:
        with Database(engine).reading() as tx:
            return tx.one(_ANY_TABLE) is not None
    finally:
        engine.dispose()


def _run_tool(name: str, url: str, *options: str, files: tuple[str, ...] = ()) -> None:
    program = shutil.which(name)
    if program is None:
        raise BackupFailed(f"{name} is not installed; it comes with PostgreSQL's client programs")
    try:
        parts = make_url(url)
    except ArgumentError:
        raise BackupFailed("database.url cannot be read") from None
    host, port = parts.host or parts.query.get("host"), parts.port or parts.query.get("port")
    wanted = {"PGHOST": host, "PGPORT": port, "PGUSER": parts.username, "PGPASSWORD": parts.password}
    environment = os.environ | {key: str(value) for key, value in wanted.items() if value}
    for key, variable in (("sslmode", "PGSSLMODE"), ("sslrootcert", "PGSSLROOTCERT")):
        if key in parts.query:
            environment[variable] = str(parts.query[key])
    command = [program, *options, "--no-password", f"--dbname={parts.database or ''}", *files]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[0]
        raise BackupFailed(f"{name} failed: {reason}")
