"""Handing a device on: `/account/devices/<serial_number>/hand-on`, and `/devices/offer/<token>`, which the mail links to.

Opening the mail's page changes nothing, its buttons do. Accepting wants the account with the address that was named;
refusing is for whoever has the mail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, request, url_for

from idp.accounts import device_transfers, own_devices
from idp.accounts.device_transfers import Offer
from idp.accounts.identifiers import parse_email
from idp.errors import Refusal
from idp.i18n import lazy_gettext as _
from idp.web import browser_session
from idp.web.account.registration_forms import LONGEST_EMAIL, parsed_by
from idp.web.browser_session import current_session, freshly_signed_in, get_signed_in, signed_in_required, typed_before
from idp.web.context import provider
from idp.web.forms import ActForm, Form, HiddenField, TextField
from idp.web.local_paths import may_return_here
from idp.web.pages import render
from idp.web.refusals import words_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("device_transfers", __name__)


class HandOnForm(Form):
    """Who is to have the device, and whether the page had said that the approval goes back into review."""

    email = TextField(
        _("E-mail address of the new owner"),
        [parsed_by(parse_email)],
        longest=LONGEST_EMAIL,
        missing=_("Enter the e-mail address of the new owner."),
        render_kw={"type": "email", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    understood = HiddenField(longest=1)


@blueprint.route("/account/devices/<serial_number>/hand-on", methods=["GET", "POST"])
@freshly_signed_in
def hand_on(serial_number: str) -> Response:
    """Say what handing on does, and write to the new owner."""
    account_id, typed = get_signed_in().account_id, typed_before()
    try:
        found = own_devices.find_own_device(provider(), account_id, serial_number)
    except Refusal:
        abort(404)
    is_reviewed = own_devices.is_reviewed_without(provider(), account_id, serial_number)
    form, status = HandOnForm(formdata=typed) if typed else HandOnForm(), 200
    if form.validate_on_submit():
        try:
            device_transfers.offer_device(
                provider(),
                account_id,
                serial_number,
                form.email.parsed,
                browser_session.caller(),
                may_review=form.understood.data == "1",
            )
            return redirect(url_for("devices.page", done="offered", serial_number=serial_number), 303)
        except Refusal as refusal:
            status, is_reviewed = _tell(form, refusal), is_reviewed or refusal.key == "device.approval_rests"
    elif form.is_submitted():
        status = 422
    return render(
        "account/device_hand_on.html",
        status,
        form=form,
        device=found,
        products=provider().settings.devices.products,
        offered=device_transfers.list_offered(provider(), account_id).get(serial_number),
        is_reviewed=is_reviewed,
        may_hand_on=device_transfers.may_hand_on(provider(), account_id),
    )


@blueprint.post("/account/devices/<serial_number>/take-back")
@signed_in_required
def take_back(serial_number: str) -> Response:
    """Keep a device that was offered."""
    if not ActForm().validate_on_submit():
        return redirect(url_for("devices.page"), 303)
    try:
        device_transfers.take_back_device(provider(), get_signed_in().account_id, serial_number)
    except Refusal:
        return redirect(url_for("devices.page", done="answered"), 303)
    return redirect(url_for("devices.page", done="taken-back", serial_number=serial_number), 303)


@blueprint.get("/devices/offer/<token>")
@may_return_here
def offer_page(token: str) -> Response:
    """Say which device it is and who offers it; whoever wants it signs in first."""
    return _offer_page(token, _look(token))


@blueprint.get("/devices/offer/")
def offer_without_token() -> Response:
    """A link that a mail program cut off."""
    return _dead(_look(""))


@blueprint.post("/devices/offer/<token>")
def answer(token: str) -> Response:
    """Accept the device as who is signed in, or refuse it."""
    form, offer = ActForm(), _look(token)
    if not form.validate_on_submit():
        return _offer_page(token, offer, form, 422)
    try:
        if request.form.get("answer") == "refuse":
            device_transfers.refuse_device(provider(), token[:200])
            return redirect(url_for("device_transfers.offer_page", token=token), 303)
        account_id = _account_id()
        if account_id is None:
            return _offer_page(token, offer, form, 403)
        serial_number = device_transfers.accept_device(
            provider(), token[:200], account_id, address=browser_session.client_address()
        )
    except Refusal as refusal:
        if refusal.key in ("device.too_many", "transfer.not_approved"):
            form.tell("", words_of(refusal, customer_care=provider().settings.mail.customer_care))
        status = {"device.too_many": 422, "transfer.other_account": 403}.get(refusal.key, 409)
        return _offer_page(token, _look(token), form, status)
    return redirect(url_for("devices.page", done="received", serial_number=serial_number), 303)


@blueprint.post("/account/devices/offered/<transfer_id>")
@signed_in_required
def answer_offered(transfer_id: str) -> Response:
    """Accept or refuse, on one's own list of devices, what somebody offers."""
    account_id = get_signed_in().account_id
    if not ActForm().validate_on_submit():
        return redirect(url_for("devices.page"), 303)
    try:
        if request.form.get("answer") == "accept":
            address = browser_session.client_address()
            serial_number = device_transfers.accept_offered(provider(), transfer_id, account_id, address=address)
            return redirect(url_for("devices.page", done="received", serial_number=serial_number), 303)
        serial_number = device_transfers.refuse_offered(provider(), transfer_id, account_id)
        return redirect(url_for("devices.page", done="refused", serial_number=serial_number), 303)
    except Refusal as refusal:
        done = {"device.too_many": "too-many", "transfer.not_approved": "giver-waits"}.get(refusal.key, "answered")
        return redirect(url_for("devices.page", done=done), 303)


def _tell(form: HandOnForm, refusal: Refusal) -> int:
    """Put a refusal where it belongs; out: the status of the page."""
    if refusal.key == "device.unknown":
        abort(404)
    if refusal.key == "transfer.not_approved":
        return 409  # the page says so
    if refusal.key == "device.approval_rests":
        return 422  # the page says so now
    sentence = words_of(refusal, customer_care=provider().settings.mail.customer_care)
    form.tell("email", sentence)
    return 429 if refusal.key.startswith("mail.") else 422


def _look(token: str) -> Offer:
    return device_transfers.look_at_offer(provider(), token[:200])


def _account_id() -> str | None:
    signed_in = current_session()
    return None if signed_in is None or signed_in.is_idle else signed_in.account_id


def _offer_page(token: str, offer: Offer, form: ActForm | None = None, status: int = 200) -> Response:
    if offer.state != "waiting":
        return _dead(offer)
    account_id = _account_id()
    is_receiver = account_id is not None and device_transfers.is_offered_to(provider(), offer, account_id)
    return render(
        "account/device_offer.html",
        status,
        offer=offer,
        products=provider().settings.devices.products,
        is_receiver=is_receiver,
        is_other=current_session() is not None and not is_receiver,
        here=url_for("device_transfers.offer_page", token=token),
        token=token,
        form=form or ActForm(formdata=None),
    )


def _dead(offer: Offer) -> Response:
    """How it ended, or what is wrong with the link, and the way on (F-1.7)."""
    status = {"damaged": 404, "accepted": 200, "refused": 200}.get(offer.state, 410)
    return render("account/device_offer_over.html", status, offer=offer)
