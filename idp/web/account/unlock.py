"""`/unlock/<token>`: what the mail about a lock-out links to. Opening the page changes nothing, its button does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, url_for

from idp.accounts.unlock import UnlockLink, look_at_unlock_link, unlock_browser
from idp.errors import Refusal
from idp.web import browser_session
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.pages import render

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("unlock", __name__)


@blueprint.get("/unlock/<token>")
def page(token: str) -> Response:
    """Say what the button does."""
    return _page(_look(token), ActForm())


@blueprint.get("/unlock/")
def without_token() -> Response:
    """A link that a mail program cut off."""
    return _page(UnlockLink(None), ActForm())


@blueprint.post("/unlock/<token>")
def unlock(token: str) -> Response:
    """Let this browser try, and go on to the sign-in page."""
    form = ActForm()
    if not form.validate_on_submit():
        return _page(_look(token), form, 422)
    try:
        unlock_browser(provider(), token[:200], browser_session.caller())
    except Refusal:
        return _page(_look(token), ActForm(formdata=None))
    browser_session.keep_device()
    return redirect(url_for("sign_in.page", unlocked=1), 303)


def _look(token: str) -> UnlockLink:
    return look_at_unlock_link(provider(), token[:200])


def _page(link: UnlockLink, form: ActForm, status: int = 200) -> Response:
    if link.state != "open":
        status = {None: 404, "used": 200}.get(link.state, 410)
    return render("sign_in/unlock.html", status, link=link, form=form)
