"""`/account/devices`: one's devices, with nickname and product: add, rename, remove; handing on is `device_transfers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, request, url_for

from idp.accounts import device_claims, own_devices
from idp.accounts.device_transfers import list_offered, list_offered_to
from idp.accounts.serial_numbers import LONGEST_TYPED
from idp.errors import Refusal
from idp.i18n import lazy_gettext as _
from idp.web.account.registration_forms import parse_known_serial, parsed_by
from idp.web.browser_session import get_signed_in, signed_in_required, typed_before
from idp.web.context import provider
from idp.web.forms import ActForm, Form, HiddenField, TextField
from idp.web.pages import render
from idp.web.refusals import words_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("devices", __name__)


class NicknameForm(Form):
    """What the owner calls a device."""

    nickname = TextField(_("Nickname"), longest=own_devices.LONGEST_NICKNAME)


class DeviceForm(NicknameForm):
    """A serial number as it is typed from the name plate, and what to call the device."""

    serial_number = TextField(
        _("Serial number"),
        [parsed_by(parse_known_serial)],
        longest=LONGEST_TYPED,
        missing=_("Enter the serial number of your device."),
    )


class RemoveForm(Form):
    """The button, and whether the page had said that the approval goes back into review."""

    understood = HiddenField(longest=1)


@blueprint.route("/account/devices", methods=["GET", "POST"])
@signed_in_required
def page() -> Response:
    """List the devices, and add one."""
    account_id, typed = get_signed_in().account_id, typed_before()
    form = DeviceForm(formdata=typed) if typed else DeviceForm()
    if form.validate_on_submit():
        serial_number = form.serial_number.parsed
        try:
            owned = own_devices.add_own_device(provider(), account_id, serial_number, form.nickname.data or "")
            done = "added" if owned else "waits"
            return redirect(url_for("devices.page", done=done, serial_number=serial_number), 303)
        except Refusal as refusal:
            form.tell("serial_number", words_of(refusal, customer_care=provider().settings.mail.customer_care))
    found = own_devices.list_own_devices(provider(), account_id)
    return render(
        "account/devices.html",
        422 if form.is_submitted() else 200,
        form=form,
        devices=found,
        claims=[
            (claim, device_claims.promised_by(provider(), claim))
            for claim in device_claims.list_own_claims(provider(), account_id)
        ],
        offered=list_offered(provider(), account_id),
        offers=list_offered_to(provider(), account_id),
        most=own_devices.MOST_DEVICES,
        products=provider().settings.devices.products,
        done=request.args.get("done", ""),
        chosen=request.args.get("serial_number", "")[:6],
        nickname=request.args.get("nickname", "")[: own_devices.LONGEST_NICKNAME],
    )


@blueprint.post("/account/devices/<serial_number>/withdraw")
@signed_in_required
def withdraw(serial_number: str) -> Response:
    """Take back a device that waits for staff."""
    done = None
    if ActForm().validate_on_submit():
        try:
            device_claims.withdraw_claim(provider(), get_signed_in().account_id, serial_number[:6])
            done = "withdrawn"
        except Refusal:
            done = "looked-at"
    return redirect(url_for("devices.page", done=done), 303)


@blueprint.route("/account/devices/<serial_number>", methods=["GET", "POST"])
@signed_in_required
def device(serial_number: str) -> Response:
    """Rename a device, and the way to removing it."""
    account_id, typed = get_signed_in().account_id, typed_before()
    try:
        found = own_devices.find_own_device(provider(), account_id, serial_number)
        form = NicknameForm(formdata=typed, obj=found) if typed else NicknameForm(obj=found)
        if form.validate_on_submit():
            own_devices.rename_own_device(provider(), account_id, serial_number, form.nickname.data or "")
            return redirect(url_for("devices.page", done="renamed", serial_number=serial_number), 303)
    except Refusal:
        abort(404)
    return render(
        "account/device.html",
        422 if form.is_submitted() else 200,
        form=form,
        device=found,
        products=provider().settings.devices.products,
    )


@blueprint.route("/account/devices/<serial_number>/remove", methods=["GET", "POST"])
@signed_in_required
def remove(serial_number: str) -> Response:
    """Say what removing does, and remove it."""
    account_id = get_signed_in().account_id
    try:
        found = own_devices.find_own_device(provider(), account_id, serial_number)
    except Refusal:
        if request.method == "POST":
            return redirect(url_for("devices.page", done="gone"), 303)
        abort(404)
    is_reviewed = own_devices.is_reviewed_without(provider(), account_id, serial_number)
    form = RemoveForm()
    if form.validate_on_submit():
        try:
            own_devices.remove_own_device(provider(), account_id, serial_number, may_review=form.understood.data == "1")
            return redirect(
                url_for("devices.page", done="removed", serial_number=serial_number, nickname=found.nickname), 303
            )
        except Refusal as refusal:
            if refusal.key == "device.unknown":
                return redirect(url_for("devices.page", done="gone"), 303)
            is_reviewed = True
    return render(
        "account/device_remove.html",
        422 if form.is_submitted() else 200,
        form=form,
        device=found,
        products=provider().settings.devices.products,
        is_reviewed=is_reviewed,
    )
