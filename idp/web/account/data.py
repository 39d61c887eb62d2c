"""`/account/data`: what is held about oneself, as a page and a file; closing the account, and the way back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, request, url_for

from idp.accounts import closing
from idp.accounts.approval import read_reasons
from idp.accounts.own_data import collect_own_data, export_own_data
from idp.accounts.own_security import list_browsers
from idp.errors import Refusal
from idp.i18n import gettext
from idp.web import browser_session
from idp.web.account.security_words import OWN_WORDS
from idp.web.browser_session import freshly_signed_in, get_signed_in
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.pages import render
from idp.web.refusals import words_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

blueprint = Blueprint("data", __name__)


@blueprint.get("/account/data")
@freshly_signed_in
def page() -> AnyResponse:
    """Everything, to read."""
    held = collect_own_data(provider(), get_signed_in().account_id)
    return render(
        "account/data.html",
        account=held["accounts"][0],
        held=held,
        decisions=[(row, read_reasons(row["facts"])) for row in reversed(held["approval_decisions"])],
        events=held["audit_events"][::-1],
        tell=_tell,
    )


@blueprint.get("/account/data/file")
@freshly_signed_in
def file() -> AnyResponse:
    """Everything, as a file."""
    text = json.dumps(export_own_data(provider(), get_signed_in().account_id), ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"', "Cache-Control": "no-store"}
    return Response(text + "\n", mimetype="application/json", headers=headers)


@blueprint.route("/account/data/close", methods=["GET", "POST"])
@freshly_signed_in
def close() -> AnyResponse:
    """Say what ends, and close the account."""
    account_id, form = get_signed_in().account_id, ActForm()
    if form.validate_on_submit():
        try:
            closing.close_own_account(provider(), account_id)
        except Refusal as refusal:
            form.tell("", _words(refusal))
        else:
            browser_session.forget()
            return redirect(url_for("data.closed"), 303)
    _browsers, everywhere = list_browsers(provider(), account_id)
    devices = collect_own_data(provider(), account_id)["devices"]
    status = 422 if form.is_submitted() else 200
    return render("account/close.html", status, form=form, everywhere=everywhere, devices=devices)


@blueprint.get("/closed")
def closed() -> AnyResponse:
    """What was done, for who is no longer signed in."""
    return render("account/closed.html", is_open="open" in request.args)


@blueprint.route("/reopen/<token>", methods=["GET", "POST"])
def reopen(token: str) -> AnyResponse:
    """The way back, after signing in to an account that its owner closed."""
    form = ActForm()
    try:
        found = closing.find_way_back(provider(), token)
        if form.validate_on_submit():
            closing.reopen_own_account(provider(), token)
            return redirect(url_for("data.closed", open=1), 303)
    except Refusal as refusal:
        return render("account/reopen.html", 410, form=form, closing=None, problem=_words(refusal))
    return render("account/reopen.html", 422 if form.is_submitted() else 200, form=form, closing=found, problem="")


def _tell(row: dict[str, object]) -> str:
    """A line of the trail as a sentence, where it has words for the owner."""
    act = str(row["act"])
    if act not in OWN_WORDS:
        return ""
    sentence = gettext(OWN_WORDS[act])
    return gettext("Customer care: %(what)s", what=sentence) if row["actor_kind"] == "staff" else sentence


def _words(refusal: Refusal) -> str:
    return words_of(refusal, customer_care=provider().settings.mail.customer_care)
