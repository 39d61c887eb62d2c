"""Deciding about many applications at once: put off for half a minute, so that it can be undone, then one by one.

The batch waits as a row of the outbox; the worker that gets it ends each row of the batch in a transaction of its own,
together with the decision. Whoever comes second (another worker, a repeated delivery, an undo) finds the row ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.accounts.approval import ACTS, check_reason, decide_or_propose, is_proposed_first
from idp.accounts.staff_limits import check_limits
from idp.accounts.staff_rights import check_permission
from idp.errors import Refusal
from idp.keys.secrets import new_identifier
from idp.policy.staff import Permission
from idp.store import accounts, approvals, audit, outbox, reason_texts, scheduled_decisions

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.approvals import Decision
    from idp.store.database import Transaction
    from idp.store.outbox import Item
    from idp.store.scheduled_decisions import Batch, Scheduled

DELIVERY = "bulk_decision"
UNDO_SECONDS = 30
MOST_AT_ONCE = 50
REMEMBER_SECONDS = 30 * 86400


@dataclass(frozen=True, slots=True)
class BatchPage:
    """A batch with its rows; `overtaken_by` is the decision that stands where somebody else was first."""

    batch_id: str
    staff_id: str
    act: str
    due_at: int
    rows: tuple[Scheduled, ...]
    overtaken_by: Mapping[str, Decision]

    @property
    def waiting(self) -> int:
        """How many have not taken effect and were not undone."""
        return sum(not row.outcome for row in self.rows)

    def count(self, outcome: str) -> int:
        """How many ended so."""
        return sum(row.outcome == outcome for row in self.rows)


def schedule_decisions(
    provider: Provider,
    *,
    staff_id: str,
    act: str,
    chosen: Sequence[tuple[int, str]],
    reason: str = "",
    remark: str = "",
    text_key: str = "",
    address: str = "",
) -> str:
    """Put off one act about several applications; out: the batch.

    `chosen`: since when each status stood that was seen, and the account. `text_key`: where no reason is written, each
    applicant reads this reason text in their own language. Raises `Refusal`: `not_permitted`,
    `nothing_chosen`, `too_many`, `reason_missing`, `reason_too_long`, `beyond_limits`.
    """
    _old, new, permission = ACTS[act]
    now, picked = provider.clock(), list({account_id: (seen, account_id) for seen, account_id in chosen}.values())
    if not picked:
        raise Refusal("nothing_chosen")
    if len(picked) > MOST_AT_ONCE:
        raise Refusal("too_many", limit=MOST_AT_ONCE)
    batch_id = new_identifier()
    with provider.database.transaction() as tx:
        staff = check_permission(tx, staff_id, permission)
        text = reason_texts.find_text(tx, text_key) if text_key and not reason.strip() else None
        check_reason(new, "chosen" if text else reason, remark)
        people = [account for _seen, account_id in picked if (account := accounts.find_account(tx, account_id))]
        if not people:
            raise Refusal("nothing_chosen")
        for one in people:
            check_limits(tx, staff, one)
        seen = {account_id: seen_at for seen_at, account_id in picked}
        scheduled_decisions.add(
            tx,
            batch_id=batch_id,
            staff_id=staff_id,
            act=act,
            chosen=[
                (seen[one.account_id], one.account_id, text.text_for(one.locale) if text else reason.strip())
                for one in people
            ],
            remark=remark.strip(),
            address=address,
            due_at=now + UNDO_SECONDS,
            now=now,
        )
        outbox.enqueue(
            tx,
            provider.master,
            kind=DELIVERY,
            name=DELIVERY,
            payload={"batch_id": batch_id},
            not_before=now + UNDO_SECONDS,
            now=now,
        )
        _record(tx, "decisions_scheduled", staff_id, batch_id, act, len(people), address=address, now=now)
    return batch_id


def undo_decisions(provider: Provider, *, staff_id: str, batch_id: str, address: str = "") -> int:
    """Take back a batch of one's own before it takes effect; out: how many.

    Raises `Refusal`: `not_permitted`, `too_late` where everything has taken effect or is about to.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.DECIDE)
        count = scheduled_decisions.undo(tx, batch_id, staff_id, now)
        if not count:
            raise Refusal("too_late")
        act = scheduled_decisions.list_batch(tx, batch_id)[0].act
        _record(tx, "decisions_undone", staff_id, batch_id, act, count, address=address, now=now)
    return count


def carry_out(provider: Provider, item: Item) -> None:
    """Let a batch take effect (a delivery of the outbox); safe to repeat."""
    batch_id = str(item.open(provider.master)["batch_id"])
    with provider.database.reading() as tx:
        rows = scheduled_decisions.list_batch(tx, batch_id)
    for row in rows:
        if not row.outcome:
            _carry_out_one(provider, row)


def open_batch(provider: Provider, batch_id: str) -> BatchPage:
    """A batch and what became of it. Raises `Refusal("batch_unknown")`."""
    with provider.database.reading() as tx:
        rows = scheduled_decisions.list_batch(tx, batch_id)
        if not rows:
            raise Refusal("batch_unknown")
        late = [row.account_id for row in rows if row.outcome == "decided_already"]
        found = {account_id: approvals.latest_decision(tx, account_id) for account_id in late}
    first = rows[0]
    return BatchPage(
        batch_id=batch_id,
        staff_id=first.staff_id,
        act=first.act,
        due_at=first.due_at,
        rows=tuple(rows),
        overtaken_by={account_id: decision for account_id, decision in found.items() if decision},
    )


def list_own_waiting(provider: Provider, staff_id: str) -> list[Batch]:
    """The batches of a member of staff that have not taken effect."""
    with provider.database.reading() as tx:
        return scheduled_decisions.list_waiting(tx, staff_id, provider.clock() - REMEMBER_SECONDS)


def forget_old_batches(provider: Provider) -> None:
    """Forget batches that ended long ago (RL-9)."""
    with provider.database.transaction() as tx:
        scheduled_decisions.forget(tx, provider.clock() - REMEMBER_SECONDS)


def _carry_out_one(provider: Provider, row: Scheduled) -> None:
    """The row's end and the decision in one transaction; a refusal is kept as the row's end instead."""
    try:
        with provider.database.transaction() as tx:
            outcome = "proposed" if is_proposed_first(provider, row.act) else "done"
            if scheduled_decisions.settle(tx, row.batch_id, row.account_id, outcome=outcome, now=provider.clock()):
                decide_or_propose(
                    provider,
                    tx,
                    staff_id=row.staff_id,
                    account_id=row.account_id,
                    act=row.act,
                    reason=row.reason,
                    remark=row.remark,
                    seen_at=row.seen_at,
                    address=row.address,
                )
    except Refusal as refusal:
        with provider.database.transaction() as tx:
            scheduled_decisions.settle(tx, row.batch_id, row.account_id, outcome=refusal.key, now=provider.clock())


def _record(
    tx: Transaction, what: str, staff_id: str, batch_id: str, act: str, count: int, *, address: str, now: int
) -> None:
    audit.record(
        tx,
        what,
        now=now,
        actor_kind="staff",
        actor=staff_id,
        address=address,
        details={"batch": batch_id, "act": act, "count": count},
    )
