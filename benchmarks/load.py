"""Debian's wrk and h2load, on a core of their own. Every answer is looked at; one that is not as it should be is a failure."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import LOAD_CORE

SCRIPTS = Path(__file__).parent / "wrk"


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: one of our scripts for wrk, and its parameters."""

    script: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """`count`: requests, or whole flows; times in milliseconds; `sample`: the beginning of an answer that failed."""

    count: int
    seconds: float
    p50: float
    p99: float
    failed: int
    sample: str = ""

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / self.seconds


def run_wrk(base: str, load: Load, *, connections: int, seconds: int) -> Result:
    """Load a server as fast as it answers (a closed loop: its p99 at saturation is queueing)."""
    done = subprocess.run(
        _pinned(
            "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", SCRIPTS / load.script, base
        ),
        env={**os.environ, **load.parameters},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 90,
    )
    sample = ""
    for line in done.stdout.splitlines():
        if line.startswith("SAMPLE "):
            sample = line[7:]
        if line.startswith("RESULT "):
            count, duration, p50, p99, failed = line.split()[1:]
            return Result(int(count), float(duration), int(p50) / 1000, int(p99) / 1000, int(failed), sample)
    raise RuntimeError(f"wrk said nothing:\n{done.stdout}{done.stderr}")


def run_at_rate(url: str, headers: Mapping[str, str], body: Path, *, rate: int, seconds: int, folder: Path) -> Result:
    """Load at a fixed rate, far from saturation, over 20 connections (h2load); latency as a caller sees it."""
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)
    lines = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    options = ("--h1", "-t1", "-c20", f"--rps={rate // 20}", f"-D{seconds}", "-d", body, f"--log-file={log}")
    subprocess.run(_pinned("h2load", *options, *lines, url), capture_output=True, check=True, timeout=seconds + 60)
    rows = [line.split() for line in log.read_text().splitlines()]
    times = sorted(int(row[2]) for row in rows)
    failed = sum(row[1] != "200" for row in rows)
    return Result(len(rows), seconds, times[len(times) // 2] / 1000, times[int(len(times) * 0.99)] / 1000, failed)


def start_wrk(base: str, load: Load, *, connections: int, seconds: int) -> subprocess.Popen[str]:
    """The same beside something else; its `RESULT` line is read from the process."""
    return subprocess.Popen(
        _pinned(
            "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", SCRIPTS / load.script, base
        ),
        env={**os.environ, **load.parameters},
        stdout=subprocess.PIPE,
        text=True,
    )


def _pinned(*command: object) -> list[str]:
    return ["taskset", "-c", str(LOAD_CORE), *map(str, command)]
