"""`/email/…`: what mails about an e-mail address link to. Opening a page changes nothing, its button does.

`/email/<token>` confirms the new address, for the one who is signed in with the account; `/email/undo/<token>` gives the old
address its account back, for whoever has the mail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, url_for

from idp.accounts.email_change import CONFIRM, UNDO, EmailLink, look_at_email_link, undo_email_change
from idp.accounts.own_email_change import confirm_email_change, is_reviewed_again_with
from idp.errors import Refusal
from idp.web import browser_session
from idp.web.browser_session import current_session
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.local_paths import may_return_here
from idp.web.pages import render

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("email_links", __name__)


@blueprint.get("/email/<token>")
@may_return_here
def confirm_page(token: str) -> Response:
    """Say which address it will be; whoever is not signed in does that first."""
    link = _look(CONFIRM, token)
    return _dead("change", link) if link.state != "open" else _confirm_page(link, token)


@blueprint.get("/email/")
def confirm_without_token() -> Response:
    """A link that a mail program cut off."""
    return _dead("change", _look(CONFIRM, ""))


@blueprint.post("/email/<token>")
def confirm(token: str) -> Response:
    """Change the address."""
    form, link = ActForm(), _look(CONFIRM, token)
    if link.state != "open":
        return _dead("change", link)
    if not _is_owner(link):
        return _confirm_page(link, token, status=403)
    if not form.validate_on_submit():
        return _confirm_page(link, token, form, 422)
    try:
        confirm_email_change(provider(), token[:200], link.account_id, address=browser_session.client_address())
    except Refusal as refusal:
        if refusal.key == "email.taken":
            return render("account/email_dead.html", 409, kind="change", state="taken", link=link)
        return _dead("change", _look(CONFIRM, token))
    return redirect(url_for("profile.page", email="changed"), 303)


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


def _is_owner(link: EmailLink) -> bool:
    signed_in = current_session()
    return signed_in is not None and not signed_in.is_idle and signed_in.account_id == link.account_id


def _confirm_page(link: EmailLink, token: str, form: ActForm | None = None, status: int = 200) -> Response:
    is_owner = _is_owner(link)
    return render(
        "account/email_confirm.html",
        status,
        link=link,
        is_owner=is_owner,
        is_other=not is_owner and current_session() is not None,
        here=url_for("email_links.confirm_page", token=token),
        reviewed_again=is_owner and is_reviewed_again_with(provider(), link.account_id, link.email),
        form=form or ActForm(formdata=None),
    )


def _look(purpose: str, token: str) -> EmailLink:
    return look_at_email_link(provider(), purpose, token[:200])


def _dead(kind: str, link: EmailLink) -> Response:
    """What is wrong with the link, and the way on (F-1.7)."""
    status = {None: 404, "used": 200}.get(link.state, 410)
    return render("account/email_dead.html", status, kind=kind, state=link.state or "damaged", link=link)
