"""The worker: at least once, soon, with back-off, never twice at the same time, and it survives being killed."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from idp.errors import GiveUp, TryLater
from idp.provider import Provider
from idp.signals import worker
from idp.signals.worker import MAIL_LANE, SIGNAL_LANE, Worker, drain_once
from idp.store import outbox
from idp.store.outbox import Item
from tests.support.post import NOW, PostOffice


def with_delivery(post: PostOffice, deliver: Callable[[Provider, Item], None], kind: str = "mail") -> Provider:
    """The provider with another way to deliver one kind."""
    return replace(post.provider, deliveries={**post.provider.deliveries, kind: deliver})


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait for something that a thread does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def working(provider: Provider) -> Iterator[Worker]:
    """A worker for the block."""
    made = Worker(provider)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def test_a_mail_that_succeeds_is_done(tmp_path: Path) -> None:
    """One look delivers what is due; a second finds nothing."""
    post = PostOffice(tmp_path)
    post.write_mail()
    assert drain_once(post.provider) == 1
    assert post.state() == "done"
    assert drain_once(post.provider) == 0


def test_a_failed_delivery_backs_off_and_ends_as_a_dead_letter(tmp_path: Path) -> None:
    """Every wait of the lane is kept, with jitter on top; then the reason stays for staff (RL-2)."""
    post = PostOffice(tmp_path)

    def fail(_provider: Provider, _item: Item) -> None:
        raise TryLater("the mail server is down")

    provider = with_delivery(post, fail)
    post.write_mail(expires_at=NOW + 10**9)
    for number, wait in enumerate(MAIL_LANE.waits, 1):
        assert drain_once(provider) == 1
        (fate,) = post.fates()
        assert (fate.state, fate.attempts) == ("waiting", number)
        assert fate.next_try_at is not None
        assert wait <= fate.next_try_at - post.now <= wait * 1.25
        post.now = fate.next_try_at
    assert drain_once(provider) == 1
    (fate,) = post.fates()
    assert fate.state == "dead"
    assert fate.last_error == f"the mail server is down (given up after {len(MAIL_LANE.waits) + 1} tries)"


def test_what_will_never_succeed_is_buried_at_once(tmp_path: Path) -> None:
    """A refusal that cannot pass is not tried again."""
    post = PostOffice(tmp_path)

    def refuse(_provider: Provider, _item: Item) -> None:
        raise GiveUp("the mail server refuses the recipient (550)")

    post.write_mail()
    drain_once(with_delivery(post, refuse))
    (fate,) = post.fates()
    assert (fate.state, fate.last_error) == ("dead", "the mail server refuses the recipient (550)")


def test_a_fault_of_ours_is_tried_again_and_tells_no_content(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected exception neither loses the row nor writes its text to the database or the log (GO-7, RL-10)."""
    post = PostOffice(tmp_path)

    def break_down(provider: Provider, item: Item) -> None:
        payload = item.open(provider.master)
        raise RuntimeError(len(payload))

    post.write_mail()
    drain_once(with_delivery(post, break_down))
    (fate,) = post.fates()
    assert (fate.state, fate.last_error) == ("waiting", "internal error (RuntimeError)")
    assert "the-secret-of-the-link" not in caplog.text


def test_a_kind_that_nobody_delivers_waits_for_a_newer_version(tmp_path: Path) -> None:
    """During a rolling upgrade an older instance leaves what it does not know (RL-6)."""
    post = PostOffice(tmp_path)
    with post.provider.database.transaction() as tx:
        outbox.enqueue(tx, post.provider.master, kind="from_the_future", name="x", payload={}, now=NOW)
    drain_once(post.provider)
    (fate,) = post.fates("from_the_future")
    assert fate.state == "waiting"


def test_a_worker_killed_after_sending_sends_again(tmp_path: Path) -> None:
    """At least once: what was sent but not marked goes out again, under the same identity (RL-1, RL-2)."""
    post = PostOffice(tmp_path)
    sent: list[str] = []

    class Killed(BaseException):
        """The process ends here."""

    def send_and_die(_provider: Provider, item: Item) -> None:
        sent.append(item.identity)
        if len(sent) == 1:
            raise Killed

    provider = with_delivery(post, send_and_die)
    post.write_mail()
    with pytest.raises(Killed):
        drain_once(provider)
    assert drain_once(provider) == 0, "the lease still runs"
    post.now += MAIL_LANE.lease + 1
    assert drain_once(provider) == 1
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert post.state() == "done"


def test_the_next_start_takes_over_from_a_dead_process_at_once(tmp_path: Path) -> None:
    """After a crash nobody waits for leases of processes that are gone; those of the living are left alone.

    Dead are a number that nobody has, a number that another process has by now, and a process that nobody fetched.
    """
    post = PostOffice(tmp_path)
    here = worker.worker_name().split("/")
    with subprocess.Popen(["true"], stdin=subprocess.DEVNULL) as zombie:  # noqa: S607 - any program that ends
        wait_until(lambda: worker._started(zombie.pid) == "")
        dead = [f"{here[0]}/999999999/1/x", f"{here[0]}/{here[1]}/1/x", f"{here[0]}/{zombie.pid}/1/x"]
        living = ["/".join([*here[:3], "mine"]), f"elsewhere/{here[1]}/1/x"]
        for name in (*dead, *living):
            post.write_mail()
            with post.provider.database.transaction() as tx:
                outbox.claim(tx, mail=True, worker=name, lease=60, limit=1, now=NOW)
        worker.release_abandoned(post.provider)
    with post.provider.database.reading() as tx:
        assert sorted(outbox.claimers(tx)) == sorted(living)


def test_a_commit_wakes_the_worker(tmp_path: Path) -> None:
    """A mail goes out at once, long before the worker would look by itself."""
    post = PostOffice(tmp_path)
    with working(post.provider):
        time.sleep(0.3)  # let it fall asleep
        begin = time.monotonic()
        post.write_mail()
        wait_until(lambda: post.state() == "done")
        assert time.monotonic() - begin < 0.5


def test_another_process_wakes_the_worker(tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL the announcement of another instance arrives through NOTIFY."""
    monkeypatch.setattr(worker, "POLL_SECONDS", 60.0)
    here = PostOffice(tmp_path, database_url=postgresql_url)
    other = PostOffice(tmp_path, database_url=postgresql_url)
    with working(here.provider):
        time.sleep(0.5)
        other.write_mail()
        wait_until(lambda: here.state() == "done")


def test_a_hanging_mail_server_delays_no_sign_out(tmp_path: Path) -> None:
    """Lanes are independent, and one hanging receiver leaves threads for the others (SS-3)."""
    post = PostOffice(tmp_path)
    gate = threading.Event()
    told: list[str] = []

    def hang(_provider: Provider, _item: Item) -> None:
        gate.wait(10)

    def tell(_provider: Provider, item: Item) -> None:
        if item.name == "hangs":
            gate.wait(10)
        told.append(item.name)

    provider = replace(post.provider, deliveries={"mail": hang, "signal": tell})
    with working(provider):
        post.write_mail()
        with provider.database.transaction() as tx:
            for name in ("hangs", "quick"):
                outbox.enqueue(tx, provider.master, kind="signal", name=name, payload={}, now=NOW)
        try:
            wait_until(lambda: told == ["quick"], 3)
        finally:
            gate.set()


def test_stopping_finishes_what_is_under_way(tmp_path: Path) -> None:
    """A graceful stop marks the delivery that it waited for (RL-7)."""
    post = PostOffice(tmp_path)
    started = threading.Event()

    def slow(_provider: Provider, _item: Item) -> None:
        started.set()
        time.sleep(0.3)

    with working(with_delivery(post, slow)):
        post.write_mail()
        assert started.wait(5)
    assert post.state() == "done"


def test_one_clean_up_that_fails_stops_no_other(tmp_path: Path) -> None:
    """Housekeeping goes on (RL-9)."""
    post = PostOffice(tmp_path)
    done: list[str] = []

    def fail(_provider: Provider) -> None:
        raise RuntimeError

    def tidy(_provider: Provider) -> None:
        done.append("tidied")

    worker.keep_house(replace(post.provider, housekeeping=(fail, tidy)))
    assert done == ["tidied"]


def test_the_lanes_wait_in_ascending_order() -> None:
    """Back-off never becomes impatient."""
    for lane in (MAIL_LANE, SIGNAL_LANE):
        assert list(lane.waits) == sorted(lane.waits)
