"""`/account/email`: another e-mail address for oneself, and the change that waits for its confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, url_for

from idp.accounts.approval import is_approved_by_rule
from idp.accounts.own_email_change import (
    cancel_email_change,
    find_pending_change,
    request_email_change,
    send_email_change_again,
)
from idp.errors import Refusal
from idp.store import accounts
from idp.web import browser_session
from idp.web.account.forms import EmailForm
from idp.web.browser_session import freshly_signed_in, get_signed_in, signed_in_required
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.pages import render
from idp.web.refusals import words_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("email", __name__)


@blueprint.route("/account/email", methods=["GET", "POST"])
@freshly_signed_in
def page() -> Response:
    """Ask for the new address, and send the link that confirms it."""
    typed = browser_session.typed_before()
    form = EmailForm(formdata=typed) if typed else EmailForm()
    if not form.validate_on_submit():
        return _page(form, 422 if form.is_submitted() else 200)
    try:
        request_email_change(provider(), get_signed_in().account_id, form.email.parsed, browser_session.caller())
    except Refusal as refusal:
        form.tell("email", _words(refusal))
        return _page(form, 422 if refusal.key == "email.same" else 429)
    return redirect(url_for("profile.page", email="asked"), 303)


@blueprint.post("/account/email/again")
@signed_in_required
def again() -> Response:
    """Send the mail of the change that waits once more."""
    form = ActForm()
    if not form.validate_on_submit():
        return redirect(url_for("profile.page"), 303)
    try:
        send_email_change_again(provider(), get_signed_in().account_id, browser_session.caller())
    except Refusal as refusal:
        too_many = refusal.key != "email.no_change"
        return redirect(url_for("profile.page", email="too-many" if too_many else None), 303)
    return redirect(url_for("profile.page", email="asked"), 303)


@blueprint.post("/account/email/cancel")
@signed_in_required
def cancel() -> Response:
    """Keep the address as it is."""
    if not ActForm().validate_on_submit():
        return redirect(url_for("profile.page"), 303)
    cancelled = cancel_email_change(provider(), get_signed_in().account_id)
    return redirect(url_for("profile.page", email="cancelled" if cancelled else None), 303)


def _page(form: EmailForm, status: int) -> Response:
    parts = provider()
    with parts.database.reading() as tx:
        account = accounts.get_account(tx, get_signed_in().account_id)
        pending = find_pending_change(tx, account.account_id, parts.clock())
        reviewed_again = is_approved_by_rule(tx, account)
    return render(
        "account/email.html", status, form=form, account=account, pending=pending, reviewed_again=reviewed_again
    )


def _words(refusal: Refusal) -> str:
    return words_of(refusal, customer_care=provider().settings.mail.customer_care)
