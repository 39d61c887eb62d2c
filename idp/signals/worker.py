"""The worker: takes rows from the outbox and delivers each at least once; keeps house now and then.

Mails and signals have lanes of their own, so that a slow mail server delays no sign-out, and signals go out from several
threads, so that one hanging site delays no other (SS-3). A row is claimed for a lease, delivered, and marked; whoever is
killed in between leaves a lease that runs out, and the row goes out again. Retries back off with jitter; a row that
cannot be delivered becomes a dead letter with its reason (RL-2).
"""

from __future__ import annotations

import os
import random
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from idp.errors import GiveUp, TryLater
from idp.keys.secrets import new_identifier
from idp.store import announcements, deliveries, outbox

if TYPE_CHECKING:
    from idp.provider import Provider

log = structlog.get_logger("idp.signals.worker")


@dataclass(frozen=True, slots=True)
class Lane:
    """How one sort of rows is delivered: by how many threads, for how long a row is held, when it is tried again."""

    name: str
    mail: bool
    threads: int
    lease: int
    waits: tuple[int, ...]


# For two and a half days, and never more than a quarter of an hour after the mail server is back.
MAIL_LANE = Lane("mail", True, 1, 60, (10, 30, 60, 120, 300, 600, *([900] * 240)))
SIGNAL_LANE = Lane("signals", False, 4, 30, (1, 5, 30, 120, 600, 1800, 3600))

POLL_SECONDS = 1.0
HELPER_POLL_SECONDS = 30.0
HOUSEKEEPING_SECONDS = 60.0
STOP_SECONDS = 15.0


def worker_name() -> str:
    """Who claims: host, process with its start, and a random part, so that a successor knows whether it still lives."""
    process = os.getpid()
    return f"{_host()}/{process}/{_started(process)}/{new_identifier()[:8]}"


class Worker:
    """The threads of one process that deliver; `start` and `stop` them."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._name = worker_name()
        self._stop = threading.Event()
        self._bells = {MAIL_LANE: threading.Condition(), SIGNAL_LANE: threading.Condition()}
        self._rings = dict.fromkeys(self._bells, 0)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start delivering; what a killed predecessor held is taken up at once."""
        release_abandoned(self._provider)
        announcements.listen(self._provider.database, announcements.OUTBOX, self.wake)
        for lane in self._bells:
            for number in range(lane.threads):
                self._spawn(f"worker-{lane.name}-{number}", self._deliver_forever, lane, number)
        self._spawn("worker-housekeeping", self._keep_house_forever)
        if not self._provider.database.is_sqlite:
            self._spawn("worker-listen", self._listen)

    def _spawn(self, name: str, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)  # type: ignore[arg-type]
        thread.start()
        self._threads.append(thread)

    def wake(self) -> None:
        """Look at the outbox now."""
        for lane, bell in self._bells.items():
            with bell:
                self._rings[lane] += 1
                bell.notify_all()

    def stop(self) -> None:
        """Finish the deliveries that are under way, and stop."""
        self._stop.set()
        self.wake()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def ask_to_stop(self) -> None:
        """Let `wait` return; all that a signal handler may do."""
        self._stop.set()

    def wait(self) -> None:
        """Stay until somebody asked to stop."""
        while not self._stop.wait(0.5):
            pass

    def _deliver_forever(self, lane: Lane, number: int) -> None:
        """The first thread of a lane looks by itself, at instants that nobody foresees; the others come when the bell rings."""
        longest = POLL_SECONDS if number == 0 else HELPER_POLL_SECONDS
        while not self._stop.is_set():
            seen = self._rings[lane]
            try:
                if deliver_due(self._provider, lane, self._name):
                    continue
            except Exception:
                log.exception("the outbox cannot be read; trying again")
            self._sleep(lane, seen, longest * random.uniform(0.5, 1.0))  # noqa: S311 - guards no secret

    def _sleep(self, lane: Lane, seen: int, patience: float) -> None:
        bell = self._bells[lane]
        with bell:
            bell.wait_for(lambda: self._rings[lane] != seen or self._stop.is_set(), patience)

    def _keep_house_forever(self) -> None:
        while not self._stop.is_set():
            keep_house(self._provider)
            self._stop.wait(HOUSEKEEPING_SECONDS)

    def _listen(self) -> None:
        announcements.hear_others(self._provider.database, announcements.OUTBOX, self.wake, self._stop)


def drain_once(provider: Provider) -> int:
    """Deliver everything that is due, in this thread; out: how many rows were tried."""
    worker, tried = worker_name(), 0
    for lane in (SIGNAL_LANE, MAIL_LANE):
        while count := deliver_due(provider, lane, worker):
            tried += count
    return tried


def deliver_due(provider: Provider, lane: Lane, worker: str) -> int:
    """Claim one row of a lane that is due and deliver it; out: how many there were (0 or 1).

    One at a time: what is claimed is under way, so that a lease covers one delivery and a crash repeats one at most.
    """
    with provider.database.reading() as tx:
        if not outbox.is_due(tx, mail=lane.mail, now=provider.clock()):
            return 0
    with provider.database.transaction() as tx:
        items = outbox.claim(tx, mail=lane.mail, worker=worker, lease=lane.lease, limit=1, now=provider.clock())
    for item in items:
        _deliver(provider, lane, worker, item)
    return len(items)


def deliver_one(provider: Provider, outbox_id: int) -> bool:
    """Deliver this one row now, in this thread; False where another worker has it or it is over."""
    worker = worker_name()
    with provider.database.transaction() as tx:
        now = provider.clock()
        item = deliveries.claim_one(tx, outbox_id, worker=worker, lease=MAIL_LANE.lease, now=now)
    if item is not None:
        _deliver(provider, MAIL_LANE if item.kind == outbox.MAIL else SIGNAL_LANE, worker, item)
    return item is not None


def _deliver(provider: Provider, lane: Lane, worker: str, item: outbox.Item) -> None:
    """Deliver one claimed row and write down what became of it."""
    try:
        deliver = provider.deliveries.get(item.kind)
        if deliver is None:
            raise TryLater(f"this version cannot deliver {item.kind}")
        deliver(provider, item)
    except GiveUp as refusal:
        _bury(provider, worker, item, str(refusal))
    except TryLater as delay:
        _retry(provider, lane, worker, item, str(delay))
    except Exception as error:
        # A fault of ours must not take the lane down; its text may quote the payload, so only its kind is kept.
        log.exception("delivery failed", outbox_id=item.outbox_id, name=item.name)
        _retry(provider, lane, worker, item, f"internal error ({type(error).__name__})")
    else:
        with provider.database.transaction() as tx:
            outbox.mark_done(tx, item, provider.clock())
        log.info("delivered", outbox_id=item.outbox_id, kind=item.kind, name=item.name, attempts=item.attempts)


def _retry(provider: Provider, lane: Lane, worker: str, item: outbox.Item, error: str) -> None:
    if item.attempts > len(lane.waits):
        _bury(provider, worker, item, f"{error} (given up after {item.attempts} tries)")
        return
    wait = lane.waits[item.attempts - 1]
    at = provider.clock() + wait + random.randint(0, wait // 4)  # noqa: S311 - only spreads retries
    with provider.database.transaction() as tx:
        outbox.retry_later(tx, item, worker, at=at, error=error)
    log.warning("delivery will be tried again", outbox_id=item.outbox_id, name=item.name, reason=error, at=at)


def _bury(provider: Provider, worker: str, item: outbox.Item, error: str) -> None:
    with provider.database.transaction() as tx:
        outbox.bury(tx, item, worker, error=error, now=provider.clock())
    log.error("dead letter", outbox_id=item.outbox_id, name=item.name, reason=error)


def release_abandoned(provider: Provider) -> None:
    """Free the rows of workers of this host whose process is gone (after a crash their leases need not run out)."""
    with provider.database.reading() as tx:
        names = outbox.claimers(tx)
    gone = [name for name in names if name.startswith(f"{_host()}/") and not _is_alive(name)]
    if gone:
        with provider.database.transaction() as tx:
            for name in gone:
                outbox.release(tx, name)


def _is_alive(worker: str) -> bool:
    """Whether the very process behind a worker's name still runs; another one may have its number by now."""
    match worker.split("/"):
        case [_, process, started, _] if process.isdecimal():
            return _started(int(process)) == started
    return True


def _started(process: int) -> str:
    """When a process started, in the kernel's count; nothing where it is gone, or dead and not yet fetched (proc(5))."""
    try:
        state, *rest = (
            Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return ""
    return "" if state in "ZX" else rest[18]


def _host() -> str:
    return socket.gethostname()[:24]


def keep_house(provider: Provider) -> None:
    """Run every clean-up; each is safe to run twice, in parallel, late, or not at all (RL-9)."""
    for task in provider.housekeeping:
        try:
            task(provider)
        except Exception:
            log.exception("housekeeping failed", task=getattr(task, "__name__", "?"))
