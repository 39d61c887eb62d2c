"""`/account`: the profile, with the user name one signs in with (F-2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, request, url_for

from idp.accounts.approval import is_approved_by_rule
from idp.accounts.own_email_change import find_pending_change
from idp.accounts.profile import ProfileWish, change_profile, change_user_name
from idp.errors import Refusal
from idp.store import accounts
from idp.web import browser_session, language
from idp.web.account.forms import ProfileForm, UserNameForm
from idp.web.browser_session import freshly_signed_in, get_signed_in, signed_in_required
from idp.web.context import provider
from idp.web.pages import render
from idp.web.refusals import words_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from idp.store.accounts import Account

blueprint = Blueprint("profile", __name__)


@blueprint.route("/account", methods=["GET", "POST"])
@signed_in_required
def page() -> Response:
    """Show the profile and keep what was changed."""
    signed_in = get_signed_in()
    with provider().database.reading() as tx:
        account = accounts.get_account(tx, signed_in.account_id)
        pending = find_pending_change(tx, account.account_id, provider().clock())
        reviewed_again = is_approved_by_rule(tx, account)
        serial_numbers = accounts.list_serial_numbers(tx, account.account_id)
    typed = browser_session.typed_before()
    kept = {"obj": account, "data": _contact(account)}
    form = ProfileForm(formdata=typed, **kept) if typed else ProfileForm(**kept)
    is_reviewed = form.validate_on_submit() and not _change(account.account_id, form)
    if form.is_submitted() and not form.errors and not is_reviewed:
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
        reviewed_again=reviewed_again,
        is_reviewed=is_reviewed,
        email_done=request.args.get("email", ""),
        name_done="user_name" in request.args,
        was_saved="saved" in request.args,
        was_typed=typed is not None,
    )


def _change(account_id: str, form: ProfileForm) -> bool:
    """Keep it; False where the page must say first that the account goes back into review."""
    try:
        change_profile(provider(), account_id, _wish(form), may_review=form.understood.data == "1")
    except Refusal:
        return False
    return True


def _wish(form: ProfileForm) -> ProfileWish:
    return ProfileWish(
        given_name=form.given_name.data,
        family_name=form.family_name.data,
        company=form.company.data or "",
        country=form.country.data,
        locale=form.locale.data,
        phone_number=(form.phone_number.parsed if form.phone_number.data else "") or "",
        street_address=form.street_address.data or "",
        postal_code=form.postal_code.data or "",
        locality=form.locality.data or "",
    )


def _contact(account: Account) -> dict[str, str]:
    """Telephone and postal address, as the claims have them."""
    address = account.claims.get("address") or {}
    lines = {name: str(address.get(name) or "") for name in ("street_address", "postal_code", "locality")}
    return {"phone_number": str(account.claims.get("phone_number") or ""), **lines}


@blueprint.route("/account/user-name", methods=["GET", "POST"])
@freshly_signed_in
def user_name() -> Response:
    """Choose another user name."""
    typed, signed_in = browser_session.typed_before(), get_signed_in()
    form = UserNameForm(formdata=typed) if typed else UserNameForm()
    if form.validate_on_submit():
        try:
            change_user_name(provider(), signed_in.account_id, form.user_name.parsed)
        except Refusal as refusal:
            form.tell("user_name", words_of(refusal, customer_care=provider().settings.mail.customer_care))
        else:
            return redirect(url_for("profile.page", user_name="changed"), 303)
    with provider().database.reading() as tx:
        account = accounts.get_account(tx, signed_in.account_id)
    return render("account/user_name.html", 422 if form.is_submitted() else 200, form=form, account=account)
