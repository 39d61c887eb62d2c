"""`/confirm/<token>`: what the link of a registration's mail opens. GET changes nothing, a button does (RG-6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, request, url_for

from idp.accounts import registration as acts
from idp.accounts.confirmation import Proof, confirm_by_link, note_damaged_link, open_link
from idp.errors import Busy, Refusal
from idp.i18n import gettext as _
from idp.web import browser_session
from idp.web.account.registration_forms import AddressForm, CodeAndPasswordForm, OwnPasswordForm, tell
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.pages import render

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from idp.accounts.confirmation import OpenedLink

blueprint = Blueprint("confirm", __name__)

_FIELD_OF = {"code.wrong": "code", "code.spent": "code", "confirmation.password_wrong": "password"}


@blueprint.get("/confirm/<token>")
def page(token: str) -> Response:
    """Show whose registration it is and what to do; scanners may open it as often as they like."""
    return _page(token, _open(token))


@blueprint.get("/confirm/")
@blueprint.get("/confirm")
def without_token() -> Response:
    """A link that a mail program cut off."""
    return _dead(_open(""), "")


@blueprint.post("/confirm/<token>")
def confirm(token: str) -> Response:
    """Confirm: by the button in the registering browser, elsewhere with the password, or code and new password."""
    link = _open(token)
    if link.state != "open":
        return _dead(link, token)
    form: ActForm | OwnPasswordForm | CodeAndPasswordForm = ActForm()
    if not link.is_same_browser:
        form = CodeAndPasswordForm() if request.form.get("way") == "code" else OwnPasswordForm()
    if not form.validate_on_submit():
        return _page(token, link, form, 422)
    try:
        account = confirm_by_link(provider(), token, _proof(form))
    except Refusal as refusal:
        return _refuse(token, link, form, refusal)
    except Busy as busy:
        form.tell("", _("Many people are here at the same time. Wait a few seconds and try again."))
        response = _page(token, link, form, 503)
        response.headers["Retry-After"] = str(busy.retry_after)
        return response
    return redirect(url_for("register.status", token=acts.status_token(provider(), account.registration_id or "")), 303)


@blueprint.post("/confirm/<token>/again")
def again(token: str) -> Response:
    """Have a new mail sent to the address that this link was sent to (F-1.7)."""
    link = _open(token)
    if not ActForm().validate_on_submit() or link.registration is None:
        return _dead(link, token)
    try:
        sent = acts.send_again(
            provider(), link.registration.registration_id, browser_session.caller(), renew=link.state == "expired"
        )
    except Refusal as refusal:
        return _dead(link, token, problem=tell(refusal), status=429 if "until" in refusal.details else 410)
    return redirect(url_for("register.status", token=acts.status_token(provider(), sent.registration_id), sent=1), 303)


def _open(token: str) -> OpenedLink:
    return open_link(provider(), token[:200], browser_session.browser_id(create=False))


def _proof(form: ActForm | OwnPasswordForm | CodeAndPasswordForm) -> Proof:
    values = {name: form[name].data for name in ("password", "code", "new_password") if name in form}
    return Proof(browser_id=browser_session.browser_id(), caller=browser_session.caller(), **values)


def _page(
    token: str,
    link: OpenedLink,
    form: ActForm | OwnPasswordForm | CodeAndPasswordForm | None = None,
    status: int = 200,
) -> Response:
    if link.state != "open" or link.registration is None:
        return _dead(link, token)
    return render(
        "registration/confirm.html",
        status,
        token=token,
        link=link,
        registration=link.registration,
        form=form,
        act_form=ActForm(formdata=None),
        password_form=form if isinstance(form, OwnPasswordForm) else OwnPasswordForm(formdata=None),
        code_form=form if isinstance(form, CodeAndPasswordForm) else CodeAndPasswordForm(formdata=None),
    )


def _refuse(
    token: str, link: OpenedLink, form: ActForm | OwnPasswordForm | CodeAndPasswordForm, refusal: Refusal
) -> Response:
    if refusal.key.startswith("link."):
        return _dead(_open(token), token)
    if refusal.key == "email.taken":
        return render("registration/taken.html", 409, link=link)
    field = _FIELD_OF.get(refusal.key, "new_password" if refusal.key.startswith("password.") else "")
    form.tell(field if field in form else "", tell(refusal))
    return _page(token, link, form, 429 if refusal.key == "sign_in.slowed_down" else 422)


def _dead(link: OpenedLink, token: str, *, problem: str = "", status: int | None = None) -> Response:
    """What is wrong with the link, and the way on (F-1.7); a used one is good news."""
    reference = link.reference or note_damaged_link(provider(), browser_session.caller())
    registration = link.registration
    is_gone = registration is not None and registration.purged_at is not None
    status_token = acts.status_token(provider(), registration.registration_id) if registration else ""
    return render(
        "registration/dead_link.html",
        status or {"used": 200, None: 404}.get(link.state, 410),
        state=link.state or "damaged",
        token=token,
        reference_number=reference,
        registration=registration,
        is_gone=is_gone,
        status_address=url_for("register.status", token=status_token) if registration else "",
        problem=problem,
        act_form=ActForm(formdata=None),
        address_form=AddressForm(formdata=None),
    )
