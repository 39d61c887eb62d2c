"""`make kills KILLS=100 FLOWS=5000`: SIGKILL of server, worker and PostgreSQL at random points of people's flows.

Half of the kills and flows on SQLite, half on PostgreSQL (with fsync, as in life). What an answer acknowledged is remembered
here and held against the database afterwards; so are one-time values, the audit chain and the mails.

Process kills lose nothing that was committed, however it was committed: on SQLite the plain token steps are committed with
`synchronous=NORMAL` (`[database] durability`), which hands them to the operating system without waiting for the disk. Only
a power cut could take the last of those; a lost one means signing in again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from attacks.aftermath import check
from attacks.flows import Flows, Journal
from attacks.ground import Ground, ground
from idp.logs import configure_logging

DATABASES = ("sqlite", "postgresql")
THREADS = 8


@dataclass
class Outcome:
    """What came of the kills on one database."""

    database: str
    kills: Counter[str]
    journal: Journal
    faults: dict[str, list[str]]
    mails: int
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.faults.values())


@dataclass
class Killer:
    """Decides, from a seed, after how many flows which process dies."""

    ground: Ground
    journal: Journal
    flows: int
    kills: int
    seed: int
    done: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        """Kill until all kills are done; returns once everything is up again."""
        chance = random.Random(self.seed)  # noqa: S311 - moments, not secrets
        points = sorted(chance.randrange(self.flows) for _ in range(self.kills))
        for number, point in enumerate(points):
            while self.journal.flows < min(point, self.flows - 1):
                self.ground.look_after()
                time.sleep(0.005)
            time.sleep(chance.random() * 0.1)
            # Each in turn, so that every process dies even in a small run.
            target = self.ground.targets[number % len(self.ground.targets)]
            self.ground.kill(target)
            self.done[target] += 1


def run(database: str, *, kills: int, flows: int, seed: int) -> Outcome:
    """Flows and kills on one new database; out: what came of it."""
    begun = time.monotonic()
    journal = Journal()
    with opened(database) as made:
        work = Flows(made, journal, flows, THREADS)
        killer = Killer(made, journal, flows, kills, seed)
        with ThreadPoolExecutor(THREADS) as pool:
            turns = [pool.submit(work.run, number) for number in range(flows)]
            killer.run()  # in this thread: PostgreSQL ends with the thread that started it
            for turn in turns:
                turn.result()
        faults = check(made, journal)
        faults["flow"] = journal.faults
        return Outcome(database, killer.done, journal, faults, made.letters.count, time.monotonic() - begun)


@contextmanager
def opened(database: str) -> Iterator[Ground]:
    """A ground in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="idp-kills-") as name, ground(Path(name), database) as made:
        yield made


def main() -> None:
    """Print the figures; exit code 1 where anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m attacks.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--flows", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--database", choices=DATABASES, action="append")
    options = parser.parse_args()
    configure_logging("error")
    databases = options.database or DATABASES
    is_good = True
    for database in databases:
        part = len(databases)
        outcome = run(database, kills=options.kills // part, flows=options.flows // part, seed=options.seed)
        sys.stdout.write("\n".join(lines_of(outcome)) + "\n")
        sys.stdout.flush()
        is_good = is_good and outcome.is_good
    sys.exit(0 if is_good else 1)


def lines_of(outcome: Outcome) -> Iterator[str]:
    """The figures of one database."""
    journal, killed = outcome.journal, ", ".join(f"{name} {count}" for name, count in sorted(outcome.kills.items()))
    yield f"{outcome.database}: {outcome.kills.total()} kills ({killed}) in {journal.flows} flows, {outcome.seconds:.0f} s"
    for kind in sorted(journal.finished | journal.interrupted):
        yield f"  {kind:<24}{journal.finished[kind]:>6} to their end,{journal.interrupted[kind]:>5} interrupted"
    yield f"  {journal.acknowledged} acknowledged changes, {len(journal.one_time)} one-time values, {outcome.mails} mails"
    for name, faults in outcome.faults.items():
        yield f"  {name:<12}{len(faults):>6}" + "".join(f"\n    {fault}" for fault in faults[:10])


if __name__ == "__main__":
    main()
