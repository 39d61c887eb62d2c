"""`/forgot-password` and `/reset`: ask for a link, and choose a new password with it (F-2.1, F-2.5, F-2.6).

`/reset/<token>` is what the mail links to. Opening it changes nothing: it moves the token from the address bar into a
cookie that only the next page reads (RS-5), which puts it into its form; the token is part of the request that sets the
password, and nothing stands in for it (RS-2). Where one is going (`request`, `next`) stands in the addresses as at sign-in;
between asking for the mail and following its link the form cookie keeps it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import Blueprint, redirect, request, session, url_for

from idp.accounts.password_reset import look_at_reset_link, request_reset, reset_password
from idp.errors import Refusal
from idp.web import browser_session
from idp.web.account.forms import ForgotForm, NewPasswordForm
from idp.web.account.sign_in import KEPT_WAY, here_of, parse_way
from idp.web.context import provider
from idp.web.pages import render
from idp.web.refusals import words_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from idp.accounts.password_reset import ResetLink

blueprint = Blueprint("forgot", __name__)

TOKEN_COOKIE_LIFETIME = 600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")


@blueprint.route("/forgot-password", methods=["GET", "POST"])
def page() -> Response:
    """Ask for the address; the same next page for every one of them (EN-3)."""
    form, way = ForgotForm(), parse_way()
    on_the_way: dict[str, Any] = {"client": way.client, "here": here_of(way)}
    on_the_way["is_old_password_over"] = request.args.get("why") == "old-password"
    if not form.validate_on_submit():
        return render("sign_in/forgot.html", 422 if form.is_submitted() else 200, form=form, **on_the_way)
    try:
        request_reset(provider(), form.email.data, browser_session.caller())
    except Refusal as refusal:
        form.tell("email", _words(refusal))
        return render("sign_in/forgot.html", 429, form=form, **on_the_way)
    session[KEPT_WAY] = here_of(way)
    return render("sign_in/forgot_sent.html", form=form, email=form.email.data, **on_the_way)


@blueprint.get("/reset/<token>")
def follow_link(token: str) -> Response:
    """Take the token out of the address bar and go on; a link that is not whole goes on without."""
    response = redirect(url_for("forgot.reset"), 303)
    _set_token(response, token if _TOKEN.match(token) else "")
    return response


@blueprint.route("/reset", methods=["GET", "POST"])
def reset() -> Response:
    """Choose the new password, or read what is wrong with the link (F-1.7)."""
    form = NewPasswordForm()
    token = (form.token.data or "") if form.is_submitted() else request.cookies.get(_cookie_name(), "")
    link = look_at_reset_link(provider(), token)
    if link.state != "open":
        return _dead_link(link)
    if form.validate_on_submit():
        try:
            reset_password(provider(), token, form.new_password.data)
        except Refusal as refusal:
            if refusal.key.startswith("link."):
                return _dead_link(look_at_reset_link(provider(), token))
            form.tell("new_password", _words(refusal))
        else:
            return _done()
    form.token.data = token
    return render("sign_in/reset.html", 422 if form.is_submitted() else 200, form=form, link=link)


@blueprint.get("/reset/done")
def done() -> Response:
    """The password is set; sign in with it, and go on where one was going."""
    way = parse_way()
    return render("sign_in/reset_done.html", client=way.client, here=here_of(way))


def _done() -> Response:
    """A reset signs nobody in: it goes through the door like everybody else (RS-6)."""
    here = _kept_way()
    browser_session.forget(keeps_browser="request" in here and browser_session.current_session() is None)
    response = redirect(url_for("forgot.done", **here), 303)
    _set_token(response, "")
    return response


def _dead_link(link: ResetLink) -> Response:
    key = f"link.{link.state or 'damaged'}"
    status = 410 if link.state else 404
    return render("sign_in/reset_dead.html", status, link=link, words=_words(Refusal(key)), key=key, here=_kept_way())


def _kept_way() -> dict[str, Any]:
    kept: dict[str, Any] = session.get(KEPT_WAY) or {}
    return kept


def _words(refusal: Refusal) -> str:
    return words_of(refusal, customer_care=provider().settings.mail.customer_care)


def _cookie_name() -> str:
    return browser_session.cookie_name("reset")


def _set_token(response: Response, token: str) -> None:
    response.set_cookie(
        _cookie_name(),
        token,
        max_age=TOKEN_COOKIE_LIFETIME if token else 0,
        path="/",
        secure=provider().settings.is_https,
        httponly=True,
        samesite="Lax",
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
