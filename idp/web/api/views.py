"""What the operations do: each calls the function behind the page of the desk, and tells the same in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts import people_search, review_work, similar_accounts, staff_desk
from idp.accounts.approval import decide_by_staff
from idp.accounts.old_portal import report_progress
from idp.policy.staff import Permission
from idp.store.approvals import Decision
from idp.store.proposals import DECISION
from idp.store.review_queue import Filter
from idp.web.api import care, devices, house, models, rules
from idp.web.api.access import READ, WRITE
from idp.web.api.models import instant, instant_or_none
from idp.web.api.operations import Operation
from idp.web.api.proposals import answer
from idp.web.api.rows import (
    found_account,
    found_registration,
    next_key,
    parse_key,
    told_decision,
    told_events,
    told_mails,
    told_proposal,
    write_key,
)
from idp.web.browser_session import client_address
from idp.web.context import provider

if TYPE_CHECKING:
    from idp.web.api.access import Caller


def list_queue(caller: Caller, asked: models.QueueSearch) -> models.Queue:
    """A page of the queue."""
    chosen = Filter(text=asked.q, country=asked.country, family=asked.family, assignee=asked.assignee)
    page = staff_desk.open_queue(
        provider(),
        caller.account_id,
        chosen,
        late_only=asked.late,
        soon_only=asked.soon,
        to_confirm=asked.to_confirm,
        after=parse_key(asked.after),
    )
    items = [
        models.Applicant(
            account_id=row.account_id,
            name=row.name,
            email=row.email,
            company=row.company,
            country=row.country,
            serial_number=row.serial_number,
            reference=row.reference,
            waiting_since=instant(row.waiting_since),
            due_at=instant(page.due[row.account_id]),
            proposal=told_proposal(page.proposed[row.account_id]) if row.account_id in page.proposed else None,
            assigned_to=page.assigned[row.account_id].staff_id if row.account_id in page.assigned else None,
        )
        for row in page.rows
    ]
    after = write_key(page.rows[-1]) if page.has_more else None
    return models.Queue(
        items=items, total=page.total, matching=page.matching, late=page.late, soon=page.soon, next=after
    )


def list_accounts(caller: Caller, asked: models.AccountSearch) -> models.AccountList:
    """Accounts that fit."""
    people = people_search.find_people(provider(), asked.q, status=asked.status, after=parse_key(asked.after))
    found = people.accounts
    return models.AccountList(items=[found_account(row) for row in found[: staff_desk.PAGE]], next=next_key(found))


def show_account(caller: Caller, account_id: str) -> models.Account:
    """One account."""
    page = staff_desk.open_account(provider(), caller.account_id, account_id)
    account = page.account
    return models.Account(
        account_id=account.account_id,
        name=account.name,
        email=account.email,
        user_name=account.user_name,
        company=account.company,
        country=account.country,
        locale=account.locale,
        access=account.access,
        approval_status=account.approval_status,
        approval_updated_at=instant(account.approval_updated_at),
        due_at=instant_or_none(page.due_at),
        roles=sorted(account.roles),
        serial_numbers=list(page.serial_numbers),
        reference=page.applied.reference if page.applied else None,
        last_sign_in_at=instant_or_none(account.last_sign_in_at),
        created_at=instant(account.created_at),
        decisions=[told_decision(row) for row in page.decisions],
        events=told_events(page.events),
        mails=told_mails(page.mails),
        sessions=[
            models.OpenSession(
                started_at=instant(row.started_at),
                last_seen_at=instant(row.last_seen_at),
                expires_at=instant(row.expires_at),
                kept=row.kept,
                user_agent=row.user_agent,
                address=row.address,
            )
            for row in page.sessions
        ],
        sites=[models.OpenSite(client_id=row.client_id, name=row.name, ends=row.ends) for row in page.sites],
    )


def look_beside(caller: Caller, account_id: str) -> models.Beside:
    """Similar accounts and earlier decisions."""
    found = similar_accounts.look_beside(provider(), account_id)
    return models.Beside(
        items=[
            models.SimilarAccount(
                account_id=row.account.account_id,
                name=row.account.name,
                email=row.account.email,
                company=row.account.company,
                country=row.account.country,
                access=row.account.access,
                approval_status=row.account.approval_status,
                serial_numbers=list(row.account.serial_numbers),
                in_common=list(row.traits),
                decisions=[told_decision(decision) for decision in row.decisions],
            )
            for row in found.rows
        ],
        more=found.more,
        shared_by_many=list(found.crowded),
        decisions=[told_decision(decision) for decision in found.own],
        registrations=[
            models.EarlierRegistration(
                registration_id=row.registration_id,
                reference=row.reference,
                state=row.state,
                name=f"{row.given_name} {row.family_name}".strip(),
                email=row.email,
                serial_number=row.serial_number,
                sent_at=instant(row.sent_at),
            )
            for row in found.earlier
        ],
    )


def assign(caller: Caller, account_id: str, asked: models.Assign) -> models.Assignment:
    """Give an application to oneself, a colleague or nobody."""
    found = review_work.assign(
        provider(),
        staff_id=caller.account_id,
        account_id=account_id,
        to=caller.account_id if asked.to == "me" else asked.to,
        seen=caller.account_id if asked.seen == "me" else asked.seen,
        address=client_address(),
    )
    if found is None:
        return models.Assignment(staff_id=None, staff_name=None, since=None)
    return models.Assignment(staff_id=found.staff_id, staff_name=found.staff_name, since=instant(found.given_at))


def list_notes(caller: Caller, account_id: str) -> models.NoteList:
    """What colleagues noted."""
    staff_desk.open_account(provider(), caller.account_id, account_id)
    _assignment, found = review_work.read_work(provider(), account_id)
    return models.NoteList(
        items=[
            models.Note(at=instant(row.created_at), actor_kind=row.actor_kind, actor_name=row.actor_name, text=row.text)
            for row in found
        ]
    )


def write_note(caller: Caller, account_id: str, asked: models.WriteNote) -> models.NoteList:
    """Leave a note; the answer is all notes."""
    review_work.write_note(
        provider(), staff_id=caller.account_id, account_id=account_id, text=asked.text, address=client_address()
    )
    return list_notes(caller, account_id)


def decide(caller: Caller, account_id: str, asked: models.Decide) -> models.Decision:
    """Decide about an account; the answer is the decision that now stands."""
    decided = decide_by_staff(
        provider(),
        staff_id=caller.account_id,
        account_id=account_id,
        act=asked.act,
        reason=asked.reason,
        remark=asked.remark,
        seen_at=int(asked.seen_at.timestamp()) if asked.seen_at else None,
        address=client_address(),
    )
    if isinstance(decided, Decision):
        return told_decision(decided)
    return models.Decision(
        at=instant(decided.created_at),
        old_status="pending",
        new_status="pending",
        actor_kind="staff",
        actor_name=decided.staff_name,
        reason=decided.reason,
        remark=decided.remark,
        proposal_id=decided.proposal_id,
    )


def answer_proposal(caller: Caller, proposal_id: str, asked: models.Answer) -> models.Proposal:
    """Confirm a colleague's proposal, send it back, or withdraw one's own; the answer is what it was."""
    return answer(caller, DECISION, proposal_id, asked)


def send_reset_link(caller: Caller, account_id: str) -> models.Sent:
    """Send the owner a reset link."""
    reference = staff_desk.send_reset_link_for(
        provider(), staff_id=caller.account_id, account_id=account_id, address=client_address()
    )
    return models.Sent(reference=reference)


def list_registrations(caller: Caller, asked: models.RegistrationSearch) -> models.RegistrationList:
    """Registrations that fit."""
    people = people_search.find_registrations(provider(), asked.q, state=asked.state, after=parse_key(asked.after))
    found = people.registrations
    shown = [found_registration(row) for row in found[: staff_desk.PAGE]]
    return models.RegistrationList(items=shown, next=next_key(found))


def show_registration(caller: Caller, registration_id: str) -> models.Registration:
    """One registration."""
    page = staff_desk.open_registration(provider(), registration_id)
    return models.Registration(
        registration=found_registration(page.registration),
        events=told_events(page.events),
        mails=told_mails(page.mails),
    )


def send_confirmation_again(caller: Caller, registration_id: str) -> models.Sent:
    """Send the confirmation mail once more."""
    staff_desk.send_confirmation_again(
        provider(), staff_id=caller.account_id, registration_id=registration_id, address=client_address()
    )
    return models.Sent(reference=None)


def show_old_portal(caller: Caller) -> models.OldPortal:
    """How far the customers of the old portal have come over."""
    found, end = report_progress(provider()), provider().settings.old_portal.weak_hashes_end
    return models.OldPortal(
        imported=found.imported,
        moved=found.moved,
        waiting=found.waiting,
        incomplete=found.incomplete,
        weak_kept=found.weak_kept,
        weak_hashes_end=end.isoformat() if end else None,
        formats=[
            models.OldFormat(format=f.hash_format, weak=f.is_weak, imported=f.imported, moved=f.moved)
            for f in found.formats
        ],
        weeks=[models.OldWeek(since=instant(week).date().isoformat(), moved=count) for week, count in found.weeks],
    )


OPERATIONS = (
    Operation(
        "GET",
        "/queue",
        "list_queue",
        "Applications that wait, oldest first",
        Permission.READ_QUEUE,
        READ,
        models.Queue,
        list_queue,
        models.QueueSearch,
    ),
    Operation(
        "GET",
        "/accounts",
        "list_accounts",
        "Find accounts",
        Permission.READ_ACCOUNTS,
        READ,
        models.AccountList,
        list_accounts,
        models.AccountSearch,
    ),
    Operation(
        "GET",
        "/accounts/{account_id}",
        "show_account",
        "One account with its history",
        Permission.READ_ACCOUNTS,
        READ,
        models.Account,
        show_account,
    ),
    Operation(
        "GET",
        "/accounts/{account_id}/similar",
        "look_beside",
        "Similar accounts and earlier decisions, as beside an application",
        Permission.READ_ACCOUNTS,
        READ,
        models.Beside,
        look_beside,
    ),
    Operation(
        "POST",
        "/accounts/{account_id}/assignment",
        "assign",
        "Give an application to oneself, a colleague or nobody",
        Permission.DECIDE,
        WRITE,
        models.Assignment,
        assign,
        models.Assign,
    ),
    Operation(
        "GET",
        "/accounts/{account_id}/notes",
        "list_notes",
        "What colleagues noted",
        Permission.READ_ACCOUNTS,
        READ,
        models.NoteList,
        list_notes,
    ),
    Operation(
        "POST",
        "/accounts/{account_id}/notes",
        "write_note",
        "Leave colleagues a note",
        Permission.WRITE_NOTES,
        WRITE,
        models.NoteList,
        write_note,
        models.WriteNote,
    ),
    Operation(
        "POST",
        "/accounts/{account_id}/decisions",
        "decide",
        "Approve, reject, suspend, reinstate or reopen",
        Permission.DECIDE,
        WRITE,
        models.Decision,
        decide,
        models.Decide,
    ),
    Operation(
        "POST",
        "/proposals/{proposal_id}",
        "answer_proposal",
        "Confirm a proposed decision, send it back, or withdraw one's own",
        Permission.DECIDE,
        WRITE,
        models.Proposal,
        answer_proposal,
        models.Answer,
    ),
    Operation(
        "POST",
        "/accounts/{account_id}/reset-links",
        "send_reset_link",
        "Send the owner a reset link",
        Permission.SEND_RESET_LINK,
        WRITE,
        models.Sent,
        send_reset_link,
    ),
    Operation(
        "GET",
        "/old-portal",
        "show_old_portal",
        "How far the customers of the old portal have come over",
        Permission.READ_ACCOUNTS,
        READ,
        models.OldPortal,
        show_old_portal,
    ),
    Operation(
        "GET",
        "/registrations",
        "list_registrations",
        "Find registrations",
        Permission.READ_REGISTRATIONS,
        READ,
        models.RegistrationList,
        list_registrations,
        models.RegistrationSearch,
    ),
    Operation(
        "GET",
        "/registrations/{registration_id}",
        "show_registration",
        "One registration with its mails",
        Permission.READ_REGISTRATIONS,
        READ,
        models.Registration,
        show_registration,
    ),
    Operation(
        "POST",
        "/registrations/{registration_id}/mails",
        "send_confirmation_again",
        "Send the confirmation mail again",
        Permission.RESEND_CONFIRMATION,
        WRITE,
        models.Sent,
        send_confirmation_again,
    ),
    *rules.OPERATIONS,
    *care.OPERATIONS,
    *house.OPERATIONS,
    *devices.OPERATIONS,
)
"""Everything that the interface does."""
