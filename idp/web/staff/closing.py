"""`/staff/accounts/<account_id>/close`: closing a customer's account, and opening it again within its waiting time."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, url_for

from idp.accounts import staff_desk
from idp.accounts.closing import close_by_staff, reopen_by_staff
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.policy.staff import Permission
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.pages import render
from idp.web.staff.access import member, permitted
from idp.web.staff.forms import CloseForm

blueprint = Blueprint("staff_closing", __name__, url_prefix="/staff")


@blueprint.get("/accounts/<account_id>/close")
@permitted(Permission.CLOSE_ACCOUNT)
def page(account_id: str) -> Any:
    """Say beforehand what will end."""
    return _page(account_id, CloseForm(formdata=typed_before()))


@blueprint.post("/accounts/<account_id>/close")
@permitted(Permission.CLOSE_ACCOUNT, fresh=True)
def close(account_id: str) -> Any:
    """Close it, or say why not."""
    form = CloseForm()
    if not form.validate_on_submit():
        return _page(account_id, form, 422)
    try:
        close_by_staff(
            provider(),
            staff_id=member().account_id,
            account_id=account_id,
            reason=form.reason.data,
            address=client_address(),
        )
    except Refusal as refusal:
        if refusal.key == "account_unknown":
            abort(404)
        if refusal.key == "closing.closed":
            return _back(account_id, "too_late")
        form.tell("", _("You may not act on this account."))
        return _page(account_id, form, 403)
    return _back(account_id, "close")


@blueprint.get("/accounts/<account_id>/reopen")
@permitted(Permission.READ_ACCOUNTS)
def back(account_id: str) -> Any:
    """Whoever had to give their own password first comes back here, and decides anew on the account's page."""
    return _back(account_id)


@blueprint.post("/accounts/<account_id>/reopen")
@permitted(Permission.CLOSE_ACCOUNT, fresh=True)
def reopen(account_id: str) -> Any:
    """Open it again; the page then says how it stands."""
    done: str | None = None
    if ActForm().validate_on_submit():
        try:
            reopen_by_staff(provider(), staff_id=member().account_id, account_id=account_id, address=client_address())
            done = "reopen"
        except Refusal as refusal:
            if refusal.key == "account_unknown":
                abort(404)
            done = "too_late" if refusal.key.startswith("closing.") else "refused"
    return _back(account_id, done)


def _back(account_id: str, done: str | None = None) -> Any:
    return redirect(url_for("staff_people.account", account_id=account_id, done=done), 303)


def _page(account_id: str, form: CloseForm, status: int = 200) -> Any:
    try:
        found = staff_desk.open_account(provider(), member().account_id, account_id)
    except Refusal:
        abort(404)
    return render("staff/close.html", status, page=found, account=found.account, form=form)
