"""Looking after accounts, devices, roles, texts and several applications in the interface of staff tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts import (
    bulk_decisions,
    closing,
    device_moves,
    email_change,
    four_eyes,
    reason_texts,
    review_work,
    staff_roles,
)
from idp.accounts.identifiers import parse_email
from idp.accounts.serial_numbers import parse_serial_number
from idp.accounts.sites import withdraw_consent_for
from idp.accounts.temporary_password import give_temporary_password
from idp.errors import Refusal
from idp.policy.staff import Permission
from idp.store import accounts
from idp.store.proposals import ROLES, Proposal
from idp.web.api import care_models as models
from idp.web.api.access import READ, WRITE
from idp.web.api.models import Answer, instant
from idp.web.api.models import Proposal as ProposalModel
from idp.web.api.operations import Operation
from idp.web.api.proposals import answer
from idp.web.browser_session import client_address
from idp.web.context import provider

if TYPE_CHECKING:
    from idp.store.accounts import Account
    from idp.store.reason_texts import ReasonText as StoredText
    from idp.web.api.access import Caller


def change_email(caller: Caller, account_id: str, asked: models.ChangeEmail) -> models.Standing:
    """Give an account another e-mail address (F-2.4)."""
    email_change.change_email_by_staff(
        provider(),
        staff_id=caller.account_id,
        account_id=account_id,
        email=parse_email(asked.email),
        reason=asked.reason,
        address=client_address(),
    )
    return _standing(_get(account_id))


def close(caller: Caller, account_id: str, asked: models.CloseAccount) -> models.Closed:
    """Close an account, with its waiting time."""
    closed = closing.close_by_staff(
        provider(),
        staff_id=caller.account_id,
        account_id=account_id,
        reason=asked.reason,
        address=client_address(),
    )
    return models.Closed(**_standing(_get(account_id)).model_dump(), erase_at=instant(closed.erase_at))


def reopen(caller: Caller, account_id: str) -> models.Standing:
    """Open a closed account again."""
    closing.reopen_by_staff(provider(), staff_id=caller.account_id, account_id=account_id, address=client_address())
    return _standing(_get(account_id))


def give_password(caller: Caller, account_id: str) -> models.TemporaryPassword:
    """Give a temporary password (F-2.5)."""
    given = give_temporary_password(
        provider(), staff_id=caller.account_id, account_id=account_id, address=client_address()
    )
    return models.TemporaryPassword(password=given.password, expires_at=instant(given.expires_at))


def withdraw_consent(caller: Caller, account_id: str, asked: models.WithdrawConsent) -> models.Withdrawn:
    """Take back what a customer permitted a site."""
    was_there = withdraw_consent_for(
        provider(),
        staff_id=caller.account_id,
        account_id=account_id,
        client_id=asked.client_id,
        address=client_address(),
    )
    return models.Withdrawn(withdrawn=was_there)


def move_device(caller: Caller, account_id: str, asked: models.MoveDevice) -> models.Moved:
    """Give a device of one account to another."""
    reference = device_moves.move_device_by_staff(
        provider(),
        staff_id=caller.account_id,
        account_id=account_id,
        serial_number=parse_serial_number(asked.serial_number),
        receiver=asked.receiver,
        reason=asked.reason,
        address=client_address(),
    )
    return models.Moved(reference=reference)


def list_staff(caller: Caller) -> models.Staff:
    """Who works at the desk."""
    limits = staff_roles.list_limits(provider())
    items = []
    for one in staff_roles.list_staff(provider()):
        told = limits[one.account_id].told if one.account_id in limits else {}
        items.append(
            models.Member(
                account_id=one.account_id,
                name=one.name,
                email=one.email,
                roles=sorted(one.roles),
                families=list(told.get("families", ())),
                countries=list(told.get("countries", ())),
            )
        )
    return models.Staff(items=items, proposed=[row.proposal_id for row in four_eyes.list_proposed_roles(provider())])


def give_roles(caller: Caller, account_id: str, asked: models.GiveRoles) -> models.Roles:
    """Give an account exactly these roles, or propose it."""
    before = staff_roles.give_roles(
        provider(),
        staff_id=caller.account_id,
        identifier=_get(account_id).email,
        roles=asked.roles,
        families=asked.families,
        countries=asked.countries,
        address=client_address(),
    )
    proposal_id = before.proposal_id if isinstance(before, Proposal) else None
    return models.Roles(account_id=account_id, roles=sorted(_get(account_id).roles), proposal_id=proposal_id)


def answer_roles(caller: Caller, proposal_id: str, asked: Answer) -> ProposalModel:
    """Confirm, send back or withdraw a proposed change of roles."""
    return answer(caller, ROLES, proposal_id, asked)


def remove_note(caller: Caller, account_id: str, note_id: str) -> models.NoteRemoved:
    """Take a note of one's own back."""
    number = int(note_id) if note_id.isdigit() and note_id.isascii() and len(note_id) < 18 else 0
    review_work.remove_note(
        provider(), staff_id=caller.account_id, account_id=account_id, note_id=number, address=client_address()
    )
    return models.NoteRemoved(removed=number)


def schedule(caller: Caller, asked: models.Schedule) -> models.Batch:
    """Decide about several applications, 30 seconds from now."""
    batch_id = bulk_decisions.schedule_decisions(
        provider(),
        staff_id=caller.account_id,
        act=asked.act,
        chosen=[(int(row.seen_at.timestamp()), row.account_id) for row in asked.applications],
        reason=asked.reason,
        remark=asked.remark,
        text_key=asked.text_key,
        address=client_address(),
    )
    return show_batch(caller, batch_id)


def show_batch(caller: Caller, batch_id: str) -> models.Batch:
    """Decisions of a batch and what became of them."""
    page = bulk_decisions.open_batch(provider(), batch_id)
    items = [models.Scheduled(account_id=row.account_id, outcome=row.outcome) for row in page.rows]
    return models.Batch(batch_id=batch_id, act=page.act, due_at=instant(page.due_at), items=items)


def undo(caller: Caller, batch_id: str) -> models.Undone:
    """Take back what has not taken effect."""
    bulk_decisions.open_batch(provider(), batch_id)
    count = bulk_decisions.undo_decisions(
        provider(), staff_id=caller.account_id, batch_id=batch_id, address=client_address()
    )
    return models.Undone(undone=count)


def list_texts(caller: Caller) -> models.ReasonTextList:
    """The reason texts."""
    return models.ReasonTextList(items=[_told(text) for text in reason_texts.list_reason_texts(provider())])


def add_text(caller: Caller, asked: models.SaveReasonText) -> models.ReasonText:
    """Write a reason text."""
    return _save_text(caller, asked, None)


def change_text(caller: Caller, text_key: str, asked: models.SaveReasonText) -> models.ReasonText:
    """Write a reason text anew."""
    return _save_text(caller, asked, text_key)


def remove_text(caller: Caller, text_key: str) -> models.Removed:
    """Take a reason text away."""
    reason_texts.remove_reason_text(provider(), staff_id=caller.account_id, text_key=text_key, address=client_address())
    return models.Removed(removed=text_key)


def _save_text(caller: Caller, asked: models.SaveReasonText, text_key: str | None) -> models.ReasonText:
    saved = reason_texts.save_reason_text(
        provider(),
        staff_id=caller.account_id,
        title=asked.title,
        texts={str(language): text for language, text in asked.texts.items()},
        text_key=text_key,
        address=client_address(),
    )
    return _told(reason_texts.get_reason_text(provider(), saved))


def _told(text: StoredText) -> models.ReasonText:
    return models.ReasonText(text_key=text.text_key, title=text.title, texts=dict(text.texts))


def _get(account_id: str) -> Account:
    with provider().database.reading() as tx:
        found = accounts.find_account(tx, account_id)
    if found is None:
        raise Refusal("account_unknown")
    return found


def _standing(account: Account) -> models.Standing:
    return models.Standing(
        account_id=account.account_id,
        email=account.email,
        access=account.access,
        approval_status=account.approval_status,
        roles=sorted(account.roles),
    )


_ABOUT = "/accounts/{account_id}"

OPERATIONS = (
    Operation(
        "POST",
        f"{_ABOUT}/email",
        "change_email",
        "Give an account another e-mail address",
        Permission.CHANGE_EMAIL,
        WRITE,
        models.Standing,
        change_email,
        models.ChangeEmail,
        fresh=True,
    ),
    Operation(
        "POST",
        f"{_ABOUT}/close",
        "close_account",
        "Close an account; there is a way back until it is erased",
        Permission.CLOSE_ACCOUNT,
        WRITE,
        models.Closed,
        close,
        models.CloseAccount,
        fresh=True,
    ),
    Operation(
        "POST",
        f"{_ABOUT}/reopen",
        "reopen_account",
        "Open a closed account again",
        Permission.CLOSE_ACCOUNT,
        WRITE,
        models.Standing,
        reopen,
        fresh=True,
    ),
    Operation(
        "POST",
        f"{_ABOUT}/temporary-password",
        "give_temporary_password",
        "Give a temporary password, told this once",
        Permission.GIVE_TEMPORARY_PASSWORD,
        WRITE,
        models.TemporaryPassword,
        give_password,
        fresh=True,
    ),
    Operation(
        "POST",
        f"{_ABOUT}/consent-withdrawals",
        "withdraw_consent",
        "Take back what a customer permitted a site",
        Permission.WITHDRAW_CONSENT,
        WRITE,
        models.Withdrawn,
        withdraw_consent,
        models.WithdrawConsent,
    ),
    Operation(
        "POST",
        f"{_ABOUT}/device-moves",
        "move_device",
        "Give a device of this account to another",
        Permission.CHANGE_EMAIL,
        WRITE,
        models.Moved,
        move_device,
        models.MoveDevice,
        fresh=True,
    ),
    Operation(
        "GET", "/staff", "list_staff", "Who works at the desk", Permission.GIVE_ROLES, READ, models.Staff, list_staff
    ),
    Operation(
        "POST",
        f"{_ABOUT}/roles",
        "give_roles",
        "Give an account exactly these roles",
        Permission.GIVE_ROLES,
        WRITE,
        models.Roles,
        give_roles,
        models.GiveRoles,
        fresh=True,
    ),
    Operation(
        "POST",
        "/role-proposals/{proposal_id}",
        "answer_role_proposal",
        "Confirm, send back or withdraw a proposed change of roles",
        Permission.GIVE_ROLES,
        WRITE,
        ProposalModel,
        answer_roles,
        Answer,
        fresh=True,
    ),
    Operation(
        "POST",
        f"{_ABOUT}/notes/{{note_id}}/removal",
        "remove_note",
        "Take back a note of one's own",
        Permission.WRITE_NOTES,
        WRITE,
        models.NoteRemoved,
        remove_note,
    ),
    Operation(
        "POST",
        "/decisions",
        "schedule_decisions",
        "Decide about several applications, with 30 seconds to undo it",
        Permission.DECIDE,
        WRITE,
        models.Batch,
        schedule,
        models.Schedule,
    ),
    Operation(
        "GET",
        "/decisions/{batch_id}",
        "show_decisions",
        "What became of such decisions",
        Permission.DECIDE,
        READ,
        models.Batch,
        show_batch,
    ),
    Operation(
        "POST",
        "/decisions/{batch_id}/undo",
        "undo_decisions",
        "Take back what has not taken effect",
        Permission.DECIDE,
        WRITE,
        models.Undone,
        undo,
    ),
    Operation(
        "GET",
        "/reasons",
        "list_reason_texts",
        "Texts to choose as a reason",
        Permission.EDIT_REASONS,
        READ,
        models.ReasonTextList,
        list_texts,
    ),
    Operation(
        "POST",
        "/reasons",
        "add_reason_text",
        "Write such a text",
        Permission.EDIT_REASONS,
        WRITE,
        models.ReasonText,
        add_text,
        models.SaveReasonText,
    ),
    Operation(
        "POST",
        "/reasons/{text_key}",
        "change_reason_text",
        "Write such a text anew",
        Permission.EDIT_REASONS,
        WRITE,
        models.ReasonText,
        change_text,
        models.SaveReasonText,
    ),
    Operation(
        "POST",
        "/reasons/{text_key}/removal",
        "remove_reason_text",
        "Take such a text away",
        Permission.EDIT_REASONS,
        WRITE,
        models.Removed,
        remove_text,
    ),
)
"""What the interface does about people."""
