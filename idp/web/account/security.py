"""`/account/security`: the browsers one is signed in with, signing out of others, and a new password (SE-8, PW-7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, request, url_for

from idp.accounts.own_security import list_browsers, list_own_events
from idp.accounts.profile import PasswordWish, change_password, end_other_sessions, end_own_session
from idp.errors import Refusal
from idp.store import accounts
from idp.web import browser_session
from idp.web.account.forms import ChangePasswordForm, EndSessionForm
from idp.web.account.security_words import tell_own_event
from idp.web.browser_session import get_signed_in, signed_in_required
from idp.web.context import provider
from idp.web.devices import device_name
from idp.web.forms import ActForm
from idp.web.oauth.logout import leave_everywhere
from idp.web.pages import render
from idp.web.refusals import words_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("security", __name__)

RECENT = 5


@blueprint.get("/account/security")
@signed_in_required
def page() -> Response:
    """The browsers one is signed in with."""
    signed_in, parts = get_signed_in(), provider()
    with parts.database.reading() as tx:
        account = accounts.get_account(tx, signed_in.account_id)
    browsers, everywhere = list_browsers(parts, account.account_id)
    recent, _following = list_own_events(parts, account.account_id, limit=RECENT)
    return render(
        "account/security.html",
        account=account,
        browsers=[(one, device_name(one.session.user_agent), one.session.sid == signed_in.sid) for one in browsers],
        everywhere=everywhere,
        recent=[tell_own_event(event) for event in recent],
        form=ActForm(),
        done=request.args.get("done", ""),
    )


@blueprint.get("/account/security/events")
@signed_in_required
def events() -> Response:
    """What happened at the account in the last 90 days, a page at a time."""
    text = request.args.get("before", "")
    before = int(text) if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) else None
    found, following = list_own_events(provider(), get_signed_in().account_id, before=before)
    return render(
        "account/events.html",
        lines=[tell_own_event(event) for event in found],
        first_url=url_for("security.events") if before is not None else None,
        next_url=url_for("security.events", before=following) if following else None,
    )


@blueprint.post("/account/security/end")
@signed_in_required
def end_one() -> Response:
    """Sign out one browser; another person's is as unknown as one that never was (SE-8)."""
    form = EndSessionForm()
    if not form.validate_on_submit():
        return redirect(url_for("security.page"), 303)
    sid = form.sid.data
    if sid == get_signed_in().sid:
        return redirect(url_for("security.page"), 303)
    try:
        end_own_session(provider(), get_signed_in().account_id, sid)
    except Refusal:
        abort(404)
    return redirect(url_for("security.page", done="one"), 303)


@blueprint.post("/account/security/end-others")
@signed_in_required
def end_others() -> Response:
    """Sign out every browser but this one."""
    if ActForm().validate_on_submit():
        end_other_sessions(provider(), get_signed_in().account_id, get_signed_in().sid)
    return redirect(url_for("security.page", done="others"), 303)


@blueprint.post("/account/security/end-all")
@signed_in_required
def end_all() -> Response:
    """Sign out everywhere: this browser, all others, and what sites may do while one is away."""
    if not ActForm().validate_on_submit():
        return redirect(url_for("security.page"), 303)
    return leave_everywhere()


@blueprint.route("/account/security/password", methods=["GET", "POST"])
@signed_in_required
def password() -> Response:
    """Choose a new password; other browsers are signed out, this one stays."""
    form, signed_in = ChangePasswordForm(), get_signed_in()
    if form.validate_on_submit():
        wish = PasswordWish(current=form.current_password.data, new=form.new_password.data)
        try:
            started = change_password(provider(), signed_in.account_id, signed_in.sid, wish, browser_session.caller())
        except Refusal as refusal:
            _say(form, refusal)
        else:
            browser_session.start(started)
            return redirect(url_for("security.page", done="password"), 303)
    return render("account/password.html", 422 if form.is_submitted() else 200, form=form)


def _say(form: ChangePasswordForm, refusal: Refusal) -> None:
    """The words beside the field that they are about."""
    words = words_of(refusal, customer_care=provider().settings.mail.customer_care)
    is_current = refusal.key in ("password.wrong", "sign_in.slowed_down", "session.ended")
    form.tell("current_password" if is_current else "new_password", words)
