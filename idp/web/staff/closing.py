"""Closing a customer's account, and opening it again within its waiting time."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, url_for

from idp.accounts.closing import close_by_staff, reopen_by_staff
from idp.errors import Refusal
from idp.policy.staff import Permission
from idp.web.browser_session import client_address
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.staff.access import member, permitted

blueprint = Blueprint("staff_closing", __name__, url_prefix="/staff")

_ACTS = {"close": close_by_staff, "reopen": reopen_by_staff}


@blueprint.get("/accounts/<account_id>/<any(close, reopen):act>")
@permitted(Permission.READ_ACCOUNTS)
def back(account_id: str, act: str) -> Any:
    """Whoever had to give their own password first comes back here, and decides anew on the account's page."""
    return redirect(url_for("staff_people.account", account_id=account_id), 303)


@blueprint.post("/accounts/<account_id>/<any(close, reopen):act>")
@permitted(Permission.CLOSE_ACCOUNT, fresh=True)
def carry_out(account_id: str, act: str) -> Any:
    """Close it, or open it again; the page then says how it stands."""
    done: str | None = None
    if ActForm().validate_on_submit():
        try:
            _ACTS[act](provider(), staff_id=member().account_id, account_id=account_id, address=client_address())
            done = act
        except Refusal as refusal:
            if refusal.key == "account_unknown":
                abort(404)
            done = "too_late" if refusal.key.startswith("closing.") else "refused"
    return redirect(url_for("staff_people.account", account_id=account_id, done=done), 303)
