"""Decisions about many applications at once: scheduled from the list of the queue, undone or watched on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, request, url_for

from idp.accounts import bulk_decisions
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.policy.staff import Permission
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.pages import render
from idp.web.staff.access import member, permitted
from idp.web.staff.addresses import read_chosen, read_queue_address
from idp.web.staff.forms import BulkForm
from idp.web.staff.queue import offer_texts, show_queue

if TYPE_CHECKING:
    from flask import Response

blueprint = Blueprint("staff_bulk", __name__, url_prefix="/staff/decisions")


@blueprint.get("")
@permitted(Permission.DECIDE)
def choice() -> Any:
    """Whoever had to sign in before scheduling comes back to the list, with ticks and words as they were."""
    typed = typed_before()
    if typed is None:
        return redirect(url_for("staff_queue.queue"), 303)
    return show_queue(
        read_queue_address(), bulk=BulkForm(formdata=typed, prefix="bulk-"), chosen=typed.getlist("chosen")
    )


@blueprint.post("")
@permitted(Permission.DECIDE)
def schedule() -> Any:
    """Put off one act about the chosen applications, and show how it goes on."""
    form = BulkForm(prefix="bulk-")
    offer_texts(form)
    if not form.validate_on_submit():
        return show_queue(read_queue_address(), bulk=form, status=422)
    try:
        batch_id = bulk_decisions.schedule_decisions(
            provider(),
            staff_id=member().account_id,
            act=form.act.data,
            chosen=read_chosen(),
            reason=form.reason.data,
            remark=form.remark.data,
            text_key=form.text.data,
            address=client_address(),
        )
    except Refusal as refusal:
        return _refused(form, refusal)
    return redirect(url_for("staff_bulk.batch", batch_id=batch_id), 303)


@blueprint.get("/<batch_id>")
@permitted(Permission.DECIDE)
def batch(batch_id: str) -> Response:
    """A batch: how long it can be undone, and what became of each row."""
    return _page(batch_id)


@blueprint.get("/<batch_id>/undo")
@permitted(Permission.DECIDE)
def undoing(batch_id: str) -> Any:
    """Whoever had to sign in before undoing comes back here, and sees how it stands."""
    return redirect(url_for("staff_bulk.batch", batch_id=batch_id), 303)


@blueprint.post("/<batch_id>/undo")
@permitted(Permission.DECIDE)
def undo(batch_id: str) -> Any:
    """Take back what has not taken effect."""
    form = ActForm()
    if not form.validate_on_submit():
        return _page(batch_id, form, status=422)
    try:
        bulk_decisions.undo_decisions(
            provider(), staff_id=member().account_id, batch_id=batch_id, address=client_address()
        )
    except Refusal:
        form.tell("", _("It was too late to undo: the decisions have taken effect, or are taking effect now."))
        return _page(batch_id, form, status=409)
    return redirect(url_for("staff_bulk.batch", batch_id=batch_id), 303)


def _refused(form: BulkForm, refusal: Refusal) -> Response:
    if refusal.key == "reason_missing":
        form.tell("reason", _("Write a reason: the applicants read it."))
    elif refusal.key == "nothing_chosen":
        form.tell("", _("Choose at least one application in the list."))
    elif refusal.key == "too_many":
        form.tell("", _("Choose at most %(limit)s applications at once.", limit=refusal.details["limit"]))
    elif refusal.key == "beyond_limits":
        form.tell("", _("One of them is beyond the serial families or countries that you decide about."))
    else:
        form.tell("", _("You may not decide about these accounts."))
    return show_queue(read_queue_address(), bulk=form, status=422)


def _page(batch_id: str, form: ActForm | None = None, *, status: int = 200) -> Response:
    try:
        page = bulk_decisions.open_batch(provider(), batch_id)
    except Refusal:
        abort(404)
    return render("staff/bulk.html", status, page=page, form=form or ActForm(), now=provider().clock(), request=request)
