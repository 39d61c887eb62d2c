"""Mails at the desk: what became of each, another try for dead letters, a test mail, and how every message reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, make_response, redirect, request, url_for

from idp.accounts import deliveries
from idp.config import LANGUAGES
from idp.errors import Refusal
from idp.i18n import current_locale
from idp.mail.previews import list_messages, preview
from idp.policy.staff import Permission
from idp.store.deliveries import STATES
from idp.store.outbox import MAIL
from idp.web import content_policy
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.language import NAMES
from idp.web.pages import render
from idp.web.refusals import words_of
from idp.web.staff.access import member, permitted
from idp.web.staff.addresses import read_choice, read_number
from idp.web.staff.forms import TestMailForm
from idp.web.staff.words import MAIL_STATES, options

if TYPE_CHECKING:
    from flask import Response

    from idp.mail.previews import Preview

blueprint = Blueprint("staff_mails", __name__, url_prefix="/staff/mail")

FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; form-action 'none'; sandbox"


@blueprint.get("")
@permitted(Permission.READ_MAIL)
def mails() -> Response:
    """The fate of each mail, newest first (F-2.5)."""
    state = read_choice("state", STATES)
    found, dead = deliveries.list_mails(provider(), state=state, before=read_number("before"))
    shown = found[: deliveries.PAGE]
    here: dict[str, Any] = {"state": state or None}
    has_more = len(found) > deliveries.PAGE
    return render(
        "staff/mail.html",
        mails=shown,
        dead=dead,
        state=state,
        state_options=options(MAIL_STATES, STATES),
        click=ActForm(formdata=None),
        done=request.args.get("done", ""),
        first_url=url_for("staff_mails.mails", **here) if "before" in request.args else None,
        next_url=url_for("staff_mails.mails", **here, before=shown[-1].outbox_id) if has_more else None,
    )


@blueprint.get("/<int(max=9223372036854775807):number>/retry")
@permitted(Permission.READ_MAIL)
def retried(number: int) -> Any:
    """Whoever had to sign in before pressing comes back here, and decides anew in the list."""
    return redirect(url_for("staff_mails.mails", state="dead"), 303)


@blueprint.post("/<int(max=9223372036854775807):number>/retry")
@permitted(Permission.RETRY_DELIVERY)
def retry(number: int) -> Any:
    """Give a dead letter, mail or signal, all its tries again."""
    if not ActForm().validate_on_submit():
        return redirect(url_for("staff_mails.mails", state="dead", done="stale"), 303)
    try:
        fate = deliveries.retry_delivery(provider(), number, staff_id=member().account_id, address=client_address())
    except Refusal:
        return redirect(url_for("staff_mails.mails", done="not_dead"), 303)
    page = "staff_mails.mails" if fate.kind == MAIL else "staff_records.sign_outs"
    return redirect(url_for(page, done="retried"), 303)


@blueprint.get("/test")
@permitted(Permission.SEND_TEST_MAIL)
def test() -> Response:
    """Where a test mail is to go."""
    form = TestMailForm(formdata=typed_before())
    if not form.email.data:
        form.email.data, form.language.data = member().account.email, current_locale()
    return render("staff/test_mail.html", form=form)


@blueprint.post("/test")
@permitted(Permission.SEND_TEST_MAIL)
def send_test() -> Any:
    """Write a test mail; what becomes of it stands in the list."""
    form = TestMailForm()
    if not form.validate_on_submit():
        return render("staff/test_mail.html", 422, form=form)
    try:
        deliveries.write_test_mail(
            provider(),
            form.email.data,
            language=form.language.data,
            staff_id=member().account_id,
            address=client_address(),
        )
    except Refusal as refusal:
        form.tell("email", words_of(refusal, customer_care=provider().settings.mail.customer_care))
        return render("staff/test_mail.html", 422, form=form)
    return redirect(url_for("staff_mails.mails", done="test"), 303)


@blueprint.get("/previews")
@permitted(Permission.READ_MAIL)
def previews() -> Response:
    """Every message there is, in every language."""
    return render("staff/previews.html", messages=list(list_messages()), languages=NAMES)


@blueprint.get("/previews/<message>/<language>")
@permitted(Permission.READ_MAIL)
def one_preview(message: str, language: str) -> Response:
    """One message in one language, both of its parts."""
    content_policy.set_directive("frame-src", "'self'")
    return render("staff/preview.html", preview=_preview(message, language), languages=NAMES)


@blueprint.get("/previews/<message>/<language>/html")
@permitted(Permission.READ_MAIL)
def html_part(message: str, language: str) -> Response:
    """The HTML part alone, for the frame: nothing is loaded, and nothing in it runs."""
    response = make_response(_preview(message, language).rendered.html)
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Cache-Control"] = "no-store"
    return response


def _preview(message: str, language: str) -> Preview:
    if message not in list_messages() or language not in LANGUAGES:
        abort(404)
    return preview(provider(), message, language)
