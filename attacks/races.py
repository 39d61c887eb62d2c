"""`make races ROUNDS=1000 TRIES=32`: every one-time thing, tried from many sides at once; the database says who was first.

Two server instances on PostgreSQL, two server processes on SQLite. A *double* is a round in which two tries won, or in which
the database shows the effect twice; *lost* one in which nobody won, or the winner's effect is missing; *failed* an answer of
500 or more, or none; *busy* a 503 with Retry-After, which PostgreSQL has no reason for either: a deadlock ends so, and
PostgreSQL counts those itself.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from attacks.one_time import OneTimeThings, Round
from attacks.stage import Stage, stage
from attacks.volley import Answer
from idp.logs import configure_logging
from tests.support.postgresql import running_cluster

DATABASES = ("sqlite", "postgresql")


@dataclass
class Figures:
    """What came of one kind of thing on one database."""

    database: str
    kind: str
    rounds: int = 0
    tries: int = 0
    wins: int = 0
    doubles: int = 0
    lost: int = 0
    failed: int = 0
    busy: int = 0
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether every round had its one winner and nothing broke."""
        busy = self.busy if self.database == "postgresql" else 0
        return not (self.doubles or self.lost or self.failed or busy)

    def note(self, turn: Round, answers: list[Answer], effects: int) -> None:
        """Count a round."""
        self.rounds += 1
        self.tries += len(answers)
        self.failed += sum(answer.has_failed for answer in answers)
        self.busy += sum(answer.is_busy for answer in answers)
        wins = effects if turn.won is None else len({prize for a in answers if (prize := turn.won(a)) is not None})
        self.wins += wins
        self.doubles += wins > turn.due or effects > 1
        self.lost += wins < turn.due or effects < 1


def race(stage: Stage, database: str, *, rounds: int, tries: int, kinds: Iterable[str] = ()) -> Iterator[Figures]:
    """Run the rounds of each kind; out: the figures of a kind once it is done."""
    things = OneTimeThings(stage, tries)
    for kind, make in things.kinds.items():
        if kinds and kind not in kinds:
            continue
        yield run_kind(stage, Figures(database, kind), make, rounds)


def run_kind(stage: Stage, figures: Figures, make: Callable[[], Round], rounds: int) -> Figures:
    """So many rounds of one kind."""
    begun = time.monotonic()
    for _ in range(rounds):
        turn = make()
        answers = stage.volley.send(turn.requests)
        with stage.provider.database.reading() as tx:
            effects = turn.count_effects(tx)
        figures.note(turn, answers, effects)
    figures.seconds = time.monotonic() - begun
    return figures


@contextmanager
def open_stage(database: str, *, tries: int) -> Iterator[Stage]:
    """A stage on a new database of this kind."""
    with tempfile.TemporaryDirectory(prefix="idp-races-") as name:
        folder = Path(name)
        if database == "sqlite":
            with stage(folder, f"sqlite:///{folder / 'idp.sqlite3'}", tries=tries) as made:
                yield made
            return
        with running_cluster() as cluster, stage(folder, cluster.new_database(), tries=tries) as made:
            yield made


HEAD = (
    "database",
    "one-time thing",
    "rounds",
    "tries",
    "wins",
    "double",
    "lost",
    "failed",
    "busy",
    "seconds",
)
_LINE = "{:<11}{:<32}{:>7}{:>9}{:>8}{:>8}{:>6}{:>8}{:>6}{:>9}"


def line_of(figures: Figures) -> str:
    """A line of the table."""
    f = figures
    counted = (f.rounds, f.tries, f.wins, f.doubles, f.lost, f.failed, f.busy)
    return _LINE.format(f.database, f.kind, *counted, f"{f.seconds:.1f}")


def main() -> None:
    """Run all kinds on both databases, print the table; exit code 1 where anything is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m attacks.races", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tries", type=int, default=32)
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--kind", action="append", default=[])
    options = parser.parse_args()
    configure_logging("error")
    write(_LINE.format(*HEAD))
    done: list[Figures] = []
    deadlocks = 0
    for database in options.database or DATABASES:
        with open_stage(database, tries=options.tries) as made:
            for figures in race(made, database, rounds=options.rounds, tries=options.tries, kinds=options.kind):
                write(line_of(figures))
                done.append(figures)
            deadlocks += made.count_deadlocks()
    bad = [f for f in done if not f.is_good]
    tries, rounds = sum(f.tries for f in done), sum(f.rounds for f in done)
    write(f"{tries} tries in {rounds} rounds; {deadlocks} deadlocks; {len(bad)} kinds not as they must be")
    if bad or deadlocks or not done:
        sys.exit(1)


def write(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
