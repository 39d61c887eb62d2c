"""What members of staff see and do at the desk besides deciding: the queue, an application, an account, a registration.

Reading functions return frozen values that pages show as they are; they hold no secret, hash or link (AD-3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from idp.accounts.approval import assess
from idp.accounts.password_reset import send_reset_link
from idp.accounts.people_search import freshen
from idp.accounts.registration import send_again_by_staff
from idp.accounts.staff_limits import limits_of, may_decide_about
from idp.accounts.staff_rights import check_permission, get_account_for
from idp.accounts.temporary_password import newest_end
from idp.errors import Refusal
from idp.policy.approval import late_before, promised_until
from idp.policy.staff import Permission, may_act_on
from idp.store import (
    accounts,
    approvals,
    audit,
    closings,
    device_claims,
    device_transfers,
    devices,
    old_portal,
    outbox,
    proposals,
    review_queue,
    review_work,
    search,
    sessions,
    sign_out_log,
)
from idp.store.approver_limits import Limits
from idp.store.review_queue import Filter
from idp.store.search import understand

if TYPE_CHECKING:
    from idp.policy.rules import Verdict
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.approvals import Applied, Decision, OpenSite, Owner
    from idp.store.audit import Event
    from idp.store.closings import Closing
    from idp.store.database import Transaction
    from idp.store.device_claims import Claim
    from idp.store.device_transfers import NamedTransfer
    from idp.store.devices import Device
    from idp.store.old_portal import OldAccount
    from idp.store.outbox import Fate
    from idp.store.proposals import Proposal
    from idp.store.review_queue import Look, Waiting
    from idp.store.review_work import Assignment
    from idp.store.search import FoundRegistration
    from idp.store.sessions import Session
    from idp.store.sign_out_log import ToldSite

PAGE = 50
MINE = "mine"
"""In a filter: what the member of staff who looks has."""

REPORT_SECONDS = 30 * 86400


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page of the queue with its counts; `decided` is how long each application waited that was decided today."""

    rows: tuple[Waiting, ...]
    due: Mapping[str, int]
    looks: Mapping[str, Look]
    assigned: Mapping[str, Assignment]
    by_assignee: Mapping[str, int]
    limits: Limits
    proposed: Mapping[str, Proposal]
    to_confirm: int
    has_more: bool
    matching: int
    total: int
    late: int
    soon: int
    oldest: int | None
    countries: tuple[tuple[str, int], ...]
    families: tuple[tuple[str, int], ...]
    decided: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Everything about one account that staff need for an answer."""

    account: Account
    applied: Applied | None
    serial_numbers: tuple[str, ...]
    owners: Mapping[str, tuple[Owner, ...]]
    verdict: Verdict | None
    due_at: int | None
    look: Look | None
    decisions: tuple[Decision, ...]
    events: tuple[Event, ...]
    mails: tuple[Fate, ...]
    sessions: tuple[Session, ...]
    sites: tuple[OpenSite, ...]
    devices: tuple[Device, ...]
    transfers: tuple[NamedTransfer, ...]
    claims: tuple[Claim, ...]
    closing: Closing | None
    may_act: bool
    is_within_limits: bool = True
    proposal: Proposal | None = None
    old: OldAccount | None = None
    temporary_until: int = 0


@dataclass(frozen=True, slots=True)
class RegistrationPage:
    """A registration that staff look up for a caller (F-1.6, F-1.7)."""

    registration: FoundRegistration
    events: tuple[Event, ...]
    mails: tuple[Fate, ...]


def open_queue(
    provider: Provider,
    staff_id: str,
    chosen: Filter,
    *,
    late_only: bool = False,
    soon_only: bool = False,
    to_confirm: bool = False,
    after: tuple[int, str] | None = None,
) -> QueuePage:
    """A page of the queue; with `late_only` what has waited longer than promised, with `soon_only` what has or is about to.

    With `to_confirm` what colleagues proposed and this member of staff may confirm.
    """
    now, days = provider.clock(), provider.settings.registration.review_working_days
    late = late_before(now, days)
    soon = late_before(now + provider.settings.registration.review_reminder_hours * 3600, days)
    freshen(provider, chosen.text)
    with provider.database.reading() as tx:
        staff = accounts.find_account(tx, staff_id)
        limits = limits_of(tx, staff) if staff else Limits()
        chosen = replace(
            chosen,
            late_before=late if late_only else soon if soon_only else 0,
            assignee=staff_id if chosen.assignee == MINE else chosen.assignee,
            to_confirm=staff_id if to_confirm else "",
            limits=limits,
        )
        wanted = understand(tx, chosen.text)
        rows = review_queue.page_queue(tx, chosen, wanted, after=after, limit=PAGE + 1)
        whole = review_queue.summarize(tx, limits, late=late, soon=soon)
        is_whole = replace(chosen, newest_first=False) == Filter(limits=limits)
        return QueuePage(
            rows=tuple(rows[:PAGE]),
            due={row.account_id: promised_until(row.waiting_since, days) for row in rows},
            looks=review_queue.list_looks(tx, staff_id, now),
            assigned=review_work.list_assignments(tx, (row.account_id for row in rows[:PAGE])),
            by_assignee=review_queue.count_by_assignee(tx, limits),
            limits=limits,
            proposed=proposals.list_about(tx, proposals.DECISION, (row.account_id for row in rows[:PAGE])),
            to_confirm=review_queue.count_proposed(tx, staff_id, limits),
            has_more=len(rows) > PAGE,
            matching=whole.total if is_whole else review_queue.count_queue(tx, chosen, wanted),
            total=whole.total,
            late=whole.late,
            soon=whole.soon,
            oldest=whole.oldest,
            countries=tuple(review_queue.list_countries(tx, limits)),
            families=tuple(review_queue.list_families(tx, limits)),
            decided=tuple(review_queue.decided_since(tx, now - now % 86400)),
        )


def open_application(provider: Provider, staff_id: str, account_id: str) -> AccountPage:
    """An application to decide about; colleagues see meanwhile that somebody has it open."""
    page = open_account(provider, staff_id, account_id)
    if page.account.approval_status == "pending":
        with provider.database.transaction() as tx:
            review_queue.note_look(tx, account_id, staff_id, provider.clock())
    return page


def open_account(provider: Provider, staff_id: str, account_id: str) -> AccountPage:
    """An account with its history. Raises `Refusal("account_unknown")`."""
    now = provider.clock()
    with provider.database.reading() as tx:
        account, staff = accounts.find_account(tx, account_id), accounts.find_account(tx, staff_id)
        if account is None or staff is None:
            raise Refusal("account_unknown")
        serials = approvals.list_serial_numbers(tx, account_id)
        waits = account.approval_status == "pending"
        days = provider.settings.registration.review_working_days
        return AccountPage(
            account=account,
            applied=approvals.find_applied(tx, account.registration_id),
            serial_numbers=tuple(serials),
            owners={serial: tuple(approvals.list_other_owners(tx, serial, account_id)) for serial in serials},
            verdict=assess(provider, tx, account) if waits else None,
            due_at=promised_until(account.approval_updated_at, days) if waits else None,
            look=review_queue.list_looks(tx, staff_id, now).get(account_id) if waits else None,
            decisions=tuple(approvals.list_decisions(tx, account_id)),
            events=tuple(audit.list_events(tx, account_id, account.registration_id)),
            mails=_mails(tx, account_id, account.registration_id, now),
            sessions=tuple(sessions.list_sessions(tx, account_id, now)),
            sites=tuple(approvals.list_open_sites(tx, account_id, now)),
            devices=tuple(devices.list_devices(tx, account_id)),
            claims=tuple(device_claims.list_own_claims(tx, account_id)),
            temporary_until=newest_end(tx, account_id),
            transfers=tuple(device_transfers.list_about(tx, account_id)),
            closing=closings.find_closing(tx, account_id),
            may_act=may_act_on(staff_id, staff.roles, account_id, account.roles),
            proposal=proposals.find_about(tx, proposals.DECISION, account_id) if waits else None,
            is_within_limits=may_decide_about(tx, staff, account),
            old=old_portal.find_old_account(tx, account_id),
        )


def open_registration(provider: Provider, registration_id: str) -> RegistrationPage:
    """A registration with what happened to its mails. Raises `Refusal("registration_unknown")`."""
    with provider.database.reading() as tx:
        registration = search.find_registration(tx, registration_id)
        if registration is None:
            raise Refusal("registration_unknown")
        return RegistrationPage(
            registration=registration,
            events=tuple(audit.list_events(tx, registration.account_id or "", registration_id)),
            mails=_mails(tx, registration.account_id, registration_id, provider.clock()),
        )


def send_reset_link_for(provider: Provider, *, staff_id: str, account_id: str, address: str = "") -> str:
    """Send the owner of an account a reset link (F-2.3); out: its reference. It goes to the stored address only (RS-3).

    Raises `Refusal`: `not_permitted`, `account_unknown`.
    """
    with provider.database.transaction() as tx:
        account = get_account_for(tx, staff_id, account_id, Permission.SEND_RESET_LINK)
        issued = send_reset_link(provider, tx, account, staff_id=staff_id, by_operator=not staff_id, address=address)
        return issued.reference


def send_confirmation_again(provider: Provider, *, staff_id: str, registration_id: str, address: str = "") -> None:
    """Send a registration's mail once more, with a new link and code (F-1.6). `staff_id`: empty for the operator.

    Raises `Refusal`: `not_permitted`, `registration_unknown` where it cannot be confirmed any more.
    """
    with provider.database.transaction() as tx:
        if staff_id:
            check_permission(tx, staff_id, Permission.RESEND_CONFIRMATION)
        if not send_again_by_staff(provider, tx, registration_id):
            raise Refusal("registration_unknown")
        audit.record(
            tx,
            "confirmation_resent",
            now=provider.clock(),
            actor_kind="staff" if staff_id else "operator",
            actor=staff_id,
            registration_id=registration_id,
            address=address,
        )


def list_told_sites(
    provider: Provider, *, client_id: str = "", state: str = "", after: tuple[int, str] | None = None
) -> tuple[list[ToldSite], list[tuple[str, str]]]:
    """How sites were told of sign-outs, one more than a page; and the sites to choose from, by name."""
    with provider.database.reading() as tx:
        told = sign_out_log.page_told_sites(tx, client_id=client_id, state=state, after=after, limit=PAGE + 1)
        return told, sign_out_log.list_told_sites(tx)


def _mails(tx: Transaction, account_id: str | None, registration_id: str | None, now: int) -> tuple[Fate, ...]:
    """The mails of an account and of the registration it came from, newest first."""
    found: dict[int, Fate] = {}
    if account_id:
        found.update({fate.outbox_id: fate for fate in outbox.fate(tx, now=now, account_id=account_id)})
    if registration_id:
        found.update({fate.outbox_id: fate for fate in outbox.fate(tx, now=now, registration_id=registration_id)})
    return tuple(found[key] for key in sorted(found, reverse=True))
