"""`make timing N=2000`: whether the time of an answer tells who exists, on a real server with its usual settings.

Each round sends every form once about a person of every kind, in random order, over one connection: signing in with a wrong
password, the last try before an account waits, asking for a reset link, registering, the page after it, having its mail sent
again (there, and by address), and a wrong code. Each request has a person and a network of its own. The classifiers are
thresholds on the time, on the time of the next page of somebody else, and on the size of the answer; each is given the
better direction. What differs in the words of the answers is told besides. `--leaky` measures a provider that hashes nothing
for unknown accounts: the attack must find that.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from attacks.meter import Measured, Meter
from attacks.separation import chance_of, fastest_of, measure_separation
from attacks.stage import open_form
from attacks.timing_people import CHECK_MAIL, FORMS, KINDS, Browser, Probe, make_probes
from attacks.volley import Request
from idp import create_app
from idp.config import load_settings
from idp.logs import configure_logging
from idp.provider import Provider
from tests.support.postgresql import running_cluster
from tests.support.processes import free_port
from tests.support.server import start_server

MOST, LEAST_OF_LEAK = 0.55, 0.8
GROUP = 5
PATIENCE = 90
ORDER = (*FORMS, CHECK_MAIL)
AGO = 120
"""Seconds: so long ago the registrations were sent whose mail is sent again."""

UNKNOWN = "unknown"
_NEXT = Request("/register/mail", b"", method="GET", headers={"X-Forwarded-For": "198.51.100.2"})


@dataclass
class Samples:
    """What was measured of one form about one kind, in nanoseconds and bytes."""

    time: list[float] = field(default_factory=list)
    next_page: list[float] = field(default_factory=list)
    size: list[float] = field(default_factory=list)
    shapes: set[str] = field(default_factory=set)

    @property
    def statuses(self) -> str:
        """The HTTP statuses that came."""
        return " ".join(sorted({shape[:3] for shape in self.shapes}))

    def note(self, answer: Measured, next_page: Measured) -> None:
        """Keep what an answer and the page after it showed."""
        self.time.append(answer.nanoseconds)
        self.next_page.append(next_page.nanoseconds)
        self.size.append(answer.size)
        self.shapes.add(answer.shape)


Measurements = dict[tuple[str, str], Samples]


@dataclass(frozen=True)
class Figures:
    """How well one kind is told from unknown by one form: AUCs, and whether the answers say the same."""

    form: str
    kind: str
    time: float
    fastest: float
    next_page: float
    size: float
    chance: float
    says_the_same: bool

    @property
    def best(self) -> float:
        """The AUC of the best classifier."""
        return max(self.time, self.next_page, self.size)

    @property
    def is_good(self) -> bool:
        """Whether nothing tells them apart."""
        return self.best <= MOST and self.says_the_same


def measure(meter: Meter, rounds: Sequence[Sequence[Probe]], *, seed: int = 7) -> Measurements:
    """Send all probes, each round in an order of its own."""
    luck, found = random.Random(seed), defaultdict[tuple[str, str], Samples](Samples)  # noqa: S311 - an order is no secret
    for probes in rounds:
        for probe in luck.sample(probes, len(probes)):
            answer = meter.ask(probe.request, name=probe.name)
            found[probe.form, probe.kind].note(answer, meter.ask(_NEXT))
            if probe.next_form:
                page = Request("/register/status", b"", answer.cookies, probe.request.headers, method="GET")
                found[probe.next_form, probe.kind].note(meter.ask(page, name=probe.name), meter.ask(_NEXT))
    return dict(found)


def compare(found: Measurements) -> list[Figures]:
    """Every kind against unknown, form by form."""
    return [
        _compare(form, kind, found[form, UNKNOWN], samples)
        for (form, kind), samples in found.items()
        if kind != UNKNOWN
    ]


def _compare(form: str, kind: str, nobody: Samples, somebody: Samples) -> Figures:
    return Figures(
        form=form,
        kind=kind,
        time=measure_separation(somebody.time, nobody.time),
        fastest=measure_separation(fastest_of(somebody.time, GROUP), fastest_of(nobody.time, GROUP)),
        next_page=measure_separation(somebody.next_page, nobody.next_page),
        size=measure_separation(somebody.size, nobody.size),
        chance=chance_of(len(somebody.time), len(nobody.time)),
        says_the_same=len(somebody.shapes | nobody.shapes) == 1,
    )


@contextmanager
def open_meter(
    folder: Path,
    database: str,
    count: int,
    *,
    leaky: bool = False,
    forms: Sequence[str] = FORMS,
    kinds: Sequence[str] = KINDS,
) -> Iterator[tuple[Meter, list[list[Probe]]]]:
    """A server as it comes (`leaky`: as it must not come) on a new database, and the probes for so many rounds."""
    with ExitStack() as stack:
        cluster = stack.enter_context(running_cluster(fsync=True)) if database == "postgresql" else None
        port = free_port()
        url = f"http://localhost:{port}"
        config = _write_configuration(
            folder, cluster.new_database() if cluster else f"sqlite:///{folder / 'idp.sqlite3'}", port
        )
        server = start_server(
            url,
            log=folder / "server.log",
            config=config,
            arguments=("-m", "attacks.leaky_server") if leaky else ("-m", "idp", "serve"),
        )
        stack.callback(server.kill)
        server.wait_until_ready(seconds=PATIENCE)
        app = create_app(load_settings(config), clock=lambda: int(time.time()) - AGO)
        provider: Provider = app.extensions["idp"]
        stack.callback(provider.database.engine.dispose)
        cookie, token = open_form(url, f"localhost:{port}")
        rounds = make_probes(provider, Browser(cookie, token), count, forms=forms, kinds=kinds)
        meter = Meter(url, f"localhost:{port}")
        stack.callback(meter.close)
        yield meter, rounds


def _write_configuration(folder: Path, database_url: str, port: int) -> Path:
    path = folder / "config.toml"
    path.write_text(
        f"""
[server]
issuer = "http://localhost:{port}"
bind = "127.0.0.1:{port}"
trusted_proxies = 1
log_level = "warning"
[database]
url = "{database_url}"
[keys]
directory = "{folder / "keys"}"
[limits]
tries_in_all = 1000000
""",
        encoding="utf-8",
    )
    return path


def describe(figures: Sequence[Figures]) -> str:
    """The table, worst of each form last."""
    lines = [f"{'form':18} {'unknown or':12} {'time':>6} {f'least of {GROUP}':>10} {'next':>6} {'size':>6}  chance"]
    for f in sorted(figures, key=lambda f: (ORDER.index(f.form), KINDS.index(f.kind))):
        verdict = "" if f.is_good else "  <-- told apart" if f.says_the_same else "  <-- says something else"
        lines.append(
            f"{f.form:18} {f.kind:12} {f.time:6.3f} {f.fastest:10.3f} {f.next_page:6.3f} {f.size:6.3f} ±{f.chance:.3f}{verdict}"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print the table; exit code 1 where somebody is told apart (with --leaky: where nobody is)."""
    parser = argparse.ArgumentParser(prog="python -m attacks.timing", description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--form", action="append", choices=FORMS, help="only this one; may be given again")
    parser.add_argument(
        "--kind", action="append", choices=KINDS[1:], help="only this one beside unknown; may be given again"
    )
    parser.add_argument("--leaky", action="store_true")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if options.samples < GROUP:
        parser.error(f"--samples: at least {GROUP}")
    configure_logging("error")
    kinds = (UNKNOWN, *options.kind) if options.kind else KINDS
    forms = options.form or (["sign-in"] if options.leaky else FORMS)
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="idp-timing-") as name,
        open_meter(Path(name), options.database, options.samples, leaky=options.leaky, forms=forms, kinds=kinds) as (
            meter,
            rounds,
        ),
    ):
        found = measure(meter, rounds, seed=options.seed)
    figures = compare(found)
    sys.stdout.write(
        f"{options.samples} samples of each kind on {options.database}{', leaky' * options.leaky}, "
        f"{time.monotonic() - begun:.0f} s; medians of unknown in ms: "
        + ", ".join(
            f"{form} {_median(s.time):.1f} ({s.statuses})"
            for (form, kind), s in sorted(found.items())
            if kind == UNKNOWN
        )
        + f"\n{describe(figures)}best classifier: {max(f.best for f in figures):.3f}\n"
    )
    for form in {f.form for f in figures if not f.says_the_same}:
        sys.stdout.write(_differences(found, form))
    is_good = all(f.time >= LEAST_OF_LEAK for f in figures if f.kind != "unconfirmed") if options.leaky else None
    if not (all(f.is_good for f in figures) if is_good is None else is_good):
        sys.exit(1)


def _median(nanoseconds: list[float]) -> float:
    return sorted(nanoseconds)[len(nanoseconds) // 2] / 1e6


def _differences(found: Measurements, form: str) -> str:
    """The lines of a form's answers that not all have."""
    shapes = {kind: set(samples.shapes) for (of, kind), samples in found.items() if of == form}
    lines = {kind: [set(shape.splitlines()) for shape in those] for kind, those in shapes.items()}
    common = set.intersection(*(one for those in lines.values() for one in those))
    return "".join(
        f"{form}, {kind}: {sorted(one - common)[:4]}\n" for kind, those in lines.items() for one in those[:3]
    )


if __name__ == "__main__":
    main()
