"""`/staff/accounts/<account_id>/devices`: move a device to its next owner, for customers who cannot do it themselves."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, url_for

from idp.accounts import staff_desk
from idp.accounts.device_moves import move_device_by_staff
from idp.accounts.email_change import may_be_reviewed_again
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.policy.staff import Permission
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.pages import render
from idp.web.refusals import words_of
from idp.web.staff.access import member, permitted
from idp.web.staff.forms import DeviceForm

blueprint = Blueprint("staff_devices", __name__, url_prefix="/staff")


@blueprint.get("/accounts/<account_id>/devices")
@permitted(Permission.CHANGE_EMAIL)
def page(account_id: str) -> Any:
    """Say beforehand what will happen."""
    return _page(account_id, DeviceForm(formdata=typed_before()))


@blueprint.post("/accounts/<account_id>/devices")
@permitted(Permission.CHANGE_EMAIL, fresh=True)
def move(account_id: str) -> Any:
    """Move it, or say why not."""
    form = DeviceForm()
    _offer(form, _open(account_id))
    if not form.validate_on_submit():
        return _page(account_id, form, 422)
    try:
        move_device_by_staff(
            provider(),
            staff_id=member().account_id,
            account_id=account_id,
            serial_number=form.serial_number.data,
            receiver=form.receiver.data,
            reason=form.reason.data,
            address=client_address(),
        )
    except Refusal as refusal:
        return _refused(account_id, form, refusal)
    return redirect(url_for("staff_people.account", account_id=account_id, done="device"), 303)


def _refused(account_id: str, form: DeviceForm, refusal: Refusal) -> Any:
    if refusal.key == "account_unknown":
        abort(404)
    if refusal.key in ("own_account", "not_permitted"):
        form.tell("", _("You may not act on one of the two accounts: it is your own, or a colleague's."))
        return _page(account_id, form, 403)
    field = "serial_number" if refusal.key == "transfer.over" else "receiver"
    form.tell(field, words_of(refusal, customer_care=provider().settings.mail.customer_care))
    return _page(account_id, form, 409 if refusal.key == "transfer.over" else 422)


def _open(account_id: str) -> staff_desk.AccountPage:
    try:
        return staff_desk.open_account(provider(), member().account_id, account_id)
    except Refusal:
        abort(404)


def _offer(form: DeviceForm, found: staff_desk.AccountPage) -> None:
    form.serial_number.offer((device.serial_number, device.label) for device in found.devices)


def _page(account_id: str, form: DeviceForm, status: int = 200) -> Any:
    found = _open(account_id)
    _offer(form, found)
    return render(
        "staff/device.html",
        status,
        page=found,
        account=found.account,
        form=form,
        reviewed_again=may_be_reviewed_again(provider(), account_id),
    )
