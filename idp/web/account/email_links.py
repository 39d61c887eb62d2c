"""`/email/undo/<token>`: what the mail to an old e-mail address links to. Opening it changes nothing, a button does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, url_for

from idp.accounts.email_change import UNDO, EmailLink, look_at_email_link, undo_email_change
from idp.errors import Refusal
from idp.web import browser_session
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.pages import render

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("email_links", __name__)


@blueprint.get("/email/undo/<token>")
def undo_page(token: str) -> Response:
    """Say what undoing does."""
    link = _look(UNDO, token)
    if link.state != "open":
        return _dead("undo", link)
    return render("account/email_undo.html", link=link, form=ActForm())


@blueprint.get("/email/undo/")
def undo_without_token() -> Response:
    """A link that a mail program cut off."""
    return _dead("undo", _look(UNDO, ""))


@blueprint.post("/email/undo/<token>")
def undo(token: str) -> Response:
    """Undo the change, and go on to a new password."""
    form, link = ActForm(), _look(UNDO, token)
    if link.state == "open" and not form.validate_on_submit():
        return render("account/email_undo.html", 422, link=link, form=form)
    try:
        reset = undo_email_change(provider(), token[:200], address=browser_session.client_address())
    except Refusal as refusal:
        if refusal.key == "email.taken":
            return render("account/email_dead.html", 409, kind="undo", state="taken", link=link)
        return _dead("undo", _look(UNDO, token))
    return redirect(url_for("forgot.follow_link", token=reset), 303)


def _look(purpose: str, token: str) -> EmailLink:
    return look_at_email_link(provider(), purpose, token[:200])


def _dead(kind: str, link: EmailLink) -> Response:
    """What is wrong with the link, and the way on (F-1.7)."""
    status = {None: 404, "used": 200}.get(link.state, 410)
    return render("account/email_dead.html", status, kind=kind, state=link.state or "damaged", link=link)
