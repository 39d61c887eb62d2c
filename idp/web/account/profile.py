"""`/account`: the profile, with the user name one signs in with (F-2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, request, url_for

from idp.accounts.own_email_change import find_pending_change
from idp.accounts.profile import ProfileWish, change_profile
from idp.store import accounts
from idp.web import browser_session, language
from idp.web.account.forms import ProfileForm
from idp.web.browser_session import get_signed_in, signed_in_required
from idp.web.context import provider
from idp.web.pages import render

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("profile", __name__)


@blueprint.route("/account", methods=["GET", "POST"])
@signed_in_required
def page() -> Response:
    """Show the profile and keep what was changed."""
    signed_in = get_signed_in()
    with provider().database.reading() as tx:
        account = accounts.get_account(tx, signed_in.account_id)
        pending = find_pending_change(tx, account.account_id, provider().clock())
        serial_numbers = accounts.list_serial_numbers(tx, account.account_id)
    typed = browser_session.typed_before()
    form = ProfileForm(formdata=typed, obj=account) if typed else ProfileForm(obj=account)
    if form.validate_on_submit():
        change_profile(provider(), account.account_id, _wish(form))
        response = redirect(url_for("profile.page", saved=1), 303)
        language.forget_choice(response)  # the profile's language is the newer choice
        return response
    return render(
        "account/profile.html",
        422 if form.is_submitted() else 200,
        form=form,
        account=account,
        serial_numbers=serial_numbers,
        pending=pending,
        email_done=request.args.get("email", ""),
        was_saved="saved" in request.args,
        was_typed=typed is not None,
    )


def _wish(form: ProfileForm) -> ProfileWish:
    return ProfileWish(
        given_name=form.given_name.data,
        family_name=form.family_name.data,
        company=form.company.data or "",
        country=form.country.data,
        locale=form.locale.data,
    )
