"""Accounts and registrations for the caller on the phone: found by what they remember, answered on one page (F-2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, abort, redirect, request, url_for

from idp.accounts import people_search, review_work, staff_desk
from idp.accounts.approval import decide_by_staff
from idp.accounts.sites import list_permitted_sites, withdraw_consent_for
from idp.accounts.temporary_password import give_temporary_password
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.policy.staff import Permission
from idp.store import search
from idp.web.account.forms import WithdrawForm
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.interest_words import tell_interests
from idp.web.oauth.scope_words import name_scope
from idp.web.pages import render
from idp.web.staff import words
from idp.web.staff.access import member, permitted
from idp.web.staff.addresses import read_choice, read_key, read_search, write_key
from idp.web.staff.forms import GivePasswordForm, StatusForm
from idp.web.staff.words import history_of, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response

    from idp.accounts.staff_desk import AccountPage, RegistrationPage
    from idp.store.approvals import Decision
    from idp.store.search import FoundAccount, FoundRegistration

blueprint = Blueprint("staff_people", __name__, url_prefix="/staff")


@blueprint.get("/accounts")
@permitted(Permission.READ_ACCOUNTS)
def accounts() -> Any:
    """Find accounts; a reference number leads straight to what it names."""
    text, status = read_search("q"), read_choice("status", tuple(words.STATUSES))
    referenced = _go_to_reference(text)
    if referenced:
        return redirect(referenced, 303)
    found = people_search.find_people(provider(), text, status=status, after=read_key())
    return render(
        "staff/accounts.html",
        now=provider().clock(),
        text=text,
        chosen=status,
        found=found.accounts[: staff_desk.PAGE],
        waiting=found.registrations,
        spellings=found.spellings,
        status_options=options(words.STATUSES),
        **_pages("staff_people.accounts", found.accounts, q=text or None, status=status or None),
    )


@blueprint.get("/accounts/<account_id>")
@permitted(Permission.READ_ACCOUNTS)
def account(account_id: str) -> Response:
    """One account: facts, what can be done, history, mails."""
    return _account_page(account_id)


@blueprint.post("/accounts/<account_id>")
@permitted(Permission.SUSPEND)
def change_status(account_id: str) -> Any:
    """Suspend or reinstate an approval, or take a rejected application up again."""
    form = StatusForm()
    if not form.validate_on_submit():
        return _account_page(account_id, form, status=422)
    try:
        decide_by_staff(
            provider(),
            staff_id=member().account_id,
            account_id=account_id,
            act=form.act.data,
            reason=form.reason.data,
            remark=form.remark.data,
            seen_at=form.seen,
            address=client_address(),
        )
    except Refusal as refusal:
        return _refused(account_id, form, refusal)
    return redirect(url_for("staff_people.account", account_id=account_id, done=form.act.data), 303)


@blueprint.get("/accounts/<account_id>/reset-link")
@permitted(Permission.READ_ACCOUNTS)
def reset_link(account_id: str) -> Any:
    """Whoever had to sign in before sending comes back here, and decides anew on the account's page."""
    return redirect(url_for("staff_people.account", account_id=account_id), 303)


@blueprint.post("/accounts/<account_id>/reset-link")
@permitted(Permission.SEND_RESET_LINK)
def send_reset_link(account_id: str) -> Any:
    """Send a reset link to the stored address (F-2.3)."""
    click = ActForm()
    if not click.validate_on_submit():
        form = StatusForm(formdata=None)
        form.form_errors = click.form_errors
        return _account_page(account_id, form, status=422)
    try:
        staff_desk.send_reset_link_for(
            provider(), staff_id=member().account_id, account_id=account_id, address=client_address()
        )
    except Refusal as refusal:
        return _refused(account_id, StatusForm(formdata=None), refusal)
    return redirect(url_for("staff_people.account", account_id=account_id, done="reset_link"), 303)


@blueprint.get("/accounts/<account_id>/temporary-password")
@permitted(Permission.READ_ACCOUNTS)
def temporary_password(account_id: str) -> Any:
    """Whoever had to give their own password first comes back here, and decides anew on the account's page."""
    return redirect(url_for("staff_people.account", account_id=account_id), 303)


@blueprint.post("/accounts/<account_id>/temporary-password")
@permitted(Permission.GIVE_TEMPORARY_PASSWORD, fresh=True)
def give_password(account_id: str) -> Any:
    """Give a temporary password, and show it this once (F-2.5)."""
    click = GivePasswordForm()
    if not click.validate_on_submit():
        form = StatusForm(formdata=None)
        form.form_errors = click.form_errors
        return _account_page(account_id, form, status=422)
    try:
        given = give_temporary_password(
            provider(),
            staff_id=member().account_id,
            account_id=account_id,
            address=client_address(),
            instead_of=click.known_end,
        )
    except Refusal as refusal:
        if refusal.key == "temporary_password.given_already":
            return redirect(url_for("staff_people.account", account_id=account_id, done="given_already"), 303)
        return _refused(account_id, StatusForm(formdata=None), refusal)
    page = staff_desk.open_account(provider(), member().account_id, account_id)
    return render("staff/temporary_password.html", given=given, account=page.account)


@blueprint.get("/accounts/<account_id>/sites")
@permitted(Permission.READ_ACCOUNTS)
def permitted_sites(account_id: str) -> Any:
    """Whoever had to sign in before taking something back comes back here, and decides anew on the account's page."""
    return redirect(url_for("staff_people.account", account_id=account_id), 303)


@blueprint.post("/accounts/<account_id>/sites")
@permitted(Permission.WITHDRAW_CONSENT)
def withdraw_consent(account_id: str) -> Any:
    """Take back what the customer permitted a site, because they asked for it (RF-12)."""
    click = WithdrawForm()
    if not click.validate_on_submit():
        form = StatusForm(formdata=None)
        form.form_errors = click.form_errors
        return _account_page(account_id, form, status=422)
    try:
        was_there = withdraw_consent_for(
            provider(),
            staff_id=member().account_id,
            account_id=account_id,
            client_id=click.client_id.data,
            address=client_address(),
        )
    except Refusal as refusal:
        return _refused(account_id, StatusForm(formdata=None), refusal)
    done = "consent" if was_there else "too_late"
    return redirect(url_for("staff_people.account", account_id=account_id, done=done), 303)


@blueprint.get("/registrations")
@permitted(Permission.READ_REGISTRATIONS)
def registrations() -> Response:
    """Registrations, those first that wait for their confirmation."""
    text, state = read_search("q"), read_choice("state", (*words.STATES, "all")) or "sent"
    found = people_search.find_registrations(provider(), text, state="" if state == "all" else state, after=read_key())
    return render(
        "staff/registrations.html",
        now=provider().clock(),
        text=text,
        state=state,
        found=found.registrations[: staff_desk.PAGE],
        spellings=found.spellings,
        state_options=[("all", _("all")), *options(words.STATES)],
        **_pages("staff_people.registrations", found.registrations, q=text or None, state=state),
    )


@blueprint.get("/registrations/<registration_id>")
@permitted(Permission.READ_REGISTRATIONS)
def registration(registration_id: str) -> Response:
    """One registration: until when it can be confirmed, and what became of its mails."""
    return _registration_page(registration_id)


@blueprint.get("/registrations/<registration_id>/mail")
@permitted(Permission.READ_REGISTRATIONS)
def resent(registration_id: str) -> Any:
    """Whoever had to sign in before sending comes back here, and decides anew on the registration's page."""
    return redirect(url_for("staff_people.registration", registration_id=registration_id), 303)


@blueprint.post("/registrations/<registration_id>/mail")
@permitted(Permission.RESEND_CONFIRMATION)
def resend(registration_id: str) -> Any:
    """Send the confirmation mail once more (F-1.6)."""
    if not ActForm().validate_on_submit():
        return _registration_page(registration_id, 422, _("Nothing was sent. Please press the button again."))
    try:
        staff_desk.send_confirmation_again(
            provider(), staff_id=member().account_id, registration_id=registration_id, address=client_address()
        )
    except Refusal:
        return _registration_page(registration_id, 409, _("Nothing was sent: it cannot be confirmed any more."))
    return redirect(url_for("staff_people.registration", registration_id=registration_id, done="resent"), 303)


def _registration_page(registration_id: str, status: int = 200, problem: str = "") -> Response:
    try:
        page: RegistrationPage = staff_desk.open_registration(provider(), registration_id)
    except Refusal:
        abort(404)
    return render(
        "staff/registration.html",
        status,
        now=provider().clock(),
        page=page,
        history=history_of(page),
        click=ActForm(formdata=None),
        problem=problem,
        done=request.args.get("done", ""),
    )


def _account_page(
    account_id: str, form: StatusForm | None = None, *, status: int = 200, overtaken: Decision | None = None
) -> Response:
    try:
        page: AccountPage = staff_desk.open_account(provider(), member().account_id, account_id)
    except Refusal:
        abort(404)
    form = form or StatusForm(formdata=typed_before())
    if not form.seen_at.data:
        form.seen_at.data = str(page.account.approval_updated_at)
    return render(
        "staff/account.html",
        status,
        now=provider().clock(),
        page=page,
        interests=tell_interests(provider().settings.interests, page.account),
        history=history_of(page),
        permitted_sites=[
            (site.client, [name_scope(name) for name in sorted(site.scope)], site.granted_at)
            for site in list_permitted_sites(provider(), account_id)
        ],
        notes=review_work.read_work(provider(), account_id)[1],
        form=form,
        click=ActForm(formdata=None),
        is_overtaken=status == 409,
        overtaken=overtaken,
        done=request.args.get("done", ""),
    )


def _refused(account_id: str, form: StatusForm, refusal: Refusal) -> Response:
    if refusal.key == "account_unknown":
        abort(404)
    if refusal.key == "decided_already":
        return _account_page(
            account_id, form, status=409, overtaken=cast("Decision | None", refusal.details.get("decision"))
        )
    if refusal.key == "reason_missing":
        form.tell("reason", _("Write a reason: the customer reads it."))
        return _account_page(account_id, form, status=422)
    sentences = {"own_account": _("This is your own account. A colleague acts on it.")}
    form.tell("", sentences.get(refusal.key, _("You may not act on this account.")))
    return _account_page(account_id, form, status=403)


def _pages(endpoint: str, found: Sequence[FoundAccount | FoundRegistration], **kept: Any) -> dict[str, Any]:
    """The ways to the first and the next page of a list that was read with one row more than a page."""
    has_more = len(found) > staff_desk.PAGE
    return {
        "first_url": url_for(endpoint, **kept) if read_key() else None,
        "next_url": url_for(endpoint, **kept, after=write_key(found[staff_desk.PAGE - 1].key)) if has_more else None,
    }


def _go_to_reference(text: str) -> str | None:
    """The page that a reference number names."""
    if not search.reference_in(text):
        return None
    with provider().database.reading() as tx:
        found = search.find_by_reference(tx, text)
    if found and found.account_id:
        return url_for("staff_people.account", account_id=found.account_id)
    if found and found.registration_id:
        return url_for("staff_people.registration", registration_id=found.registration_id)
    return None
