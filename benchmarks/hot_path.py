"""The hot path against node-oidc-provider on the same store, and against a bare Flask view (`make bench`).

Each server has a core of its own while it is loaded; they are loaded in turn, so that what else the machine does falls on
all. Prints for each scenario our rate over the peer's, with its spread, and the peer's processor time over ours.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import contestants
from benchmarks.contestants import Contestant, Store
from benchmarks.load import Load, run_wrk
from benchmarks.machine import LOAD_CORE, cpu_seconds, describe, memory_mib, pin
from tests.support.postgresql import running_cluster
from tests.support.processes import free_port

CONNECTIONS = 16
WARM_UP_SECONDS = 4
"""Node's compiler needs them."""

STORES = {
    "sqlite": Store("sqlite"),
    "sqlite-full": Store("sqlite", "FULL"),
    "postgresql": Store("postgresql", "FULL"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """One turn: rate, microseconds of processor time for each, p99 in milliseconds, failures."""

    rate: float
    cpu: float
    p99: float
    failed: int


def main() -> None:
    """Measure the chosen scenarios on one store; ends with 1 where a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=STORES, default="sqlite")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("scenario", nargs="*", help="all of them where none is named")
    chosen = parser.parse_args()
    if not contestants.has_peer():
        sys.exit("the peer is not installed: make bench installs it")
    store = STORES[chosen.store]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idp-bench-")))
        cluster = stack.enter_context(running_cluster(fsync=True))
        pin(cluster.pid, LOAD_CORE)
        found = [contestants.start_peer(folder / "peer", free_port(), store, cluster)]
        stack.callback(found[0].process.stop)
        found.append(contestants.start_ours(folder / "ours", free_port(), store, cluster))
        stack.callback(found[1].process.stop)
        bare = contestants.start_bare(folder / "bare", free_port())
        stack.callback(bare.process.stop)
        sys.stdout.write(f"{store}; {describe()}\n")
        loads = [one.make_loads() for one in found]
        plain = _measure(bare, contestants.bare_load(folder / "bare"), chosen.seconds)
        sys.stdout.write(f"bare Flask view: {plain.rate:,.0f}/s, {plain.cpu:.0f} us\n")
        failed = 0
        for scenario in chosen.scenario or loads[0]:
            runs = _compare(found, [one[scenario] for one in loads], chosen.rounds, chosen.seconds)
            sys.stdout.write(_tell(scenario, *runs) + "\n")
            sys.stdout.flush()
            failed += sum(run.failed for side in runs for run in side)
        sys.stdout.write(
            f"memory under load, MiB: {' and '.join(f'{memory_mib(one.process.pid):.0f}' for one in found)}\n"
        )
        starts = " and ".join(f"{one.process.start_seconds:.2f}" for one in found)
        sys.stdout.write(f"seconds to the first answer: {starts}; failed requests: {failed}\n")
    sys.exit(1 if failed else 0)


def _compare(found: list[Contestant], loads: list[Load], rounds: int, seconds: int) -> tuple[list[Run], list[Run]]:
    sides: tuple[list[Run], list[Run]] = ([], [])
    for contestant, load in zip(found, loads, strict=True):
        _measure(contestant, load, WARM_UP_SECONDS)
    for _ in range(rounds):
        for side, contestant, load in zip(sides, found, loads, strict=True):
            side.append(_measure(contestant, load, seconds))
    return sides


def _measure(contestant: Contestant, load: Load, seconds: int) -> Run:
    before = cpu_seconds(contestant.process.pid)
    result = run_wrk(contestant.base, load, connections=CONNECTIONS, seconds=seconds)
    used = cpu_seconds(contestant.process.pid) - before
    if result.failed:
        sys.stderr.write(f"{contestant.name}: {result.failed} failed: {result.sample}\n")
    return Run(result.rate, used / max(1, result.count) * 1e6, result.p99, result.failed)


def _tell(scenario: str, peer: list[Run], ours: list[Run]) -> str:
    ratios = [own.rate / other.rate for other, own in zip(peer, ours, strict=True)]
    cpu = [statistics.median(run.cpu for run in side) for side in (peer, ours)]
    rate = [statistics.median(run.rate for run in side) for side in (peer, ours)]
    p99 = [statistics.median(run.p99 for run in side) for side in (peer, ours)]
    return (
        f"{scenario:28} rate x{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), cpu x{cpu[0] / cpu[1]:.2f};"
        f" {rate[0]:,.0f} and {rate[1]:,.0f}/s, {cpu[0]:.0f} and {cpu[1]:.0f} us, p99 {p99[0]:.1f} and {p99[1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
