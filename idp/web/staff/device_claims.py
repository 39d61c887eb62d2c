"""`/staff/devices`: devices that approved customers added and staff look at before they own them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, request, url_for

from idp.accounts import device_claims
from idp.accounts.serial_numbers import parse_serial_number
from idp.accounts.staff_limits import limits_of_person
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.policy.staff import Permission
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.pages import render
from idp.web.staff.access import member, permitted
from idp.web.staff.forms import ClaimForm

blueprint = Blueprint("staff_device_claims", __name__, url_prefix="/staff")


@blueprint.get("/devices")
@permitted(Permission.READ_QUEUE)
def page() -> Any:
    """All that wait, oldest first."""
    found, count = device_claims.list_claims(provider(), member().account_id)
    return render(
        "staff/device_claims.html",
        found=[(claim, device_claims.promised_by(provider(), claim)) for claim in found],
        now=provider().clock(),
        count=count,
        limits=limits_of_person(provider(), member().account),
        products=provider().settings.devices.products,
        done=request.args.get("done", ""),
    )


@blueprint.get("/devices/<account_id>/<serial_number>")
@permitted(Permission.READ_QUEUE)
def claim(account_id: str, serial_number: str) -> Any:
    """One of them, with why it waits and who owns it already."""
    return _page(account_id, serial_number, ClaimForm(formdata=typed_before()))


@blueprint.post("/devices/<account_id>/<serial_number>")
@permitted(Permission.DECIDE)
def decide(account_id: str, serial_number: str) -> Any:
    """Let the customer own it, or say why not."""
    form = ClaimForm()
    if not form.validate_on_submit():
        return _page(account_id, serial_number, form, 422)
    try:
        device_claims.decide_claim(
            provider(),
            staff_id=member().account_id,
            account_id=account_id,
            serial_number=_parse(serial_number),
            accepts=form.act.data == "accept",
            reason=form.reason.data or "",
            address=client_address(),
        )
    except Refusal as refusal:
        return _refused(account_id, serial_number, form, refusal)
    return redirect(url_for("staff_device_claims.page", done=form.act.data), 303)


def _refused(account_id: str, serial_number: str, form: ClaimForm, refusal: Refusal) -> Any:
    if refusal.key == "account_unknown":
        abort(404)
    if refusal.key == "claim.over":
        return redirect(url_for("staff_device_claims.page", done="over"), 303)
    if refusal.key == "reason_missing":
        form.tell("reason", _("Write why not. The customer reads it."))
        return _page(account_id, serial_number, form, 422)
    form.tell("", _tell_why_not(refusal.key))
    return _page(account_id, serial_number, form, 403)


def _tell_why_not(key: str) -> str:
    sentences = {
        "own_account": _("This is your own device. A colleague decides about it."),
        "beyond_limits": _("You decide about other serial families or countries. A colleague decides about it."),
    }
    return sentences.get(key, _("You may not act on this account."))


def _parse(serial_number: str) -> str:
    try:
        return parse_serial_number(serial_number)
    except Refusal:
        abort(404)


def _page(account_id: str, serial_number: str, form: ClaimForm, status: int = 200) -> Any:
    try:
        found = device_claims.open_claim(provider(), account_id, _parse(serial_number), member().account_id)
    except Refusal:
        return render("staff/device_claim_over.html", 404)
    return render(
        "staff/device_claim.html",
        status,
        found=found,
        due_at=device_claims.promised_by(provider(), found.claim),
        why_not=_tell_why_not(found.why_not) if found.why_not else "",
        form=form,
        products=provider().settings.devices.products,
    )
