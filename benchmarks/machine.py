"""Processes under measurement: pinned to cores, with the processor time and the memory of all that they started.

Times are seconds, memory is MiB. Processor time is what the kernel counted, in ticks of 10 ms, ended children included.
"""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SERVER_CORE, LOAD_CORE = 1, 0
"""The server has a core of its own; the load generator and the database server share the other."""


class Process:
    """A server that was started here."""

    def __init__(
        self, command: Sequence[str], ready: str, log: Path, environment: Mapping[str, str], *, cores: str | None = None
    ) -> None:
        """Start it and wait for the first answer at `ready`. Raises `RuntimeError` with the end of its log."""
        self.log = log
        begun = time.perf_counter()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["/usr/bin/taskset", "-c", cores or str(SERVER_CORE), *command],
                env={"PATH": os.environ["PATH"], "HOME": str(log.parent), "LC_ALL": "C.UTF-8", **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        while not _answers(ready):
            if self._process.poll() is not None or time.perf_counter() - begun > 60:
                self.stop()
                raise RuntimeError(f"{command[0]} does not answer:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.002)
        self.start_seconds = time.perf_counter() - begun

    @property
    def pid(self) -> int:
        """The process that leads the group."""
        return self._process.pid

    def stop(self) -> None:
        """End it and what it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def pin(pid: int, core: int) -> None:
    """Keep a process that runs, and all its threads, on a core; what it starts from now on stays there."""
    for one in tree(pid):
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                os.sched_setaffinity(int(task.name), {core})


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children."""
    ticks = 0
    for one in tree(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS


def memory_mib(pid: int) -> float:
    """Proportional set size of a process and its children: what they share is counted once."""
    kib = 0
    for one in tree(pid):
        with suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kib += int(line.split()[1])
    return kib / 1024


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                left += [int(child) for child in (task / "children").read_text().split()]
    return found


def describe() -> str:
    """The machine in one line."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    kib = int(Path("/proc/meminfo").read_text().split()[1])
    model = names[0] if names else platform.machine()
    system = f"{platform.system()} {platform.release()}"
    return f"{os.cpu_count()} cores ({model}), {kib / 2**20:.0f} GiB, {system}, Python {platform.python_version()}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own servers
            answer.read()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
