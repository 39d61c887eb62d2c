"""`/staff/accounts/<account_id>/email`: another e-mail address for a customer who lost the mailbox (F-2.4)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, url_for

from idp.accounts import staff_desk
from idp.accounts.email_change import change_email_by_staff, may_be_reviewed_again
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.policy.staff import Permission
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.pages import render
from idp.web.refusals import words_of
from idp.web.staff.access import member, permitted
from idp.web.staff.forms import EmailForm

blueprint = Blueprint("staff_email", __name__, url_prefix="/staff")


@blueprint.get("/accounts/<account_id>/email")
@permitted(Permission.CHANGE_EMAIL)
def page(account_id: str) -> Any:
    """Say beforehand what will happen."""
    return _page(account_id, EmailForm(formdata=typed_before()))


@blueprint.post("/accounts/<account_id>/email")
@permitted(Permission.CHANGE_EMAIL, fresh=True)
def change(account_id: str) -> Any:
    """Change it, or say why not."""
    form = EmailForm()
    if not form.validate_on_submit():
        return _page(account_id, form, 422)
    try:
        change_email_by_staff(
            provider(),
            staff_id=member().account_id,
            account_id=account_id,
            email=form.email.parsed,
            reason=form.reason.data,
            address=client_address(),
        )
    except Refusal as refusal:
        return _refused(account_id, form, refusal)
    return redirect(url_for("staff_people.account", account_id=account_id, done="email"), 303)


def _refused(account_id: str, form: EmailForm, refusal: Refusal) -> Any:
    if refusal.key == "account_unknown":
        abort(404)
    if refusal.key in ("own_account", "not_permitted"):
        form.tell("", _("You may not act on this account."))
        return _page(account_id, form, 403)
    key = "email.taken_by_other" if refusal.key == "email.taken" else refusal.key
    form.tell("email", words_of(Refusal(key), customer_care=provider().settings.mail.customer_care))
    return _page(account_id, form, 422 if key == "email.same" else 409)


def _page(account_id: str, form: EmailForm, status: int = 200) -> Any:
    try:
        found = staff_desk.open_account(provider(), member().account_id, account_id)
    except Refusal:
        abort(404)
    return render(
        "staff/email.html",
        status,
        page=found,
        account=found.account,
        form=form,
        reviewed_again=may_be_reviewed_again(provider(), account_id),
    )
