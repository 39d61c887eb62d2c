"""The hot path against node-oidc-provider on the same store, and against a bare Flask view (`make bench`).

Each server has a core of its own while it is loaded; they are loaded in turn, so that what else the machine does falls on
all. Prints for each scenario our rate over the peer's, with its spread, and the peer's processor time over ours; `--out`
writes them as a table with the goals beside.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import contestants, plot, report
from benchmarks.contestants import Contestant, Store
from benchmarks.load import Load, run_at_rate, run_wrk
from benchmarks.machine import LOAD_CORE, cpu_seconds, describe, memory_mib, pin
from benchmarks.report import Run
from tests.support.postgresql import running_cluster
from tests.support.processes import free_port

CONNECTIONS = 16
WARM_UP_SECONDS = 4
"""Node's compiler needs them."""

RATE = 1000
"""Requests a second at which latency is looked at: far from what either side can do."""

STORES = {
    "sqlite": Store("sqlite"),
    "sqlite-full": Store("sqlite", "FULL"),
    "postgresql": Store("postgresql", "FULL"),
}


def main() -> None:
    """Measure the chosen scenarios on the chosen stores; ends with 1 where a request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=STORES, action="append", help="may be given again; all where none is named")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write the tables to this file")
    parser.add_argument("scenario", nargs="*", help="all of them where none is named")
    chosen = parser.parse_args()
    if not contestants.has_peer():
        sys.exit("the peer is not installed: make bench installs it")
    measured = [_measure_store(STORES[name], chosen) for name in chosen.store or STORES]
    if chosen.out:
        chosen.out.write_text(report.write(measured, chosen.rounds, chosen.seconds, CONNECTIONS), encoding="utf-8")
        picture = chosen.out.parent / "pictures" / f"{chosen.out.stem}.svg"
        picture.parent.mkdir(exist_ok=True)
        picture.write_text(plot.draw(measured), encoding="utf-8")
    sys.exit(1 if any(one.failed for one in measured) else 0)


def _measure_store(store: Store, chosen: argparse.Namespace) -> report.Measured:
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
        measured = report.Measured(
            str(store),
            bare=_measure(bare, contestants.bare_load(folder / "bare"), chosen.seconds),
            starts=(found[0].process.start_seconds, found[1].process.start_seconds),
        )
        sys.stdout.write(f"bare Flask view: {measured.bare.rate:,.0f}/s, {measured.bare.cpu:.0f} us\n")
        for scenario in chosen.scenario or loads[0]:
            pair = _compare(found, [one[scenario] for one in loads], chosen.rounds, chosen.seconds)
            measured.rows[scenario] = report.Row(*pair)
            sys.stdout.write(measured.rows[scenario].tell(scenario) + "\n")
            sys.stdout.flush()
        measured.memory = (memory_mib(found[0].process.pid), memory_mib(found[1].process.pid))
        if "introspection" in measured.rows:
            measured.at_rate = _at_rate(found, [one["introspection"] for one in loads], chosen.rounds, folder)
    sys.stdout.write("\n".join(measured.tell()) + "\n")
    return measured


def _at_rate(found: list[Contestant], loads: list[Load], rounds: int, folder: Path) -> tuple[Run, Run]:
    """Introspection at a fixed rate on both sides: the median run by its p99."""
    sides: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(rounds):
        for side, contestant, load in zip(sides, found, loads, strict=True):
            first = Path(load.parameters["REQUESTS"]).read_text().splitlines()[0]
            _method, path, headers, body = first.split("\t")
            sent = folder / "body"
            sent.write_text(body)
            result = run_at_rate(
                contestant.base + path,
                dict(pair.split(": ", 1) for pair in headers.split("|")),
                sent,
                rate=RATE,
                seconds=3,
                folder=folder,
            )
            side.append(Run(result.rate, 0, result.p99, result.failed))
    peer, ours = (sorted(side, key=lambda run: run.p99)[len(side) // 2] for side in sides)
    return peer, ours


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


if __name__ == "__main__":
    main()
