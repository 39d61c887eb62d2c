"""What the benchmark of the hot path found, as lines for the terminal and as `docs/performance.md`."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.machine import describe

GOALS = {
    "SQLite NORMAL": {
        "discovery": 3,
        "jwks": 2,
        "introspection": 4,
        "userinfo": 4,
        "client_credentials": 2.2,
        "client_credentials ES256": 3,
        "client_credentials RS256": 1.3,
        "refresh": 3,
        "code flow ES256": 3,
        "code flow RS256": 1.9,
    },
    "SQLite FULL": {"client_credentials": 1.6, "refresh": 2.8, "code flow ES256": 2.4},
    "PostgreSQL": {
        "introspection": 4,
        "userinfo": 4,
        "client_credentials": 1.4,
        "refresh": 2.8,
        "code flow ES256": 2.5,
    },
}
"""The rate over the peer's that we mean to have."""


@dataclass(frozen=True, slots=True)
class Run:
    """One turn: rate, microseconds of processor time for each, p99 in milliseconds, failures."""

    rate: float
    cpu: float
    p99: float
    failed: int


@dataclass(frozen=True, slots=True)
class Row:
    """The turns of both sides in one scenario, in the order in which they were taken."""

    peer: Sequence[Run]
    ours: Sequence[Run]

    @property
    def ratios(self) -> list[float]:
        """Our rate over the peer's, turn by turn."""
        return [own.rate / other.rate for other, own in zip(self.peer, self.ours, strict=True)]

    def medians(self, what: str) -> tuple[float, float]:
        """The peer's and our median of `rate`, `cpu` or `p99`."""
        peer, ours = (statistics.median(getattr(run, what) for run in side) for side in (self.peer, self.ours))
        return peer, ours

    def tell(self, scenario: str) -> str:
        """One line for the terminal."""
        ratios, rate, cpu, p99 = self.ratios, self.medians("rate"), self.medians("cpu"), self.medians("p99")
        return (
            f"{scenario:28} rate x{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}),"
            f" cpu x{cpu[0] / cpu[1]:.2f}; {rate[0]:,.0f} and {rate[1]:,.0f}/s, {cpu[0]:.0f} and {cpu[1]:.0f} us,"
            f" p99 {p99[0]:.1f} and {p99[1]:.1f} ms"
        )

    def cells(self, goal: float | None) -> str:
        """One row of the table, without its name."""
        ratios, rate, cpu, p99 = self.ratios, self.medians("rate"), self.medians("cpu"), self.medians("p99")
        middle = statistics.median(ratios)
        wanted = "" if goal is None else f"{goal:g}" + ("" if middle >= goal else " (not reached)")
        return (
            f"**{middle:.2f}** ({min(ratios):.2f} to {max(ratios):.2f}) | {wanted} | {cpu[0] / cpu[1]:.2f} |"
            f" {rate[0]:,.0f} / {rate[1]:,.0f} | {cpu[0]:.0f} / {cpu[1]:.0f} | {p99[0]:.1f} / {p99[1]:.1f}"
        )


@dataclass
class Measured:
    """All that was found on one store; of pairs, the peer's stands first. Memory in MiB, starts in seconds."""

    store: str
    bare: Run
    starts: tuple[float, float]
    memory: tuple[float, float] = (0, 0)
    rows: dict[str, Row] = field(default_factory=dict)
    at_rate: tuple[Run, Run] | None = None

    @property
    def failed(self) -> int:
        """Answers that were not as they had to be, on either side."""
        runs = [run for row in self.rows.values() for side in (row.peer, row.ours) for run in side]
        return sum(run.failed for run in (*runs, *(self.at_rate or ())))

    def tell(self) -> list[str]:
        """What does not belong to one scenario."""
        lines = [
            f"bare Flask view on the same server: {self.bare.rate:,.0f}/s, {self.bare.cpu:.0f} us",
            f"memory under load (proportional set size): {self.memory[0]:.0f} and {self.memory[1]:.0f} MiB",
            f"start to the first answer: {self.starts[0]:.2f} and {self.starts[1]:.2f} s",
            f"failed requests: {self.failed}",
        ]
        if self.at_rate:
            peer, ours = (run.p99 for run in self.at_rate)
            lines.insert(
                1, f"p99 of introspection at 1,000/s: {peer:.1f} and {ours:.1f} ms (x{ours / peer:.2f}; goal 0.5)"
            )
        return lines


def write(measured: Sequence[Measured], rounds: int, seconds: int, connections: int) -> str:
    """The whole document."""
    lines = [
        "# The hot path beside node-oidc-provider",
        "",
        f"Written by `make bench` on {describe()}.",
        "",
        "One server process on one core, the generator (wrk) and the databases on the other; both servers are loaded in turn,",
        f"{rounds} times {seconds} s each at {connections} connections after a warm-up, on the same store with the same",
        "durability. Each answer is looked at. The ratio is the median of the ratios of the turns (lowest to highest in",
        "brackets). Processor time is the server's own, user and system, with its children; where its ratio and the rate's",
        "differ much, the machine was busy. Of pairs, the peer's figure stands first. How the number of threads was chosen, and",
        "what was tried: `decisions/2026-11-24-threads-follow-the-database.md`.",
        "",
        "![Our rate over the peer's for each scenario, with the goals](pictures/performance.svg)",
    ]
    for one in measured:
        goals = GOALS[one.store]
        lines += [
            "",
            f"## {one.store}",
            "",
            "| scenario | rate over the peer's | goal | processor time, peer's over ours | requests/s | us each | p99, ms |",
            "|---|---|---|---:|---|---|---|",
            *(f"| {name} | {row.cells(goals.get(name))} |" for name, row in one.rows.items()),
            "",
            *(f"- {line}" for line in one.tell()),
        ]
    return "\n".join(lines) + "\n"
