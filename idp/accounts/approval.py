"""Approving registrations: by rule when the address is confirmed, by staff from the queue; suspending and reinstating.

Every change goes through `change_status`: one conditional update decides who was first, and with it come, in the same
transaction, the decision's row, what ends, the audit line and the mail (RG-8).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idp import mail
from idp.accounts.approval_rules import read_application, rules_in_use
from idp.accounts.endings import apply_ending
from idp.accounts.registration import status_token
from idp.accounts.staff_limits import check_limits
from idp.accounts.staff_rights import check_permission
from idp.errors import Refusal
from idp.keys.secrets import new_identifier
from idp.policy import approval as policy
from idp.policy.approval import Status
from idp.policy.endings import Act
from idp.policy.rules import Reason, Verdict, decide, find_doubts
from idp.policy.staff import Permission, may_act_on
from idp.store import accounts, approvals, audit, device_claims, devices, proposals, review_queue, review_work

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.approvals import Decision
    from idp.store.audit import ActorKind
    from idp.store.database import Transaction
    from idp.store.proposals import Proposal

LONGEST_REASON = 2000

ACTS = {
    "approve": (Status.PENDING, Status.APPROVED, Permission.DECIDE),
    "reject": (Status.PENDING, Status.REJECTED, Permission.DECIDE),
    "reopen": (Status.REJECTED, Status.PENDING, Permission.DECIDE),
    "suspend": (Status.APPROVED, Status.SUSPENDED, Permission.SUSPEND),
    "reinstate": (Status.SUSPENDED, Status.APPROVED, Permission.SUSPEND),
}
"""What staff can do: from which status to which, and the permission it needs."""


PROPOSED = {"approve": "approval_proposed", "reject": "rejection_proposed"}
"""What a second person confirms with `[staff] four_eyes`, and the audit trail's word for proposing it."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who decides: `staff` with an account id, `rule` with a rule key, `operator` at the command line, `customer`."""

    kind: ActorKind
    name: str


def review(provider: Provider, tx: Transaction, account_id: str, *, serial_number: str | None = None) -> Verdict:
    """Let the rules decide about an account whose address was just confirmed; in the caller's transaction.

    Call it after account and device are stored. It approves (with all that belongs to it) or leaves the account in the
    queue, and writes the applicant the mail of either. `serial_number`: the device of this application, where the account
    has more than one.
    """
    now = provider.clock()
    account = accounts.get_account(tx, account_id)
    if account.approval_status != Status.PENDING.value:
        return Verdict("review", None, ())
    serial = serial_number or _newest_serial(tx, account_id)
    approvals.lock_serial_number(tx, serial)
    verdict = assess(provider, tx, account, serial_number=serial)
    if verdict.outcome == "approve" and verdict.rule_key:
        _set_aside_doubtful(provider, tx, account, serial, now)
        change_status(provider, tx, account, Status.APPROVED, Actor("rule", verdict.rule_key), verdict=verdict, now=now)
    else:
        audit.record(
            tx,
            "review_waits_for_staff",
            now=now,
            account_id=account_id,
            registration_id=account.registration_id,
            details={"reasons": describe(verdict), "rule_version": verdict.version},
        )
        _tell_waiting(provider, tx, account)
    return verdict


def assess(provider: Provider, tx: Transaction, account: Account, *, serial_number: str | None = None) -> Verdict:
    """What the rules say about an account as it is now; changes nothing."""
    serial = serial_number or _newest_serial(tx, account.account_id)
    return decide(rules_in_use(tx), read_application(provider, tx, account, serial))


def review_again(provider: Provider, tx: Transaction, account: Account, actor: Actor, now: int) -> None:
    """After an input of the rules changed: a rule's approval holds only for what the rule saw; the word of staff stands."""
    verdict = would_review_again(provider, tx, account)
    if verdict is not None:
        change_status(provider, tx, account, Status.PENDING, actor, verdict=verdict, now=now)


def take_back_review(provider: Provider, tx: Transaction, account: Account) -> None:
    """After an input is again what it was: who was approved before it changed is so again, if a rule says so."""
    latest = approvals.latest_decision(tx, account.account_id)
    if account.approval_status != Status.PENDING.value or latest is None or latest.old_status != Status.APPROVED.value:
        return
    if assess(provider, tx, account).outcome == "approve":
        review(provider, tx, account.account_id)


def would_review_again(
    provider: Provider, tx: Transaction, account: Account, *, serial_numbers: Sequence[str] | None = None
) -> Verdict | None:
    """Why an account that a rule approved would go back into review if this were what it is; None where it would not.

    One device with which the rules approve is enough. `serial_numbers`: the devices it would have; else those it has.
    """
    if not is_approved_by_rule(tx, account):
        return None
    owned = approvals.list_serial_numbers(tx, account.account_id) if serial_numbers is None else serial_numbers
    in_use, verdicts = rules_in_use(tx), []
    for serial in reversed(owned or ("",)):
        verdict = decide(in_use, read_application(provider, tx, account, serial))
        if verdict.outcome == "approve" or verdict.reasons[0].key == "too_many_automatic":
            return None
        verdicts.append(verdict)
    return verdicts[0]


def is_approved_by_rule(tx: Transaction, account: Account) -> bool:
    """Whether its approval is the word of a rule, which holds only for what the rule saw."""
    if account.approval_status != Status.APPROVED.value:
        return False
    latest = approvals.latest_decision(tx, account.account_id)
    return latest is not None and latest.actor_kind == "rule"


def decide_by_staff(
    provider: Provider,
    *,
    staff_id: str,
    account_id: str,
    act: str,
    reason: str = "",
    remark: str = "",
    seen_at: int | None = None,
    address: str = "",
) -> Decision | Proposal:
    """Approve, reject, suspend, reinstate or reopen as a member of staff; out: the decision that now stands.

    With `[staff] four_eyes` approving and rejecting is a proposal first, which comes out instead (`accounts/four_eyes`).

    `reason` is what the customer reads, `remark` what only staff read. `seen_at`: since when the status stood that the
    member of staff saw. Raises `Refusal`: `not_permitted`, `own_account`, `beyond_limits`, `reason_missing`,
    `reason_too_long`, `account_unknown`, `decided_already` (with the decision that won), `proposed_already` (with the proposal).
    """
    with provider.database.transaction() as tx:
        return decide_or_propose(
            provider,
            tx,
            staff_id=staff_id,
            account_id=account_id,
            act=act,
            reason=reason,
            remark=remark,
            seen_at=seen_at,
            address=address,
        )


def decide_or_propose(
    provider: Provider,
    tx: Transaction,
    *,
    staff_id: str,
    account_id: str,
    act: str,
    reason: str = "",
    remark: str = "",
    seen_at: int | None = None,
    address: str = "",
) -> Decision | Proposal:
    """What `decide_by_staff` does, in the caller's transaction."""
    if not is_proposed_first(provider, act):
        return decide_within(
            provider,
            tx,
            staff_id=staff_id,
            account_id=account_id,
            act=act,
            reason=reason,
            remark=remark,
            seen_at=seen_at,
            address=address,
        )
    old, new, permission = ACTS[act]
    account, now = _check_may_act(tx, staff_id, account_id, permission), provider.clock()
    check_reason(new, reason, remark)
    account = accounts.lock_account(tx, account_id)
    if account.approval_status != old.value or seen_at not in (None, account.approval_updated_at):
        raise Refusal("decided_already", decision=approvals.latest_decision(tx, account_id))
    added = proposals.add(
        tx,
        kind=proposals.DECISION,
        account_id=account_id,
        proposal_id=new_identifier(),
        staff_id=staff_id,
        act=act,
        reason=reason.strip(),
        remark=remark.strip(),
        seen_at=account.approval_updated_at,
        now=now,
    )
    proposal = proposals.find_about(tx, proposals.DECISION, account_id)
    if not added or proposal is None:
        raise Refusal("proposed_already", proposal=proposal)
    audit.record(
        tx,
        PROPOSED[act],
        now=now,
        actor_kind="staff",
        actor=staff_id,
        account_id=account_id,
        registration_id=account.registration_id,
        address=address,
        details={"reason": reason.strip()},
    )
    return proposal


def is_proposed_first(provider: Provider, act: str) -> bool:
    """Whether an act takes effect only when a second member of staff confirms it (`[staff] four_eyes`)."""
    return act in PROPOSED and "decisions" in provider.settings.staff.four_eyes


def decide_within(
    provider: Provider,
    tx: Transaction,
    *,
    staff_id: str,
    account_id: str,
    act: str,
    reason: str = "",
    remark: str = "",
    seen_at: int | None = None,
    address: str = "",
) -> Decision:
    """Decide at once, in the caller's transaction; refusals are those of `decide_by_staff`."""
    old, new, permission = ACTS[act]
    account = _check_may_act(tx, staff_id, account_id, permission)
    check_reason(new, reason, remark)
    changed = account.approval_status == old.value and change_status(
        provider,
        tx,
        account,
        new,
        Actor("staff", staff_id),
        reason=reason.strip(),
        remark=remark.strip(),
        seen_at=seen_at,
        address=address,
        now=provider.clock(),
    )
    latest = approvals.latest_decision(tx, account_id)
    if not changed or latest is None:
        raise Refusal("decided_already", decision=latest)
    return latest


def change_status(
    provider: Provider,
    tx: Transaction,
    account: Account,
    new: Status,
    actor: Actor,
    *,
    reason: str = "",
    remark: str = "",
    verdict: Verdict | None = None,
    seen_at: int | None = None,
    address: str = "",
    now: int,
) -> bool:
    """Change the status, with decision row, endings, audit line and mail; False where somebody else was first.

    `verdict`: what the rules said, where they are why.

    Raises `Refusal("change_unknown")` for a change that does not exist (RG-1).
    """
    old = Status(account.approval_status)
    if not policy.is_allowed(old, new):
        raise Refusal("change_unknown", old=old.value, new=new.value)
    if not approvals.change_status(tx, account.account_id, old=old.value, new=new.value, seen_at=seen_at, now=now):
        return False
    approvals.insert_decision(
        tx,
        account_id=account.account_id,
        old=old.value,
        new=new.value,
        actor_kind=actor.kind,
        actor=actor.name,
        reason=reason,
        remark=remark,
        facts=describe(verdict) if verdict else (),
        rule_version=verdict.version if verdict else None,
        now=now,
    )
    act = Act.APPROVED if new is Status.APPROVED else Act.APPROVAL_WITHDRAWN
    ended = apply_ending(provider, tx, act, account_id=account.account_id, now=now)
    audit.record(
        tx,
        "approval_changed",
        now=now,
        actor_kind=actor.kind,
        actor=actor.name,
        account_id=account.account_id,
        registration_id=account.registration_id,
        address=address,
        details={"old": old.value, "new": new.value, "reason": reason, "ended_clients": list(ended.client_ids)},
    )
    review_queue.forget_looks(tx, account.account_id, now)
    review_work.forget_assignment(tx, account.account_id)
    proposals.forget(tx, proposals.DECISION, account.account_id)
    _tell(provider, tx, account, old, new, reason)
    return True


def describe(verdict: Verdict) -> list[dict[str, str]]:
    """A verdict's reasons as a decision's row keeps them."""
    return [{"key": reason.key, "value": reason.value} for reason in verdict.reasons]


def check_reason_given(reason: str) -> None:
    """Whoever acts on somebody else's account, or answers a rejection, says why.

    Raises `Refusal`: `reason_missing`, `reason_too_long`.
    """
    if not reason.strip():
        raise Refusal("reason_missing")
    if len(reason) > LONGEST_REASON:
        raise Refusal("reason_too_long", limit=LONGEST_REASON)


def read_reasons(facts: Iterable[Mapping[str, Any]]) -> list[Reason]:
    """The reasons that a decision's row kept."""
    return [Reason(fact["key"], fact.get("value", "")) for fact in facts if "key" in fact]


def _set_aside_doubtful(provider: Provider, tx: Transaction, account: Account, serial_number: str, now: int) -> None:
    """Before a rule approves with one device: what else was added while nobody had looked waits for staff if in doubt.

    What an account had when it was approved before was looked at then.
    """
    latest = approvals.latest_decision(tx, account.account_id)
    since = latest.created_at if latest and latest.old_status == Status.APPROVED.value else 0
    in_use = rules_in_use(tx)
    for device in devices.list_devices(tx, account.account_id):
        if device.serial_number == serial_number or device.created_at < since:
            continue
        application = read_application(provider, tx, account, device.serial_number)
        if not find_doubts(application) or decide(in_use, application).outcome == "approve":
            continue
        devices.remove_device(tx, account.account_id, device.serial_number)
        device_claims.add_claim(tx, account.account_id, device.serial_number, now, nickname=device.nickname)
        audit.record(
            tx,
            "device_claimed",
            now=now,
            account_id=account.account_id,
            details={"serial_number": device.serial_number},
        )


def _newest_serial(tx: Transaction, account_id: str) -> str:
    return next(reversed(approvals.list_serial_numbers(tx, account_id)), "")


def _check_may_act(
    tx: Transaction, staff_id: str, account_id: str, permission: Permission, added: Collection[str] = ()
) -> Account:
    """The account that is decided about; nobody decides about themselves, or about who stands above them (AD-2)."""
    staff, account = check_permission(tx, staff_id, permission), accounts.find_account(tx, account_id)
    if account is None or account.is_closed:
        raise Refusal("account_unknown")
    if staff_id == account_id:
        raise Refusal("own_account")
    if not may_act_on(staff_id, staff.roles, account_id, account.roles):
        raise Refusal("not_permitted")
    check_limits(tx, staff, account, added)
    return account


def check_may_decide(tx: Transaction, staff_id: str, account_id: str, added: Collection[str] = ()) -> None:
    """Raises `Refusal` where a member of staff may not decide about an account, with the devices that would be added."""
    _check_may_act(tx, staff_id, account_id, Permission.DECIDE, added)


def check_reason(new: Status, reason: str, remark: str) -> None:
    """Raises `Refusal`: `reason_missing`, `reason_too_long`."""
    if new in policy.NEEDS_REASON and not reason.strip():
        raise Refusal("reason_missing")
    if max(len(reason), len(remark)) > LONGEST_REASON:
        raise Refusal("reason_too_long", limit=LONGEST_REASON)


def _tell(provider: Provider, tx: Transaction, account: Account, old: Status, new: Status, reason: str) -> None:
    """The mail of a change: exactly one, to the stored address (RG-8, RG-10)."""
    to = mail.to_account(account)
    applied = approvals.find_applied(tx, account.registration_id)
    link, reference = status_link(provider, account), applied.reference if applied else ""
    if new is Status.APPROVED and old is Status.SUSPENDED:
        mail.reinstated(provider, tx, to=to)
    elif new is Status.APPROVED:
        site = applied.site_name if applied else ""
        mail.approved(provider, tx, to=to, user_name=account.user_name, link=link if site else "/", site_name=site)
    elif new is Status.REJECTED:
        mail.rejected(provider, tx, to=to, reason=reason, status_link=link, reference=reference)
    elif new is Status.SUSPENDED:
        mail.suspended(provider, tx, to=to, reason=reason, reference=reference)
    elif old is Status.REJECTED:
        _tell_waiting(provider, tx, account)
    else:
        mail.review_again(provider, tx, to=to, reason=reason)


def _tell_waiting(provider: Provider, tx: Transaction, account: Account) -> None:
    applied = approvals.find_applied(tx, account.registration_id)
    mail.registration_waiting(
        provider,
        tx,
        to=mail.to_account(account),
        status_link=status_link(provider, account),
        reference=applied.reference if applied else "",
        user_name=account.user_name,
    )


def status_link(provider: Provider, account: Account) -> str:
    """The applicant's status page: by its secret link where there was a registration, else the signed-in start page."""
    if not account.registration_id:
        return "/"
    return f"/register/status/{status_token(provider, account.registration_id)}"
