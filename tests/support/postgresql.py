"""A throw-away PostgreSQL cluster in a temporary folder, made from Debian's own programs.

It belongs to the user `postgres` when the tests run as root (initdb refuses root), listens on 127.0.0.1 only and dies with
the process that started it. No cluster that was there before is touched.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from tests.support.processes import free_port, stop

Prepare = Callable[[str], object]

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "log_min_duration_statement": "-1",
    "timezone": "UTC",
}
_KNOWS_STRATEGIES = 150000
_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def programs() -> Path:
    """The folder of the newest PostgreSQL's programs; PATH has no say."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not folders:
        raise RuntimeError("Debian's PostgreSQL is not installed: run scripts/system_packages.sh")
    return max(folders, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0))


class PostgresqlCluster:
    """A running cluster and the databases in it."""

    def __init__(self, *, fsync: bool) -> None:
        self.fsync = fsync
        self.folder = Path(tempfile.mkdtemp(prefix="idp-tests-postgresql-"))
        self.log = self.folder / "log"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: psycopg.Connection[tuple[object, ...]] | None = None
        self._templates: dict[Hashable, str] = {}
        self._count = 0

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        if self._process is None:
            raise RuntimeError("the cluster is not running")
        return self._process.pid

    def create(self) -> None:
        """Make the files."""
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        command = [
            str(programs() / "initdb"),
            f"--pgdata={self.folder / 'data'}",
            *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        ]
        done = subprocess.run(self._as_owner(command), capture_output=True, text=True, cwd=self.folder, check=False)
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start the cluster and wait until it answers; another port is tried when somebody was faster."""
        for _ in range(5):
            self.port = self.port or free_port()
            self._process = self._launch()
            if self._wait_until_it_answers():
                return
            self.port = 0
        raise RuntimeError(f"PostgreSQL does not start:\n{self.log.read_text(errors='replace')[-4000:]}")

    def stop(self) -> None:
        """End every connection and the cluster."""
        self._disconnect()
        if self._process:
            stop(self._process, by=signal.SIGINT)

    def kill(self) -> None:
        """End it as a power cut does for the processes: SIGQUIT, no shutdown checkpoint; `start` recovers."""
        self._disconnect()
        if self._process:
            stop(self._process, by=signal.SIGQUIT)

    def crash(self) -> None:
        """Kill the postmaster and every process of it with SIGKILL at once; `start` recovers."""
        self._disconnect()
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        for process in (self.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if self._process:
            self._process.wait()

    def url(self, database: str) -> str:
        """How the application reaches a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self, prepare: Prepare | None = None) -> str:
        """Make a database; out: its URL.

        `prepare` is called once for this cluster with the URL of a template; each new database is a copy of it.
        """
        if prepare is None:
            return self.url(self._create_database("template0"))
        if prepare not in self._templates:
            name = self._create_database("template0")
            prepare(self.url(name))
            self._end_connections(name)
            self._templates[prepare] = name
        return self.url(self._create_database(self._templates[prepare]))

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        name = sql.Identifier(url.rpartition("/")[2])
        self._connect().execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def _create_database(self, template: str) -> str:
        self._count += 1
        name = f"test_{self._count}"
        admin = self._connect()
        # Copying files takes half the time of copying through the log, which is the default since 15.
        copy = sql.SQL(" STRATEGY FILE_COPY" if admin.info.server_version >= _KNOWS_STRATEGIES else "")
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}{}")
        admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template), copy))
        return name

    def _end_connections(self, database: str) -> None:
        """A template must have no connection; a pool may have kept one."""
        self._connect().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        if self._admin is None:
            self._admin = psycopg.connect(self.url("postgres"), autocommit=True)
        return self._admin

    def _disconnect(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = {**_SETTINGS, **({} if self.fsync else _UNSAFE), "unix_socket_directories": str(self.folder)}
        command = [str(programs() / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            return subprocess.Popen(self._as_owner(command), stdout=log, stderr=log, cwd=self.folder)

    def _wait_until_it_answers(self) -> bool:
        end = time.monotonic() + 30
        while time.monotonic() < end and self._process and self._process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return True
            time.sleep(0.05)
        if self._process:
            stop(self._process, by=signal.SIGQUIT)
        return False

    @staticmethod
    def _as_owner(command: list[str]) -> list[str]:
        """Run as `postgres` when we are root; the kernel ends it (SIGQUIT) when the tests are killed."""
        change = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        clean = ["/usr/bin/env", "-i", "LC_ALL=C.UTF-8"]
        return ["/usr/bin/setpriv", *change, "--pdeathsig=QUIT", "--", *clean, *command]


@contextlib.contextmanager
def running_cluster(*, fsync: bool = False) -> Iterator[PostgresqlCluster]:
    """A cluster for the block; stopped and removed at its end, whatever happens. Tests that kill need `fsync=True`."""
    cluster = PostgresqlCluster(fsync=fsync)
    try:
        cluster.create()
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(cluster.folder, ignore_errors=True)
