"""Customers of the old portal (F-1.9): `/migrate/<token>`, which their mail links to, and `/account/complete`.

Opening the link changes nothing; the form does. What was typed into the registration form and what the old portal knew is
filled in. `/account/complete` asks whoever came in with the old password for what is missing, and lets them go on without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, request, url_for

from idp.accounts.old_portal import (
    Details,
    PassageWish,
    complete_profile,
    find_incomplete,
    look_at_passage,
    move_by_mail,
)
from idp.accounts.registration import status_token
from idp.errors import Busy, Refusal
from idp.i18n import gettext as _
from idp.web import browser_session
from idp.web.account.old_portal_forms import CompletionForm, PassageForm
from idp.web.account.registration_forms import tell
from idp.web.account.sign_in import go_on, here_of, parse_way
from idp.web.account.terms import read_box
from idp.web.browser_session import get_signed_in, signed_in_required
from idp.web.context import provider
from idp.web.pages import render

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from idp.accounts.old_portal import Passage

blueprint = Blueprint("old_portal", __name__)


@blueprint.route("/migrate/<token>", methods=["GET", "POST"])
def migrate(token: str) -> Response:
    """Check what is known, choose the password, and move the account."""
    passage = _look(token)
    if passage.state != "open":
        return _dead(passage)
    form = PassageForm(obj=passage.details)
    form.offer(passage.password_ways)
    if not form.validate_on_submit():
        return _page(token, passage, form, 422 if form.is_submitted() else 200)
    try:
        registration_id = move_by_mail(provider(), token[:200], _wish(form))
    except Refusal as refusal:
        if refusal.key.startswith("link."):
            return _dead(_look(token))
        form.tell("password_way" if refusal.key == "password.way_missing" else "new_password", tell(refusal))
        return _page(token, passage, form, 422)
    except Busy as busy:
        form.tell("", _("Many people are here at the same time. Wait a few seconds and send the form again."))
        response = _page(token, passage, form, 503)
        response.headers["Retry-After"] = str(busy.retry_after)
        return response
    return redirect(url_for("register.status", token=status_token(provider(), registration_id)), 303)


@blueprint.get("/migrate/")
def migrate_without_token() -> Response:
    """A link that a mail program cut off."""
    return _dead(_look(""))


@blueprint.route("/account/complete", methods=["GET", "POST"])
@signed_in_required
def complete() -> Response:
    """Ask for what the old portal did not know, and go on where one was going."""
    account_id, way = get_signed_in().account_id, parse_way()
    known = find_incomplete(provider(), account_id)
    if known is None:
        return go_on(way)
    typed = browser_session.typed_before()
    form = CompletionForm(formdata=typed, obj=known) if typed else CompletionForm(obj=known)
    if form.validate_on_submit():
        complete_profile(provider(), account_id, _details(form), read_box(form))
        return go_on(way)
    here = here_of(way)
    return render(
        "account/complete.html",
        422 if form.is_submitted() else 200,
        form=form,
        action=url_for("old_portal.complete", **here),
        later=request.script_root + (f"/oauth/continue/{way.handle}" if way.handle else way.next_path or "/"),
        client=way.client,
    )


def _look(token: str) -> Passage:
    return look_at_passage(provider(), token[:200], browser_session.browser_id(create=False))


def _details(form: CompletionForm) -> Details:
    return Details(
        given_name=form.given_name.data,
        family_name=form.family_name.data,
        company=form.company.data,
        country=form.country.data,
        locale=form.locale.data,
        serial_number=form.serial_number.parsed,
    )


def _wish(form: PassageForm) -> PassageWish:
    return PassageWish(
        details=_details(form),
        password_way=form.password_way.data,
        password=form.new_password.data or "",
        browser_id=browser_session.browser_id(),
        address=browser_session.client_address(),
        terms=read_box(form),
    )


def _page(token: str, passage: Passage, form: PassageForm, status: int) -> Response:
    return render("registration/migrate.html", status, token=token, passage=passage, form=form)


def _dead(passage: Passage) -> Response:
    """What is wrong with the link, and the way on (F-1.7); a used one is good news."""
    status = {None: 404, "used": 200}.get(passage.state, 410)
    return render("registration/migrate_dead.html", status, passage=passage, state=passage.state or "damaged")
