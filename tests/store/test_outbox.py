"""The outbox: written with the act, claimed by one, blanked when delivered, never lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from idp.store import outbox
from idp.store.database import Statement
from tests.support.post import NOW, PostOffice


@pytest.fixture
def post(tmp_path: Path, database_url: str) -> PostOffice:
    """A provider on each database."""
    return PostOffice(tmp_path, database_url=database_url)


def enqueue(post: PostOffice, text: str = "the secret of the row", kind: str = "mail") -> int:
    """One row."""
    provider = post.provider
    with provider.database.transaction() as tx:
        return outbox.enqueue(tx, provider.master, kind=kind, name="test", payload={"text": text}, now=post.now)


def claim(post: PostOffice, worker: str, *, limit: int = 1, mail: bool = True) -> list[outbox.Item]:
    """What a worker gets."""
    with post.provider.database.transaction() as tx:
        return outbox.claim(tx, mail=mail, worker=worker, lease=60, limit=limit, now=post.now)


def test_the_payload_is_sealed_and_comes_back(post: PostOffice) -> None:
    """No secret lies in clear in the database (GO-7); the claimed row opens (CR-2)."""
    enqueue(post)
    with post.provider.database.reading() as tx:
        rows = tx.all(Statement("SELECT * FROM outbox"))
    assert b"the secret of the row" not in bytes(rows[0]["sealed"])
    (item,) = claim(post, "one")
    assert item.open(post.provider.master) == {"text": "the secret of the row"}
    assert "secret" not in repr(item)


def test_a_row_that_was_rolled_back_with_its_act_was_never_written(post: PostOffice) -> None:
    """The mail is part of the act (RL-2, GO-9)."""
    provider = post.provider

    def write_and_fail() -> None:
        with provider.database.transaction() as tx:
            outbox.enqueue(tx, provider.master, kind="mail", name="test", payload={}, now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert post.fates() == []


def test_each_row_goes_to_one_worker_only(post: PostOffice) -> None:
    """Eight workers at once share twenty rows without meeting (RL-3)."""
    expected = {enqueue(post) for _ in range(20)}

    def take(name: int) -> list[int]:
        taken: list[int] = []
        while items := claim(post, f"worker-{name}", limit=3):
            taken += [item.outbox_id for item in items]
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [outbox_id for found in pool.map(take, range(8)) for outbox_id in found]
    # SKIP LOCKED may leave a row to a later look; nobody may see one twice.
    taken += [item.outbox_id for item in claim(post, "last", limit=20)]
    assert sorted(taken) == sorted(expected)


def test_a_lease_that_runs_out_gives_the_row_to_another(post: PostOffice) -> None:
    """A worker that was killed loses nothing (RL-1)."""
    enqueue(post)
    assert claim(post, "killed")
    assert claim(post, "other") == []
    post.now += 61
    (again,) = claim(post, "other")
    assert again.attempts == 2


def test_delivered_means_blanked_and_never_claimed_again(post: PostOffice) -> None:
    """A delivered payload is gone from the database."""
    enqueue(post)
    (item,) = claim(post, "one")
    with post.provider.database.transaction() as tx:
        outbox.mark_done(tx, item, post.now)
    with post.provider.database.reading() as tx:
        row = tx.one(Statement("SELECT sealed, done_at FROM outbox"))
    assert row is not None
    assert row["sealed"] is None
    assert row["done_at"] == NOW
    post.now += 1000
    assert claim(post, "one") == []


def test_a_row_of_a_lost_lease_is_not_pushed_back(post: PostOffice) -> None:
    """Whoever lost the row may not change what its new holder does with it."""
    enqueue(post)
    (item,) = claim(post, "slow")
    post.now += 61
    claim(post, "quick")
    with post.provider.database.transaction() as tx:
        outbox.retry_later(tx, item, "slow", at=post.now + 9999, error="too late")
        outbox.bury(tx, item, "slow", error="too late", now=post.now)
    (fate,) = post.fates()
    assert (fate.state, fate.last_error) == ("sending", None)


def test_a_retry_waits_for_its_time_and_says_why(post: PostOffice) -> None:
    """Staff and applicants can see that a mail waits (RL-2)."""
    post.write_mail()
    (item,) = claim(post, "one")
    with post.provider.database.transaction() as tx:
        outbox.retry_later(tx, item, "one", at=post.now + 30, error="the mail server is down")
        waiting = outbox.waiting_for(tx, registration_id="r1")
    assert waiting == outbox.Waiting(1, NOW, NOW + 30, has_failed=True)
    assert claim(post, "one") == []
    (fate,) = post.fates()
    assert (fate.state, fate.next_try_at, fate.last_error) == ("waiting", NOW + 30, "the mail server is down")
    post.now += 30
    assert len(claim(post, "one")) == 1


def test_a_dead_letter_keeps_its_reason_and_its_content(post: PostOffice) -> None:
    """A dead letter is seen, and not tried again (RL-2)."""
    enqueue(post)
    (item,) = claim(post, "one")
    with post.provider.database.transaction() as tx:
        outbox.bury(tx, item, "one", error="x" * 300, now=post.now)
        assert outbox.dead_since(tx, NOW) == 1
    post.now += 9999
    assert claim(post, "one") == []
    (fate,) = post.fates()
    assert (fate.state, len(fate.last_error or "")) == ("dead", 255)


def test_mails_and_signals_have_lanes_of_their_own(post: PostOffice) -> None:
    """A mail lane does not take a sign-out, nor the other way round (SS-3)."""
    enqueue(post, kind="backchannel_logout")
    assert claim(post, "mails", mail=True) == []
    assert len(claim(post, "signals", mail=False)) == 1


def test_a_row_moved_to_another_identity_does_not_open(post: PostOffice) -> None:
    """The row's identity is authenticated with its content."""
    enqueue(post, "first")
    enqueue(post, "second")
    with post.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE outbox SET seal_identity = 'moved' WHERE outbox_id = 1"))
    items = claim(post, "one", limit=2)
    with pytest.raises(ValueError, match="does not open"):
        items[0].open(post.provider.master)
    assert items[1].open(post.provider.master) == {"text": "second"}


def test_old_rows_are_forgotten_and_waiting_ones_never(post: PostOffice) -> None:
    """Clean-up is safe to run twice (RL-9)."""
    enqueue(post)
    enqueue(post)
    (item,) = claim(post, "one")
    with post.provider.database.transaction() as tx:
        outbox.mark_done(tx, item, NOW)
        assert outbox.purge(tx, before=NOW + 1) == 1
        assert outbox.purge(tx, before=NOW + 1) == 0
    assert [fate.state for fate in post.fates()] == ["waiting"]
