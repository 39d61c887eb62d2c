"""Bulk decisions at two instances: whatever comes at once, each application is decided once or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from idp.accounts import bulk_decisions
from idp.errors import Refusal
from idp.provider import Provider
from idp.signals import worker
from idp.store import approvals
from tests.accounts.test_approval import NOW, add, instances, mails, read

__all__ = ["instances"]


@pytest.fixture
def scheduled(instances: list[Provider], monkeypatch: pytest.MonkeyPatch) -> tuple[list[Provider], list[str], str, str]:
    """Eight applications in a batch that is due: providers, accounts, member of staff, batch."""
    monkeypatch.setattr(bulk_decisions, "UNDO_SECONDS", 0)
    provider = instances[0]
    with provider.database.transaction() as tx:
        staff = add(tx, "carla", roles="approver")
        people = [add(tx, f"p{n}").account_id for n in range(8)]
    batch = bulk_decisions.schedule_decisions(
        provider, staff_id=staff.account_id, act="approve", chosen=[(NOW - 100, person) for person in people]
    )
    return instances, people, staff.account_id, batch


def test_two_workers_carry_a_batch_out_once(scheduled: tuple[list[Provider], list[str], str, str]) -> None:
    """Eight deliveries at once at two instances: one decision and one mail each (RC-1)."""
    providers, people, _staff, _batch = scheduled
    with providers[0].database.transaction() as tx:
        (item,) = worker.outbox.claim(tx, mail=False, worker="w", lease=60, limit=5, now=NOW)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: bulk_decisions.carry_out(providers[n % 2], item), range(8)))
    with providers[1].database.reading() as tx:
        assert [len(approvals.list_decisions(tx, person)) for person in people] == [1] * 8
    assert mails(providers[0]) == ["approved"] * 8
    page = bulk_decisions.open_batch(providers[0], _batch)
    assert page.count("done") == 8


@pytest.mark.parametrize("seconds", [0, 30])
def test_undo_and_effect_never_both_win(
    instances: list[Provider], monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """Each row is either undone or decided, also when the clocks of the instances differ by the whole half minute."""
    first, second = instances
    monkeypatch.setattr(bulk_decisions, "UNDO_SECONDS", seconds)
    with first.database.transaction() as tx:
        staff = add(tx, "carla", roles="approver")
        people = [add(tx, f"p{n}") for n in range(6)]
    batch = bulk_decisions.schedule_decisions(
        first,
        staff_id=staff.account_id,
        act="approve",
        chosen=[(NOW - 100, person.account_id) for person in people],
    )
    object.__setattr__(second, "clock", lambda: NOW + 30)
    with second.database.transaction() as tx:
        (item,) = worker.outbox.claim(tx, mail=False, worker="w", lease=60, limit=5, now=NOW + 30)

    def undo() -> int:
        try:
            return bulk_decisions.undo_decisions(first, staff_id=staff.account_id, batch_id=batch)
        except Refusal:
            return 0

    with ThreadPoolExecutor(2) as pool:
        undoing, acting = pool.submit(undo), pool.submit(bulk_decisions.carry_out, second, item)
        undone = undoing.result()
        acting.result()
    page = bulk_decisions.open_batch(first, batch)
    approved = [person for person in people if read(first, person).approval_status == "approved"]
    assert page.count("undone") == undone
    assert page.count("done") == len(approved) == 6 - undone
    assert mails(first) == ["approved"] * len(approved)
    assert undone == 0 or seconds


@pytest.mark.parametrize(
    ("chosen", "reason", "act", "key"),
    [
        (0, "", "approve", "nothing_chosen"),
        (51, "", "approve", "too_many"),
        (1, " ", "reject", "reason_missing"),
        (1, "x" * 2001, "reject", "reason_too_long"),
    ],
)
def test_what_cannot_be_scheduled(instances: list[Provider], chosen: int, reason: str, act: str, key: str) -> None:
    """Nothing is kept of what was refused."""
    with instances[0].database.transaction() as tx:
        staff = add(tx, "carla", roles="approver")
        people = [add(tx, f"p{n}").account_id for n in range(chosen)]
    with pytest.raises(Refusal, match=key):
        bulk_decisions.schedule_decisions(
            instances[0], staff_id=staff.account_id, act=act, chosen=[(NOW, p) for p in people], reason=reason
        )
    with instances[0].database.reading() as tx:
        assert not worker.outbox.is_due(tx, mail=False, now=NOW + 60)
