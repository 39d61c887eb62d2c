"""A real server process (`python -m idp serve`) with a configuration, on this machine only."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.network import is_local
from tests.support.processes import kill_group, stop

CHECKOUT = Path(__file__).resolve().parents[2]
OFFLINE = CHECKOUT / "tests" / "support" / "offline"


class ServerDidNotStart(AssertionError):
    """The process ended, or did not become ready; the text has the end of its log."""


class RunningServer:
    """A process that leads its own group, its address and its log."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log_path = log

    @property
    def pid(self) -> int:
        """The process id of the parent process."""
        return self.process.pid

    @property
    def log(self) -> str:
        """What it has written so far, to both streams."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def stop(self, seconds: float = 15) -> int:
        """Ask it to end (SIGTERM) and wait; out: its exit code."""
        code = stop(self.process, seconds=seconds)
        kill_group(self.process)
        return code

    def kill(self) -> None:
        """End it and its workers without warning (SIGKILL)."""
        kill_group(self.process)

    def wait_until_ready(self, path: str = "/readyz", seconds: float = 30) -> None:
        """Wait for a 200; raises `ServerDidNotStart`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise ServerDidNotStart(f"the server ended with code {self.process.returncode}:\n{self.log[-4000:]}")
            if status_of(self.url + path) == 200:
                return
            time.sleep(0.05)
        raise ServerDidNotStart(f"{self.url}{path} was not ready after {seconds} s:\n{self.log[-4000:]}")


def status_of(url: str) -> int | None:
    """The HTTP status of a GET, or None where nobody answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def start_server(
    url: str,
    *,
    log: Path,
    config: Path | None = None,
    arguments: Sequence[str] = ("-m", "idp", "serve"),
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> RunningServer:
    """Start `python <arguments>`, in a clean environment with the network off; it is not waited for.

    In: the address where it will answer, its log, its configuration (`IDP_CONFIG`), further variables.
    """
    if not is_local(urlsplit(url).hostname):
        raise ValueError(f"{url} is not on this machine")
    variables = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(log.parent),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join([str(OFFLINE), str(CHECKOUT)]),
        "PYTHONUNBUFFERED": "1",
        **({"IDP_CONFIG": str(config)} if config else {}),
        **(environment or {}),
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=variables,
            cwd=cwd or CHECKOUT,
            start_new_session=True,
        )
    return RunningServer(process, url, log)


@contextlib.contextmanager
def serving(url: str, *, ready: str = "/readyz", seconds: float = 30, **options: object) -> Iterator[RunningServer]:
    """A server for the block, ready to answer; takes the options of `start_server`. Nothing of it is left afterwards."""
    server = start_server(url, **options)  # type: ignore[arg-type]
    try:
        server.wait_until_ready(ready, seconds)
        yield server
    finally:
        server.stop()
