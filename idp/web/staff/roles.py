"""`/staff/roles`: what each role may do, who has which, and giving them (AD-2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import Blueprint, redirect, request, url_for

from idp.accounts.four_eyes import list_proposed_roles
from idp.accounts.staff_roles import give_roles, list_limits, list_staff
from idp.errors import Refusal
from idp.i18n import gettext
from idp.i18n import lazy_gettext as _
from idp.policy.staff import ROLES, Permission
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.forms import Form, TextField
from idp.web.pages import render
from idp.web.staff.access import member, permitted
from idp.web.staff.forms import ProposalForm
from idp.web.staff.words import PERMISSIONS, ROLE_WORDS

if TYPE_CHECKING:
    from flask import Response

blueprint = Blueprint("staff_roles", __name__, url_prefix="/staff/roles")


class RolesForm(Form):
    """Whose roles; the boxes beside it are read as they come."""

    account = TextField(
        _("E-mail address or user name"),
        longest=254,
        missing=_("Enter the e-mail address or user name of the account."),
    )
    families = TextField(_("Only these serial families"), longest=400)
    countries = TextField(_("Only these countries"), longest=400)


@blueprint.get("")
@permitted(Permission.GIVE_ROLES)
def roles() -> Response:
    """The table and the people."""
    typed = typed_before()
    form = RolesForm(formdata=typed)
    if typed is None:
        for name in ("account", "families", "countries"):
            form[name].data = request.args.get(name, "")[:254]
    return _page(form, typed.getlist("roles") if typed else request.args.getlist("role"))


@blueprint.post("")
@permitted(Permission.GIVE_ROLES, fresh=True)
def give() -> Any:
    """Give an account exactly the ticked roles."""
    form, chosen = RolesForm(), request.form.getlist("roles")
    if not form.validate_on_submit():
        return _page(form, chosen, 422)
    try:
        give_roles(
            provider(),
            staff_id=member().account_id,
            identifier=form.account.data,
            roles=chosen,
            families=_split(form.families.data),
            countries=_split(form.countries.data),
            address=client_address(),
        )
    except Refusal as refusal:
        field = {"limits.countries": "countries"}.get(refusal.key, "families" if "limits" in refusal.key else "account")
        form.tell(field, _words(refusal))
        return _page(form, chosen, 403 if refusal.key in ("own_account", "not_permitted") else 422)
    kept = "proposed" if "roles" in provider().settings.staff.four_eyes else "1"
    return redirect(url_for("staff_roles.roles", done=kept), 303)


def _split(text: str | None) -> list[str]:
    """What was typed with blanks, commas or semicolons between."""
    return [part for part in re.split(r"[\s,;]+", text or "") if part]


def _words(refusal: Refusal) -> str:
    return {
        "own_account": gettext("Nobody changes their own roles; ask another administrator."),
        "not_permitted": gettext(
            "The roles of an administrator are changed on the command line only: idp accounts roles"
        ),
        "proposed_already": gettext("Other roles are proposed for this account already; answer that proposal first."),
        "account_unknown": gettext("There is no account with this e-mail address or user name."),
        "limits.families": gettext("A serial family is two letters, such as AB."),
        "limits.countries": gettext("A country is two letters, such as DE."),
        "limits.not_for_roles": gettext("Limits are for approvers who are not administrators."),
    }.get(refusal.key, gettext("Choose roles that exist."))


def show_roles(*, answering: ProposalForm, answered: str, status: int) -> Response:
    """The page again, with what is wrong about the answer to a proposal."""
    return _page(RolesForm(formdata=None), [], status, answering=answering, answered=answered)


def _page(
    form: RolesForm,
    chosen: list[str],
    status: int = 200,
    *,
    answering: ProposalForm | None = None,
    answered: str = "",
) -> Response:
    return render(
        "staff/roles.html",
        status,
        form=form,
        chosen=chosen,
        staff=list_staff(provider()),
        limits=list_limits(provider()),
        roles=[(role, gettext(ROLE_WORDS[role])) for role in ROLES],
        rights=[
            (gettext(PERMISSIONS[permission.value]), [permission in granted for granted in ROLES.values()])
            for permission in Permission
        ],
        done=request.args.get("done", "") if status == 200 else "",
        proposals=list_proposed_roles(provider()),
        answering=answering or ProposalForm(formdata=None),
        answered=answered,
        needs_two="roles" in provider().settings.staff.four_eyes,
    )
