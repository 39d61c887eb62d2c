"""`make fuzz N=100000`: malformed requests on every route, method and field, against a real server with people in it.

Valid requests are recorded (fuzz_record), changed (fuzz_mutate, fuzz_hypothesis) and sent over several connections. Counted
are answers of 500 or more ("503, come back later" apart), answers that took more than two seconds, server processes that
were started again, defects in the server's log, and what memory is left taken. Each failure is written as a file; `--again
FILE` sends it to a new world.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from attacks.fuzz_hypothesis import fuzz_described, fuzz_fields
from attacks.fuzz_mutate import chunk, is_clean, mutate, scramble
from attacks.fuzz_record import endpoint_of, list_uncovered, record
from attacks.fuzz_wire import Line, Reply, Request
from attacks.fuzz_world import World, fuzz_world
from idp import create_app
from idp.config import load_settings
from tests.support.postgresql import running_cluster

SLOW_SECONDS = 2.0
STALL_SECONDS = 5.0
RENEW_EVERY = 250
FAILURES_KEPT = 25
_ENDERS = ("logout.", "security.end", "sign_in.page", "security.password", "data.close", "data.reopen")


@dataclass
class Tally:
    """What was counted; threads add under the lock."""

    statuses: Counter[int] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, bytes, Reply]] = field(default_factory=list)
    slow: list[bytes] = field(default_factory=list)
    slow_again: int = 0
    stalls: int = 0
    memory: list[int] = field(default_factory=list)
    restarts: int = 0
    defects: list[str] = field(default_factory=list)
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def sent(self) -> int:
        """How many requests."""
        return sum(self.statuses.values())

    def note(self, kind: str, raw: bytes, reply: Reply) -> bool:
        """Count one answer; out: whether it was a failure."""
        with self.lock:
            self.statuses[reply.status] += 1
            self.reached[kind] += 1
            if reply.seconds > SLOW_SECONDS or reply.status == -1:
                self.slow.append(raw)
            if reply.is_failure:
                self.failures.append((kind, raw, reply))
            return reply.is_failure

    @property
    def leaked(self) -> bool:
        """Whether the end lies more than a quarter and 24 MB above the memory after the first tenth."""
        return len(self.memory) > 1 and self.memory[-1] > self.memory[0] * 1.25 + 24 * 2**20

    @property
    def is_good(self) -> bool:
        """Whether nothing was found."""
        return not (self.failures or self.slow_again or self.stalls or self.restarts or self.defects or self.leaked)


def fuzz(world: World, *, count: int, seed: int, connections: int) -> Tally:
    """Send so many requests, of which a tenth are Hypothesis' and a twentieth Schemathesis'."""
    app = create_app(load_settings(world.folder / "config.toml"))
    samples = record(world, app)
    left_out = list_uncovered(app, samples)
    assert not left_out, left_out
    tally, chosen = Tally(), _by_endpoint(app, samples)
    begun, before = time.monotonic(), _children(world)
    hypothesis, described = count // 10, count // 20
    work = iter(range(count - hypothesis - described))
    done = threading.Event()
    with ThreadPoolExecutor(connections + 1) as pool:
        lines = [pool.submit(_run, world, chosen, work, seed, tally, count) for _ in range(connections)]
        watch = pool.submit(_watch, world, tally, done)
        for line in lines:
            line.result()
        done.set()
        watch.result()
    fuzz_fields(world, samples, tally.note, count=hypothesis, seed=seed)
    fuzz_described(world, tally.note, count=described, seed=seed)
    tally.seconds = time.monotonic() - begun
    _look_again(world, tally)
    time.sleep(1.0)
    tally.memory.append(_memory(world))
    tally.restarts = len(before ^ _children(world))
    tally.defects = [line for line in world.server.log.splitlines() if '"defect"' in line or "Traceback" in line]
    world.renew()  # people can sign in, codes can be redeemed: it still works
    return tally


def send_again(world: World, file: Path) -> Reply:
    """Send one kept request."""
    create_app(load_settings(world.folder / "config.toml"))
    return Line(world.port).send(world.fill(file.read_bytes()), clean=False)


def _by_endpoint(app: object, samples: Sequence[Request]) -> dict[str, tuple[list[Request], list[Request]]]:
    """By endpoint: requests that its methods allow, fields before bare addresses, and those that they do not."""
    adapter = app.url_map.bind("localhost")  # type: ignore[attr-defined]
    allowed = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()  # type: ignore[attr-defined]
        for method in rule.methods - {"OPTIONS", "HEAD"}
    }
    found: dict[str, tuple[list[Request], list[Request]]] = {}
    for request in samples:
        endpoint = endpoint_of(adapter, request)
        usual, odd = found.setdefault(endpoint, ([], []))
        if (endpoint, request.method.decode("latin-1")) in allowed:
            usual += [request] * (5 if request.body or b"?" in request.target else 1)
        else:
            odd.append(request)
    return found


def _pick(chosen: dict[str, tuple[list[Request], list[Request]]], chance: Random) -> tuple[str, Request]:
    """An endpoint and a request for it; those that end sessions come more rarely."""
    endpoints = list(chosen)
    endpoint = chance.choice(endpoints)
    if endpoint.startswith(_ENDERS) and chance.random() < 0.7:
        endpoint = chance.choice(endpoints)
    usual, odd = chosen[endpoint]
    return endpoint, chance.choice(usual if usual and (not odd or chance.random() < 0.95) else odd)


def _run(
    world: World,
    chosen: dict[str, tuple[list[Request], list[Request]]],
    work: Iterator[int],
    seed: int,
    tally: Tally,
    count: int,
) -> None:
    line = Line(world.port)
    for number in work:
        chance = Random(f"{seed}:{number}")  # noqa: S311 - luck, not secrets
        endpoint, request = _pick(chosen, chance)
        request = mutate(request, chance)
        clean, way = is_clean(request), chance.random()
        if way < 0.8:
            raw = request.render(world.host, world.fill)
        elif way < 0.94:
            raw, clean = scramble(request.render(world.host, world.fill), chance), False
        else:
            raw, clean = chunk(request, world.host, world.fill, chance), False
        tally.note(endpoint, raw, line.send(raw, clean=clean))
        if number % RENEW_EVERY == RENEW_EVERY - 1:
            world.renew(pools=number % 2500 == 2499)
        if number == count // 10:
            with tally.lock:
                tally.memory.append(_memory(world))
    line.close()


def _watch(world: World, tally: Tally, done: threading.Event) -> None:
    """Ask whether the server lives; where it does not say so in time, let it write down what its threads do."""
    line = Line(world.port, patience=STALL_SECONDS)
    raw = Request(b"GET", b"/healthz").render(world.host, world.fill)
    while not done.wait(0.5):
        if line.send(raw, clean=True).status == -1:
            tally.stalls += 1
            for pid in _children(world):
                os.kill(pid, signal.SIGUSR1)
    line.close()


def _look_again(world: World, tally: Tally) -> None:
    """What was slow is sent again, alone: a machine that was busy is no fault of the server's."""
    line = Line(world.port)
    world.renew()
    for raw in tally.slow[:50]:
        template = world.unfill(raw)
        again = [line.send(world.fill(template), clean=False) for _ in range(2)]
        tally.slow_again += all(reply.seconds > SLOW_SECONDS or reply.status == -1 for reply in again)
    line.close()


def _children(world: World) -> set[int]:
    return {int(pid) for pid in Path(f"/proc/{world.server.pid}/task/{world.server.pid}/children").read_text().split()}


def _memory(world: World) -> int:
    pages = [Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in _children(world)]
    return sum(int(number) for number in pages) * 4096


def tell(name: str, tally: Tally, folder: Path, world: World) -> str:
    """The counts in words; failures are written as files."""
    megabytes = " -> ".join(f"{size / 2**20:.0f}" for size in tally.memory)
    lines = [
        f"{name}: {tally.sent} requests in {tally.seconds:.0f} s ({tally.sent / max(tally.seconds, 1):.0f}/s)",
        "  statuses " + ", ".join(f"{status}: {number}" for status, number in sorted(tally.statuses.items())),
        f"  500 or more: {len(tally.failures)}; over 2 s: {tally.slow_again} ({len(tally.slow)} at first); stalls: {tally.stalls}",
        f"  restarts: {tally.restarts}; defects in the log: {len(tally.defects)}; memory {megabytes} MB",
    ]
    folder.mkdir(parents=True, exist_ok=True)
    seen: Counter[tuple[str, int]] = Counter()
    for kind, raw, reply in tally.failures:
        seen[kind, reply.status] += 1
        if seen[kind, reply.status] > 2 or len(seen) > FAILURES_KEPT:
            continue
        file = folder / f"{kind.replace('.', '-') or 'none'}-{reply.status}-{seen[kind, reply.status]}.request"
        file.write_bytes(world.unfill(raw))
        lines += [f"  {kind} answered {reply.status}; send it again with --again {file}", f"    {raw[:1500]!r}"]
    for number, raw in enumerate(tally.slow[:10]):
        file = folder / f"slow-{number}.request"
        file.write_bytes(world.unfill(raw))
        lines.append(f"  slow: --again {file}: {raw[:300]!r}")
    lines += [f"  {line[:3000]}" for line in tally.defects[:10]]
    return "\n".join(lines)


def main() -> None:
    """Run what the command line names, print the counts, end with 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="requests for each database and setting of the front")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--front", choices=("on", "off", "both"), default="both")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("artefacts/fuzz"))
    parser.add_argument("--again", type=Path, help="send this kept request only")
    chosen = parser.parse_args()
    is_good = True
    with ExitStack() as stack:
        cluster = stack.enter_context(running_cluster()) if chosen.database != "sqlite" else None
        for kind in ("sqlite", "postgresql") if chosen.database == "both" else (chosen.database,):
            for front in ("on", "off") if chosen.front == "both" else (chosen.front,):
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idp-fuzz-")))
                url = (
                    cluster.new_database()
                    if cluster and kind == "postgresql"
                    else f"sqlite:///{folder / 'idp.sqlite3'}"
                )
                with fuzz_world(folder, url, front=front == "on") as world:
                    if chosen.again:
                        reply = send_again(world, chosen.again)
                        sys.stdout.write(
                            f"{reply.status} in {reply.seconds:.2f} s\n{reply.head.decode('latin-1')}\n{world.server.log[-4000:]}\n"
                        )
                        is_good &= not reply.is_failure
                        continue
                    tally = fuzz(world, count=chosen.count, seed=chosen.seed, connections=chosen.connections)
                    name = f"{kind}, front {front}"
                    sys.stdout.write(tell(name, tally, chosen.out / f"{kind}-{front}", world) + "\n")
                    sys.stdout.flush()
                    is_good &= tally.is_good
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
