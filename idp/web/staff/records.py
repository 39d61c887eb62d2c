"""Records of the desk: how sites were told of sign-outs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, request, url_for

from idp.accounts import staff_desk
from idp.policy.staff import Permission
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.pages import render
from idp.web.staff.access import permitted
from idp.web.staff.addresses import read_choice, read_key, read_search, write_key
from idp.web.staff.words import TOLD_STATES, options

if TYPE_CHECKING:
    from flask import Response

blueprint = Blueprint("staff_records", __name__, url_prefix="/staff")


@blueprint.get("/sign-outs")
@permitted(Permission.READ_MAIL)
def sign_outs() -> Response:
    """Which site was told of which sign-out, and how it answered (Back-Channel and Front-Channel Logout 1.0)."""
    site, state = read_search("site"), read_choice("state", tuple(TOLD_STATES))
    told, sites = staff_desk.list_told_sites(provider(), client_id=site, state=state, after=read_key())
    shown = told[: staff_desk.PAGE]
    here: dict[str, Any] = {"site": site or None, "state": state or None}
    has_more = len(told) > staff_desk.PAGE
    return render(
        "staff/sign_outs.html",
        told=shown,
        sites=sites,
        site=site,
        state=state,
        state_options=options(TOLD_STATES),
        click=ActForm(formdata=None),
        done=request.args.get("done", ""),
        first_url=url_for("staff_records.sign_outs", **here) if "after" in request.args else None,
        next_url=url_for("staff_records.sign_outs", **here, after=write_key(shown[-1].key)) if has_more else None,
    )
