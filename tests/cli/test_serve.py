"""`idp serve`: starts once, stops cleanly, leaves nothing behind when it is killed."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.processes import free_port, stop
from tests.support.server import RunningServer, start_server, status_of

WAIT_SECONDS = 40
"""Longer than a stop may take (`idp.cli.serve.STOP_SECONDS`)."""


def configure(folder: Path, port: int, more: str = "", server: str = "") -> Path:
    """A configuration on SQLite below the folder; `server` has further lines of `[server]`."""
    path = folder / "config.toml"
    path.write_text(
        f'[server]\nissuer = "http://localhost:{port}"\nbind = "127.0.0.1:{port}"\n{server}'
        f'[database]\nurl = "sqlite:///{folder}/idp.sqlite3"\n[keys]\ndirectory = "{folder}/keys"\n{more}'
    )
    return path


@contextmanager
def server(folder: Path, port: int, more: str = "") -> Iterator[RunningServer]:
    """A server that is ready, and is gone after the block."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests themselves may run under nohup
    try:
        made = start_server(
            f"http://127.0.0.1:{port}", log=folder / "server.log", config=configure(folder, port, server=more)
        )
    finally:
        signal.signal(signal.SIGHUP, before)
    try:
        made.wait_until_ready()
        yield made
    finally:
        made.kill()


def children_of(pid: int) -> list[int]:
    """The processes that a process started (Linux)."""
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Whether a process still does something; a zombie does not."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def wait_until_gone(pids: list[int]) -> None:
    """Wait until none of them runs."""
    end = time.monotonic() + WAIT_SECONDS
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < end, "a process is left over"
        time.sleep(0.05)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_when_asked(tmp_path: Path, sign: signal.Signals) -> None:
    """Exit 0, no process left, no complaint in the log (RL-7)."""
    with server(tmp_path, free_port()) as running:
        children = children_of(running.pid)
        assert children
        assert stop(running.process, by=sign, seconds=WAIT_SECONDS) == 0
        wait_until_gone(children)
        assert "Traceback" not in running.log
        assert "ERROR" not in running.log


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_is_a_clean_stop(tmp_path: Path, sign: signal.Signals) -> None:
    """As Ctrl-C in a terminal and a service manager do; each process then hears of it twice."""
    with server(tmp_path, free_port()) as running:
        children = children_of(running.pid)
        os.killpg(running.pid, sign)
        assert running.process.wait(WAIT_SECONDS) == 0
        wait_until_gone(children)
        assert "Traceback" not in running.log


def test_killing_the_parent_leaves_no_orphans(tmp_path: Path) -> None:
    """An orphan would hold port and database against the next start (RL-1)."""
    port = free_port()
    with server(tmp_path, port) as running:
        children = children_of(running.pid)
        running.process.kill()
        running.process.wait()
        wait_until_gone(children)
    with server(tmp_path, port):
        assert status_of(f"http://127.0.0.1:{port}/readyz") == 200


def test_a_server_process_that_dies_is_started_again(tmp_path: Path) -> None:
    """The parent looks after its processes."""
    port = free_port()
    with server(tmp_path, port) as running:
        os.kill(children_of(running.pid)[0], signal.SIGKILL)
        end = time.monotonic() + WAIT_SECONDS
        while status_of(f"http://127.0.0.1:{port}/readyz") != 200:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert running.process.poll() is None


def test_a_second_server_on_the_same_sqlite_database_is_refused(tmp_path: Path) -> None:
    """SQLite serves one process; the second start says so and ends (exit 1)."""
    with server(tmp_path, free_port()):
        port = free_port()
        second = start_server(f"http://127.0.0.1:{port}", log=tmp_path / "second.log", config=configure(tmp_path, port))
        assert second.process.wait(30) == 1
        assert "another `idp serve` uses this database" in second.log


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    """The server's own sockets would share it silently with another server."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        late = start_server(f"http://127.0.0.1:{port}", log=tmp_path / "late.log", config=configure(tmp_path, port))
        assert late.process.wait(30) == 1
        assert f"server.bind: cannot listen on 127.0.0.1:{port}" in late.log


def test_a_worker_of_its_own_stops_when_asked(tmp_path: Path) -> None:
    """`idp worker` ends cleanly too."""
    config = configure(tmp_path, free_port())
    worker = start_server(
        "http://127.0.0.1:1", log=tmp_path / "worker.log", config=config, arguments=("-m", "idp", "worker")
    )
    try:
        end = time.monotonic() + WAIT_SECONDS
        while "Delivering" not in worker.log:
            assert time.monotonic() < end
            assert worker.process.poll() is None, worker.log
            time.sleep(0.05)
        assert stop(worker.process, seconds=WAIT_SECONDS) == 0
        assert "Traceback" not in worker.log
    finally:
        worker.kill()
