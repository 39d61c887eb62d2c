"""`idp approvals`: the queue, and decisions by the operator; each change goes the way that staff's decisions go.

The operator is bound neither by the limits of approvers nor by four eyes; the audit trail says that it was the operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from idp.accounts.approval import ACTS, LONGEST_REASON, Actor, change_status
from idp.accounts.review_work import LONGEST_NOTE, assign, read_work, remove_note, write_note
from idp.accounts.similar_accounts import look_beside
from idp.cli.accounts import describe
from idp.cli.common import (
    Refused,
    get_account,
    json_option,
    open_provider,
    operator,
    print_json,
    print_table,
    stamp,
    with_settings,
)
from idp.cli.device_claims import device_command, devices_command
from idp.errors import Refusal
from idp.policy.approval import NEEDS_REASON, Status, promised_until
from idp.store import account_list, accounts, proposals, review_work

if TYPE_CHECKING:
    from idp.config import Settings


_WHY_NOT = {
    "account_unknown": "{name} is closed",
    "not_waiting": "{name} does not wait for a decision",
    "assignee_unknown": "{to} may not decide about applications; give them a role with: idp accounts roles",
    "assigned_already": "somebody else took it just now",
    "note_missing": "TEXT must say something",
    "note_unknown": "{name} has no such note; see: idp approvals note {name}",
    "note_too_long": f"TEXT must not have more than {LONGEST_NOTE} characters",
}


@click.group("approvals")
def command() -> None:
    """The queue of registrations, and decisions from the terminal.

    The operator decides alone: neither the limits of approvers nor four eyes hold here. The audit trail names the operator.
    """


command.add_command(devices_command)
command.add_command(device_command)


@command.command("list")
@click.option("--status", default="pending", show_default=True, type=click.Choice([status.value for status in Status]))
@json_option
@with_settings
def list_command(settings: Settings, status: str, as_json: bool) -> None:
    """List accounts in a status, by default those that wait; oldest first."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found = account_list.list_accounts(tx, status=status)
        serials = {account.account_id: accounts.list_serial_numbers(tx, account.account_id) for account in found}
        ids = [account.account_id for account in found]
        assigned = review_work.list_assignments(tx, ids)
        proposed = proposals.list_about(tx, proposals.DECISION, ids)
    days = settings.registration.review_working_days
    if as_json:
        print_json(
            [
                {
                    **describe(a),
                    "serial_numbers": serials[a.account_id],
                    "due_at": promised_until(a.approval_updated_at, days) if status == "pending" else None,
                    "assigned_to": assigned[a.account_id].staff_id if a.account_id in assigned else None,
                    "proposed": proposed[a.account_id].act if a.account_id in proposed else None,
                }
                for a in found
            ]
        )
    else:
        print_table(
            ("since", "user name", "e-mail", "name", "company", "serial number", "due", "has it", "proposed"),
            [
                (
                    stamp(a.approval_updated_at),
                    a.user_name,
                    a.email,
                    a.name,
                    a.company,
                    " ".join(serials[a.account_id]),
                    stamp(promised_until(a.approval_updated_at, days)) if status == "pending" else "",
                    assigned[a.account_id].staff_name if a.account_id in assigned else "",
                    proposed[a.account_id].act if a.account_id in proposed else "",
                )
                for a in found
            ],
        )


@command.command("similar")
@click.argument("account")
@json_option
@with_settings
def similar_command(settings: Settings, account: str, as_json: bool) -> None:
    """Show who is like an applicant: by device, company, e-mail domain, name; and what was decided about them."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found = get_account(tx, account)
    beside = look_beside(provider, found.account_id)
    if as_json:
        print_json(
            {
                "similar": [
                    {
                        "account_id": row.account.account_id,
                        "name": row.account.name,
                        "email": row.account.email,
                        "company": row.account.company,
                        "approval_status": row.account.approval_status,
                        "in_common": row.traits,
                    }
                    for row in beside.rows
                ],
                "more": beside.more,
                "shared_by_many": beside.crowded,
                "registrations": [row.reference for row in beside.earlier],
            }
        )
    elif beside.rows:
        print_table(
            ("in common", "status", "decided", "name", "company", "e-mail"),
            [
                (
                    ", ".join(row.traits).replace("_", " "),
                    row.account.approval_status,
                    stamp(row.decisions[0].created_at) if row.decisions else "",
                    row.account.name,
                    row.account.company,
                    row.account.email,
                )
                for row in beside.rows
            ],
        )
    else:
        click.echo(f"nobody is like {found.user_name}")


@command.command("assign")
@click.argument("account")
@click.option("--to", default="", help="Who gets it: e-mail address, user name or id.")
@click.option("--nobody", is_flag=True, help="Take it from whoever has it.")
@with_settings
def assign_command(settings: Settings, account: str, to: str, nobody: bool) -> None:
    """Give a waiting application to somebody who may decide, or to nobody."""
    if bool(to) == nobody:
        raise Refused("say who gets it: --to STAFF, or --nobody")
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found, staff = get_account(tx, account), get_account(tx, to) if to else None
    try:
        now = assign(provider, staff_id=None, account_id=found.account_id, to=staff.account_id if staff else "")
    except Refusal as refusal:
        raise Refused(_WHY_NOT.get(refusal.key, refusal.key).format(to=to, name=found.user_name)) from None
    click.echo(f"{found.user_name}: {now.staff_name if now else 'nobody'} has the application")


@command.command("note")
@click.argument("account")
@click.argument("text", required=False)
@json_option
@with_settings
def note_command(settings: Settings, account: str, text: str | None, as_json: bool) -> None:
    """Show what colleagues noted about ACCOUNT, or leave them TEXT."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found = get_account(tx, account)
    if text is not None:
        try:
            write_note(provider, staff_id=None, account_id=found.account_id, text=text, operator=operator())
        except Refusal as refusal:
            raise Refused(_WHY_NOT.get(refusal.key, refusal.key).format(name=found.user_name)) from None
    _assignment, notes = read_work(provider, found.account_id)
    if as_json:
        print_json(
            [
                {"number": n.note_id, "at": n.created_at, "by": n.actor_name or n.actor_kind, "text": n.text}
                for n in notes
            ]
        )
        return
    for note in notes:
        click.echo(f"{note.note_id}  {stamp(note.created_at)}  {note.actor_name or note.actor_kind}: {note.text}")


@command.command("remove-note")
@click.argument("account")
@click.argument("number", type=click.IntRange(1, 2**53))
@with_settings
def remove_note_command(settings: Settings, account: str, number: int) -> None:
    """Take note NUMBER about ACCOUNT away, whoever wrote it; there is no way back. `idp approvals note` tells the numbers."""
    provider = open_provider(settings)
    with provider.database.reading() as tx:
        found = get_account(tx, account)
    try:
        remove_note(provider, staff_id=None, account_id=found.account_id, note_id=number, operator=operator())
    except Refusal as refusal:
        raise Refused(_WHY_NOT.get(refusal.key, refusal.key).format(name=found.user_name)) from None
    click.echo(f"{found.user_name}: note {number} is removed")


def _decision(name: str, summary: str) -> None:
    """Add one deciding command; from which status to which is what staff's act of that name does."""
    old, new, _permission = ACTS[name]

    @command.command(name, help=f"{summary} Neither the limits of approvers nor four eyes hold for the operator.")
    @click.argument("account", nargs=-1, required=True)
    @click.option("--reason", default="", help="What the customer reads.")
    @with_settings
    def decide(settings: Settings, account: tuple[str, ...], reason: str) -> None:
        if new in NEEDS_REASON and not reason.strip():
            raise Refused("give the customer a reason: --reason TEXT")
        if len(reason) > LONGEST_REASON:
            raise Refused(f"the reason must not have more than {LONGEST_REASON} characters")
        provider = open_provider(settings)
        actor = Actor("operator", operator())
        told = []
        with provider.database.transaction() as tx:  # all of them or none
            for one in account:
                found = get_account(tx, one)
                if found.approval_status != old.value:
                    raise Refused(
                        f"{found.user_name} is {found.approval_status}; {name} is for accounts that are {old.value}"
                    )
                if not change_status(provider, tx, found, new, actor, reason=reason.strip(), now=provider.clock()):
                    raise Refused(f"{found.user_name} was decided by somebody else just now")
                told.append(f"{found.user_name}: {found.approval_status} → {new.value}")
        for line in told:
            click.echo(line)


_decision("approve", "Approve a waiting account.")
_decision("reject", "Reject a waiting account; --reason says why.")
_decision("suspend", "Suspend an approved account; --reason says why.")
_decision("reinstate", "Make a suspended account approved again.")
_decision("reopen", "Put a rejected account back into the queue.")
