"""Beside a decision: who has the application, and notes for colleagues."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, url_for

from idp.accounts import review_work
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.policy.staff import Permission
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.staff.access import member, permitted
from idp.web.staff.addresses import read_queue_address
from idp.web.staff.forms import AssignForm, NoteForm
from idp.web.staff.queue import offer_colleagues, show_queue

blueprint = Blueprint("staff_review_work", __name__, url_prefix="/staff/applications/<account_id>")


@blueprint.get("/assignment")
@permitted(Permission.READ_QUEUE)
def assignment(account_id: str) -> Any:
    """Whoever had to sign in first comes back to the application and sees who has it."""
    return _back(account_id)


@blueprint.post("/assignment")
@permitted(Permission.DECIDE)
def hand_over(account_id: str) -> Any:
    """Take the application, give it to a colleague, or let it go."""
    form = AssignForm()
    seen = form.seen.data or ""
    offer_colleagues(form, review_work.list_deciders(provider(), account_id), None)
    if not form.validate_on_submit():
        return show_queue(read_queue_address(), account_id, assigning=form, status=422)
    to = {"take": member().account_id, "let_go": ""}.get(form.act.data, form.to.data)
    if form.act.data == "give" and not to:
        form.tell("to", _("Choose a colleague."))
        return show_queue(read_queue_address(), account_id, assigning=form, status=422)
    try:
        review_work.assign(
            provider(), staff_id=member().account_id, account_id=account_id, to=to, seen=seen, address=client_address()
        )
    except Refusal as refusal:
        return _refused(account_id, form, refusal)
    return _back(account_id)


@blueprint.get("/notes")
@permitted(Permission.READ_QUEUE)
def notes(account_id: str) -> Any:
    """Whoever had to sign in before keeping a note comes back here, with what was written."""
    typed = typed_before()
    if typed is None:
        return _back(account_id, "notes")
    return show_queue(read_queue_address(), account_id, noting=NoteForm(formdata=typed))


@blueprint.post("/notes")
@permitted(Permission.WRITE_NOTES)
def write(account_id: str) -> Any:
    """Keep a note."""
    form = NoteForm()
    if not form.validate_on_submit():
        return show_queue(read_queue_address(), account_id, noting=form, status=422)
    try:
        review_work.write_note(
            provider(),
            staff_id=member().account_id,
            account_id=account_id,
            text=form.note.data,
            address=client_address(),
        )
    except Refusal as refusal:
        if refusal.key == "account_unknown":
            abort(404)
        form.tell("note", _("You cannot write notes about your own account."))
        return show_queue(read_queue_address(), account_id, noting=form, status=403)
    return _back(account_id, "notes")


@blueprint.get("/notes/<note_id>/remove")
@permitted(Permission.READ_QUEUE)
def removing(account_id: str, note_id: str) -> Any:
    """Whoever had to sign in first comes back to the notes."""
    return _back(account_id, "notes")


@blueprint.post("/notes/<note_id>/remove")
@permitted(Permission.WRITE_NOTES)
def remove(account_id: str, note_id: str) -> Any:
    """Take one's own note back; one that is gone already is what was wanted."""
    if ActForm().validate_on_submit() and note_id.isdigit() and len(note_id) < 16:
        try:
            review_work.remove_note(
                provider(),
                staff_id=member().account_id,
                account_id=account_id,
                note_id=int(note_id),
                address=client_address(),
            )
        except Refusal as refusal:
            if refusal.key == "account_unknown":
                abort(404)
    return _back(account_id, "notes")


def _refused(account_id: str, form: AssignForm, refusal: Refusal) -> Any:
    if refusal.key == "account_unknown":
        abort(404)
    if refusal.key == "not_waiting":
        return _back(account_id)
    if refusal.key == "assigned_already":
        return show_queue(read_queue_address(), account_id, is_taken=True, status=409)
    if refusal.key in ("own_account", "beyond_limits"):
        own = _("This is your own registration. A colleague decides about it.")
        beyond = _("You decide about other serial families or countries. A colleague decides about it.")
        form.tell("to", own if refusal.key == "own_account" else beyond)
        return show_queue(read_queue_address(), account_id, assigning=form, status=403)
    form.tell("to", _("They may not decide about this application. Choose somebody else."))
    return show_queue(read_queue_address(), account_id, assigning=form, status=422)


def _back(account_id: str, anchor: str | None = None) -> Any:
    args = read_queue_address().args()
    return redirect(url_for("staff_queue.application", account_id=account_id, _anchor=anchor, **args), 303)
