"""A provider in its processes (server, worker, PostgreSQL), each of which can be killed and comes back; mails stay."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from idp import create_app
from idp.config import load_settings
from idp.provider import Provider
from tests.support.postgresql import PostgresqlCluster, running_cluster
from tests.support.processes import free_port
from tests.support.server import RunningServer, start_server, status_of
from tests.support.smtp import Mail, SmtpServer

PATIENCE = 90.0


class Letters:
    """The mails that have come, by recipient."""

    def __init__(self, smtp: SmtpServer) -> None:
        self._smtp = smtp
        self._lock = threading.Lock()
        self._read = 0
        self._by_recipient: dict[str, list[Mail]] = defaultdict(list)

    def to(self, address: str) -> list[Mail]:
        """All to this address so far."""
        with self._lock:
            for mail in self._smtp.inbox[self._read :]:
                self._read += 1
                for recipient in mail.recipients:
                    self._by_recipient[recipient].append(mail)
            return list(self._by_recipient.get(address, []))

    def wait_for_path(self, address: str, path: str) -> str:
        """The path of a link below `path` in a mail to this address."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for mail in self.to(address):
                if match := re.search(r"https?://[^/\s]+(" + re.escape(path) + r"[\w-]+)", mail.text()):
                    return match[1]
            time.sleep(0.05)
        raise AssertionError(f"no mail with {path} came to {address}")

    @property
    def count(self) -> int:
        """All that came."""
        return len(self._smtp.inbox)


@dataclass
class Ground:
    """The processes, and whether they are all there."""

    folder: Path
    config: Path
    url: str
    provider: Provider
    letters: Letters
    cluster: PostgresqlCluster | None
    processes: dict[str, RunningServer] = field(default_factory=dict)
    is_up: threading.Event = field(default_factory=threading.Event)
    epoch: int = 0
    """Grows with each kill and each return."""

    @property
    def targets(self) -> tuple[str, ...]:
        """What can be killed."""
        return ("server", "worker", "postgresql") if self.cluster else ("server", "worker")

    def start(self, name: str) -> None:
        """Start `server` or `worker`, and wait for the server."""
        arguments = ("-m", "idp", "serve" if name == "server" else "worker")
        made = start_server(self.url, log=self.folder / f"{name}.log", config=self.config, arguments=arguments)
        self.processes[name] = made
        if name == "server":
            made.wait_until_ready(seconds=PATIENCE)

    def kill(self, name: str) -> None:
        """End one of them with SIGKILL, whatever it is doing, and start it again."""
        self.epoch += 1
        if name == "postgresql" and self.cluster:
            self.cluster.crash()
            self.is_up.clear()
            self.cluster.start()
            self._wait_until_ready()
        else:
            self.processes[name].kill()
            if name == "server":
                self.is_up.clear()
            self.start(name)
        self.epoch += 1
        self.is_up.set()

    def look_after(self) -> None:
        """Start the worker again if it has ended by itself: its start met a database that was away. So do service managers."""
        if self.processes["worker"].process.poll() is not None:
            self.start("worker")

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + PATIENCE
        while status_of(self.url + "/readyz") != 200:
            if time.monotonic() > end:
                raise AssertionError("the server does not come back after PostgreSQL did")
            time.sleep(0.05)
        self.look_after()

    def stop(self) -> None:
        """End all."""
        for process in self.processes.values():
            process.kill()


@contextmanager
def ground(folder: Path, database: str) -> Iterator[Ground]:
    """A provider on a new database of this kind for the block, all its processes running."""
    with ExitStack() as stack:
        smtp = SmtpServer()
        smtp.come_up()
        stack.callback(smtp.go_down)
        cluster = stack.enter_context(running_cluster(fsync=True)) if database == "postgresql" else None
        database_url = cluster.new_database() if cluster else f"sqlite:///{folder / 'idp.sqlite3'}"
        port = free_port()
        config = _write_configuration(folder, database_url, port, smtp.url)
        provider: Provider = create_app(load_settings(config)).extensions["idp"]
        stack.callback(provider.database.engine.dispose)
        made = Ground(folder, config, f"http://localhost:{port}", provider, Letters(smtp), cluster)
        stack.callback(made.stop)
        made.start("server")
        made.start("worker")
        made.is_up.set()
        yield made


def _write_configuration(folder: Path, database_url: str, port: int, smtp_url: str) -> Path:
    path = folder / "config.toml"
    path.write_text(
        f"""
[server]
issuer = "http://localhost:{port}"
bind = "127.0.0.1:{port}"
threads = 8
worker = false
log_level = "warning"
[database]
url = "{database_url}"
[keys]
directory = "{folder / "keys"}"
[mail]
url = "{smtp_url}"
[passwords]
memory_kib = 64
time_cost = 1
queue = 1000
[limits]
enabled = false
[lifetimes]
fresh = 3600
staff_idle = 43200
""",
        encoding="utf-8",
    )
    return path
