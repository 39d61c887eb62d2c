"""Four eyes: confirming, sending back or withdrawing what is proposed about an application or about somebody's roles."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, url_for

from idp.accounts import four_eyes
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.policy.staff import Permission
from idp.store.proposals import DECISION, ROLES
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.staff.access import member, permitted
from idp.web.staff.addresses import read_queue_address
from idp.web.staff.forms import ProposalForm
from idp.web.staff.queue import next_address, show_queue
from idp.web.staff.roles import show_roles

blueprint = Blueprint("staff_proposals", __name__, url_prefix="/staff")


@blueprint.get("/applications/<account_id>/proposals/<proposal_id>")
@permitted(Permission.READ_QUEUE)
def proposed_decision(account_id: str, proposal_id: str) -> Any:
    """Whoever had to sign in first comes back to the application, with what was written."""
    typed = typed_before()
    if typed is None:
        return _to_application(account_id)
    return show_queue(read_queue_address(), account_id, answering=ProposalForm(formdata=typed))


@blueprint.post("/applications/<account_id>/proposals/<proposal_id>")
@permitted(Permission.DECIDE)
def answer_decision(account_id: str, proposal_id: str) -> Any:
    """Confirm a proposed decision and go on to the next application, send it back, or withdraw one's own."""
    form, address = ProposalForm(), read_queue_address()
    if not form.validate_on_submit():
        return show_queue(address, account_id, answering=form, status=422)
    try:
        _answer(form, DECISION, proposal_id)
    except Refusal as refusal:
        if refusal.key == "account_unknown":
            abort(404)
        if refusal.key in ("proposal_gone", "decided_already"):
            return show_queue(address, account_id, is_settled=True, status=409)
        form.tell("answer" if refusal.key.startswith("note") else "", _words(refusal))
        return show_queue(address, account_id, answering=form, status=422 if refusal.key.startswith("note") else 403)
    if form.act.data == "confirm":
        return redirect(next_address(address, account_id, None), 303)
    return _to_application(account_id)


@blueprint.get("/roles/proposals/<proposal_id>")
@permitted(Permission.GIVE_ROLES)
def proposed_roles(proposal_id: str) -> Any:
    """Whoever had to give their password first comes back to the proposals."""
    return redirect(url_for("staff_roles.roles", _anchor="proposals"), 303)


@blueprint.post("/roles/proposals/<proposal_id>")
@permitted(Permission.GIVE_ROLES, fresh=True)
def answer_roles(proposal_id: str) -> Any:
    """Confirm proposed roles, send them back, or withdraw one's own proposal."""
    form = ProposalForm()
    if not form.validate_on_submit():
        return show_roles(answering=form, answered=proposal_id, status=422)
    try:
        _answer(form, ROLES, proposal_id)
    except Refusal as refusal:
        form.tell("answer" if refusal.key.startswith("note") else "", _words(refusal))
        return show_roles(answering=form, answered=proposal_id, status=422 if refusal.key.startswith("note") else 403)
    return redirect(url_for("staff_roles.roles", done=form.act.data), 303)


def _answer(form: ProposalForm, kind: str, proposal_id: str) -> None:
    own, address = member().account_id, client_address()
    if form.act.data == "confirm":
        four_eyes.confirm(provider(), staff_id=own, kind=kind, proposal_id=proposal_id, address=address)
    elif form.act.data == "withdraw":
        four_eyes.withdraw(provider(), staff_id=own, kind=kind, proposal_id=proposal_id, address=address)
    else:
        four_eyes.send_back(
            provider(), staff_id=own, kind=kind, proposal_id=proposal_id, note=form.answer.data or "", address=address
        )


def _to_application(account_id: str) -> Any:
    return redirect(url_for("staff_queue.application", account_id=account_id, **read_queue_address().args()), 303)


def _words(refusal: Refusal) -> str:
    return {
        "note_missing": _("Write why you send it back: your colleague reads it."),
        "own_proposal": _("This is your own proposal. Somebody else confirms it."),
        "own_account": _("This is about your own account. Somebody else confirms it."),
        "proposal_gone": _("Somebody else has answered this proposal, or it was withdrawn."),
        "proposal_void": _("Whoever proposed this may not decide about it any more. Send it back."),
        "beyond_limits": _("You decide about other serial families or countries. A colleague decides about it."),
    }.get(refusal.key, _("You may not decide about this account."))
