"""`/register`: the form; `/register/status`: check your mail, then where one stands; the mail again, and the short code.

`request` in the address is the handle of an authorization request that waits in this browser; the registration keeps the
site and the page one wanted, so that the way back outlives confirmation and approval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, redirect, request, url_for

from idp.accounts import registration as acts
from idp.accounts.confirmation import Proof, confirm_by_code
from idp.accounts.device_transfers import look_at_offer
from idp.accounts.old_portal import is_in_use
from idp.accounts.registration import RegistrationRequest
from idp.accounts.rejection_answer import answer_rejection
from idp.accounts.standing import find_standing
from idp.accounts.waiting_times import measure_waiting
from idp.errors import Busy, Refusal
from idp.i18n import current_locale
from idp.i18n import gettext as _
from idp.policy.site_access import SiteAccess, decide_site_access
from idp.protocol.third_party_login import own_target
from idp.store import clients, pending
from idp.web import browser_session, language
from idp.web.account.registration_forms import AddressForm, AgainForm, AnswerForm, CodeForm, RegistrationForm, tell
from idp.web.account.terms import read_box
from idp.web.context import provider
from idp.web.interest_words import offered_groups
from idp.web.pages import render
from idp.web.ways_back import entry_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from idp.accounts.standing import Standing
    from idp.store.clients import RegisteredClient

blueprint = Blueprint("register", __name__)

_FIELD_OF = {"email": "email", "password": "new_password", "serial_number": "serial_number", "user_name": "user_name"}
_PAGE_OF = {
    "sent": "sent",
    "expired": "over",
    "replaced": "over",
    "closed": "over",
    "pending": "pending",
    "approved": "approved",
    "rejected": "refused",
    "suspended": "refused",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """The site that one came from and the page there, with the handle that names them in this browser."""

    handle: str
    client: RegisteredClient | None
    target: str | None
    login_hint: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A site on the status page: its address to enter by, or why it is not open."""

    name: str
    address: str
    access: SiteAccess


@blueprint.route("/register", methods=["GET", "POST"])
def page() -> Response:
    """Show the form, or keep the registration and go on to "check your mail"."""
    origin = parse_origin()
    if not provider().settings.registration.open:
        return render("registration/closed.html", 403, client=origin.client)
    form = RegistrationForm()
    if not form.is_submitted():
        _fill_in(form, origin)
    if not form.validate_on_submit():
        return _form_page(form, origin, 422 if form.is_submitted() else 200)
    try:
        acts.register(provider(), _read(form, origin))
    except Refusal as refusal:
        return _refuse(form, origin, refusal)
    except Busy as busy:
        problem = _("Many people are here at the same time. Wait a few seconds and send the form again.")
        response = _form_page(form, origin, 503, problem)
        response.headers["Retry-After"] = str(busy.retry_after)
        return response
    return redirect(url_for("register.status"), 303)


@blueprint.get("/register/status")
@blueprint.get("/register/status/<token>")
def status(token: str = "") -> Response:
    """Where the registration of this browser, of this link, or of who is signed in stands."""
    return status_page(token)


@blueprint.post("/register/again")
def again() -> Response:
    """Have the mail sent once more (F-1.6)."""
    form = AgainForm()
    token = form.status.data or ""
    if not form.validate_on_submit():
        return status_page("", problem=_("Some characters arrived damaged. Open this page again."), code=422)
    standing = find_standing(provider(), token=token, browser_id=browser_session.browser_id(create=False))
    if standing is None:
        return _unknown()
    try:
        acts.send_again(provider(), standing.registration.registration_id, browser_session.caller())
    except Refusal as refusal:
        return _wait(status_page(token, problem=tell(refusal), code=429), refusal)
    return redirect(url_for("register.status", token=token or None, sent=1), 303)


@blueprint.post("/register/answer")
def answer() -> Response:
    """Answer a rejection (F-1.8)."""
    form = AnswerForm()
    token = form.status.data or ""
    standing = _find_here(token)
    if standing is None or standing.account is None:
        return _unknown()
    if not form.validate_on_submit():
        return status_page(token, answer=form, code=422)
    try:
        answer_rejection(provider(), standing.account.account_id, form.answer.data, browser_session.caller())
    except Refusal as refusal:
        if refusal.key == "decided_already":
            return redirect(url_for("register.status", token=token or None), 303)  # the page says how it stands now
        form.tell("answer", tell(refusal))
        return _wait(status_page(token, answer=form, code=429), refusal)
    return redirect(url_for("register.status", token=token or None, answered=1), 303)


@blueprint.post("/register/code")
def code() -> Response:
    """Confirm with the short code, in the browser that registered."""
    form = CodeForm()
    if not form.validate_on_submit():
        return status_page("", form=form, code=422)
    proof = Proof(browser_id=browser_session.browser_id(create=False), caller=browser_session.caller())
    try:
        confirm_by_code(provider(), form.code.data, proof)
    except Refusal as refusal:
        if refusal.key.startswith("link."):
            return redirect(url_for("register.status"), 303)  # it is over: the page says what became of it
        form.tell("code" if refusal.key.startswith("code.") else "", tell(refusal))
        return status_page("", form=form, code=422)
    return redirect(url_for("register.status"), 303)


@blueprint.route("/register/mail", methods=["GET", "POST"])
def mail() -> Response:
    """Ask for a new mail by address, where a link was damaged; the same answer for every address (EN-3)."""
    form = AddressForm()
    if not form.validate_on_submit():
        return render("registration/ask_mail.html", 422 if form.is_submitted() else 200, form=form)
    try:
        acts.request_mail(provider(), form.email.parsed, browser_session.caller())
    except Refusal as refusal:
        form.tell("", tell(refusal))
        return _wait(render("registration/ask_mail.html", 429, form=form), refusal)
    return render("registration/asked_mail.html", email=form.email.parsed)


def _find_here(token: str) -> Standing | None:
    """The standing behind this link, of this browser, or of who is signed in."""
    signed_in = browser_session.current_session()
    return find_standing(
        provider(),
        token=token,
        browser_id=browser_session.browser_id(create=False),
        account_id=signed_in.account_id if signed_in and not signed_in.is_idle else None,
    )


def status_page(
    token: str,
    *,
    form: CodeForm | None = None,
    answer: AnswerForm | None = None,
    problem: str = "",
    code: int = 200,
) -> Response:
    """The page in the state that fits; without a registration it says where to look instead."""
    standing = _find_here(token)
    signed_in = browser_session.current_session()
    if standing is None and not token and signed_in is not None and not signed_in.is_idle:
        return redirect(url_for("dashboard.page"), 303)  # the overview says where the account stands
    if standing is None:
        return _unknown()
    answer_form = answer or AnswerForm(formdata=None)
    answer_form.status.data = token
    again_form = AgainForm(formdata=None)
    again_form.status.data = token
    return render(
        "registration/status.html",
        code,
        standing=standing,
        registration=standing.registration,
        again_form=again_form,
        code_form=form or CodeForm(formdata=None),
        answer_form=answer_form,
        waiting_times=measure_waiting(provider()) if standing.state == "pending" else None,
        was_answered="answered" in request.args,
        problem=problem,
        state_page=_PAGE_OF[standing.state],
        now=provider().clock(),
        was_sent="sent" in request.args,
        way_back=entry_of(standing.client, standing.registration.target) if _may_enter(standing) else None,
        entries=_entries(standing),
    )


def parse_origin() -> Origin:
    """Read where one came from: the request that waits in this browser; without one, nowhere."""
    handle = request.args.get("request", "")
    browser = browser_session.browser_id(create=False)
    if not handle or not browser:
        return Origin("", None, None, "")
    parts = provider()
    with parts.database.reading() as tx:
        waiting = pending.find_pending(tx, handle, browser, parts.clock())
        client = clients.find_client(tx, waiting.client_id) if waiting else None
    if waiting is None or client is None:
        return Origin("", None, None, "")
    language.prefer(waiting.request.get("ui_locales", ""))
    target = own_target(client, waiting.request.get("target_link_uri"))
    return Origin(handle, client, target, waiting.request.get("login_hint", "")[:254])


def _fill_in(form: RegistrationForm, origin: Origin) -> None:
    """What is known already: the site's hint, and what this browser sent where the address is to be changed."""
    form.locale.data = current_locale()
    form.email.data = origin.login_hint if "@" in origin.login_hint else ""
    offer = look_at_offer(provider(), request.args.get("offer", "")[:200])
    if offer.state == "waiting":
        form.email.data, form.serial_number.data = offer.email, offer.serial_number
    if "change" not in request.args:
        return
    standing = find_standing(provider(), browser_id=browser_session.browser_id(create=False))
    if standing is None or standing.account is not None or standing.registration.purged_at is not None:
        return
    for name in ("email", "given_name", "family_name", "company", "country", "serial_number", "user_name", "locale"):
        form[name].data = getattr(standing.registration, name)
    for name in ("interests", "region"):
        if name in form:
            form[name].data = standing.registration.claims.get(name)


def _read(form: RegistrationForm, origin: Origin) -> RegistrationRequest:
    client_id, target = _way_back(origin)
    return RegistrationRequest(
        email=form.email.parsed,
        given_name=form.given_name.data,
        family_name=form.family_name.data,
        company=form.company.data,
        country=form.country.data,
        serial_number=form.serial_number.parsed,
        user_name=form.user_name.parsed if form.user_name.data else None,
        locale=form.locale.data,
        password=form.new_password.data,
        browser_id=browser_session.browser_id(),
        caller=browser_session.caller(),
        client_id=client_id,
        target=target,
        interests=tuple(form.interests.data) if "interests" in form else (),
        region=form.region.data if "region" in form else "",
        terms=read_box(form),
    )


def _way_back(origin: Origin) -> tuple[str | None, str | None]:
    """Site and page; who changes the address of a registration that began at a site is still on the way to that site."""
    if origin.client:
        return origin.client.client_id, origin.target
    standing = find_standing(provider(), browser_id=browser_session.browser_id(create=False))
    if standing is None or standing.state != "sent":
        return None, None
    return standing.registration.client_id, standing.registration.target


def _form_page(form: RegistrationForm, origin: Origin, code: int, problem: str = "") -> Response:
    signed_in = browser_session.current_session()
    return render(
        "registration/register.html",
        code,
        form=form,
        problem=problem,
        client=origin.client,
        handle=origin.handle,
        is_signed_in=signed_in is not None,
        has_old_portal=is_in_use(provider()),
        interest_groups=offered_groups(provider().settings.interests),
    )


def _refuse(form: RegistrationForm, origin: Origin, refusal: Refusal) -> Response:
    """Tell it at the field that it is about, else above the form; what was typed stays."""
    field = _FIELD_OF.get(refusal.key.partition(".")[0])
    if field:
        form.tell(field, tell(refusal))
        return _form_page(form, origin, 422)
    return _wait(_form_page(form, origin, 429, tell(refusal)), refusal)


def _wait(response: Response, refusal: Refusal) -> Response:
    until = refusal.details.get("until")
    if isinstance(until, int):
        response.headers["Retry-After"] = str(max(1, min(until - provider().clock(), 86400)))
    return response


def _unknown() -> Response:
    return render("registration/unknown.html", 404)


def _may_enter(standing: Standing) -> bool:
    """Whether the site one came from is open now; a link that leads to a refusal is no way on."""
    account, client = standing.account, standing.client
    if account is None or client is None or account.is_closed:
        return False
    access = decide_site_access(require_approval=client.require_approval, approval_status=account.approval_status)
    return access is SiteAccess.OPEN


def _entries(standing: Standing) -> list[Entry]:
    account = standing.account
    if account is None or account.is_closed:
        return []
    return [
        Entry(
            name=site.name,
            address=entry_of(site) or "",
            access=decide_site_access(require_approval=site.require_approval, approval_status=account.approval_status),
        )
        for site in standing.sites
    ]
