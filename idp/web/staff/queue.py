"""The queue of applications: list left, the open one right; a decision leads to the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, abort, redirect, request, url_for

from idp.accounts import bulk_decisions, reason_texts, staff_desk
from idp.accounts.approval import decide_by_staff
from idp.accounts.decision_preview import preview_mail
from idp.accounts.device_claims import count_claims
from idp.accounts.review_work import list_deciders, read_work
from idp.accounts.similar_accounts import look_beside
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.policy.staff import Permission
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.countries import country_name
from idp.web.forms import ActForm
from idp.web.language import NAMES as LANGUAGE_NAMES
from idp.web.pages import render
from idp.web.staff.access import member, permitted
from idp.web.staff.addresses import QueueAddress, read_queue_address, write_key
from idp.web.staff.forms import PREVIEWS, ApplicationForm, AssignForm, BulkForm, NoteForm, ProposalForm
from idp.web.staff.words import history_of

if TYPE_CHECKING:
    from flask import Response

    from idp.accounts.staff_desk import AccountPage, QueuePage
    from idp.mail.render import Rendered
    from idp.store.accounts import Account
    from idp.store.approvals import Decision
    from idp.store.review_work import Assignment

blueprint = Blueprint("staff_queue", __name__, url_prefix="/staff")


@blueprint.get("")
@permitted(Permission.READ_QUEUE)
def queue() -> Response:
    """The queue, oldest first."""
    return show_queue(read_queue_address())


@blueprint.get("/applications/<account_id>")
@permitted(Permission.READ_QUEUE)
def application(account_id: str) -> Response:
    """The queue with one application open."""
    return show_queue(read_queue_address(), account_id)


@blueprint.post("/applications/<account_id>")
@permitted(Permission.DECIDE)
def decide(account_id: str) -> Any:
    """Approve or reject, and go on to the next application."""
    address, form = read_queue_address(), ApplicationForm()
    offer_texts(form)
    if not form.validate_on_submit():
        return show_queue(address, account_id, form, status=422)
    if form.act.data in PREVIEWS or form.act.data == "insert":
        return _draft(address, account_id, form)
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
        return _refused(address, account_id, form, refusal)
    return redirect(next_address(address, account_id, form.seen), 303)


def offer_texts(form: ApplicationForm | BulkForm) -> None:
    """Let a form offer the reason texts that there are."""
    texts = reason_texts.list_reason_texts(provider())
    form.text.offer([("", _("Choose a text")), *((text.text_key, text.title) for text in texts)])


def _draft(address: QueueAddress, account_id: str, form: ApplicationForm) -> Response:
    """The page again, with a reason text put in or with the mail that would be sent; nothing is changed."""
    act = PREVIEWS.get(form.act.data)
    try:
        if act is None:
            _insert_text(account_id, form)
            return show_queue(address, account_id, form)
        mail = preview_mail(
            provider(), staff_id=member().account_id, account_id=account_id, act=act, reason=form.reason.data
        )
    except Refusal as refusal:
        return _refused(address, account_id, form, refusal)
    return show_queue(address, account_id, form, mail=mail)


def _insert_text(account_id: str, form: ApplicationForm) -> None:
    """Put the chosen text below what is written already, in the language of the applicant."""
    if not form.text.data:
        form.tell("text", _("Choose a text first."))
        return
    text = reason_texts.get_reason_text(provider(), form.text.data)
    locale = _open(account_id).account.locale
    form.reason.data = "\n\n".join(filter(None, (form.reason.data, text.text_for(locale))))
    if text.language_for(locale) != locale:
        sentence = _("This text does not exist in the language of the applicant (%(language)s). Please translate it.")
        form.tell("reason", sentence % {"language": LANGUAGE_NAMES.get(locale, locale)})


def _refused(address: QueueAddress, account_id: str, form: ApplicationForm, refusal: Refusal) -> Response:
    if refusal.key == "account_unknown":
        abort(404)
    if refusal.key == "proposed_already":
        return show_queue(address, account_id, form, is_settled=True, status=409)
    if refusal.key == "decided_already":
        return show_queue(
            address, account_id, form, status=409, overtaken=cast("Decision | None", refusal.details.get("decision"))
        )
    if refusal.key == "reason_missing":
        form.tell("reason", _("Write a reason: the applicant reads it."))
        return show_queue(address, account_id, form, status=422)
    sentences = {
        "own_account": _("This is your own registration. A colleague decides about it."),
        "beyond_limits": _("You decide about other serial families or countries. A colleague decides about it."),
    }
    form.tell("", sentences.get(refusal.key, _("You may not decide about this account.")))
    return show_queue(address, account_id, form, status=403)


def next_address(address: QueueAddress, decided: str, seen_at: int | None) -> str:
    """The application behind the decided one under the same filter, else the first one, else the empty queue."""
    behind = (seen_at, decided) if seen_at else None
    for after in (behind, None):
        page = staff_desk.open_queue(
            provider(),
            member().account_id,
            address.filter,
            late_only=address.late,
            soon_only=address.soon,
            to_confirm=address.to_confirm,
            after=after,
        )
        if page.rows:
            following = page.rows[0].account_id
            return url_for("staff_queue.application", account_id=following, **address.args(done=decided))
    return url_for("staff_queue.queue", **address.args(after=None, done=decided))


def show_queue(
    address: QueueAddress,
    account_id: str | None = None,
    form: ApplicationForm | None = None,
    *,
    status: int = 200,
    overtaken: Decision | None = None,
    bulk: BulkForm | None = None,
    mail: Rendered | None = None,
    chosen: list[str] | None = None,
    assigning: AssignForm | None = None,
    noting: NoteForm | None = None,
    is_taken: bool = False,
    answering: ProposalForm | None = None,
    is_settled: bool = False,
) -> Response:
    """The queue, with an application open where one is named; forms come back with what was typed."""
    person = member()
    opened = _open(account_id) if account_id else None
    listed = staff_desk.open_queue(
        provider(),
        person.account_id,
        address.filter,
        late_only=address.late,
        soon_only=address.soon,
        to_confirm=address.to_confirm,
        after=address.after,
    )
    form = form or ApplicationForm(formdata=typed_before())
    bulk = bulk or BulkForm(formdata=None, prefix="bulk-")
    offer_texts(form)
    offer_texts(bulk)
    if opened and not form.seen_at.data:
        form.seen_at.data = str(opened.account.approval_updated_at)
    assignment, notes = read_work(provider(), account_id) if account_id else (None, [])
    deciders = list_deciders(provider(), account_id or "")
    pager = address.args(after=write_key(listed.rows[-1].key)) if listed.has_more else None
    return render(
        "staff/queue.html",
        status,
        now=provider().clock(),
        address=address,
        listed=listed,
        devices_waiting=count_claims(provider(), member().account_id),
        country_options=[(code, f"{country_name(code)} ({count})") for code, count in listed.countries],
        family_options=[(family, f"{family} ({count})") for family, count in listed.families],
        first_url=url_for("staff_queue.queue", **address.args(after=None)) if address.after else None,
        next_url=url_for("staff_queue.queue", **pager) if pager else None,
        opened=opened,
        beside=look_beside(provider(), opened.account.account_id) if opened and opened.due_at else None,
        history=history_of(opened) if opened else (),
        who_options=_who_options(listed, deciders, person.account_id),
        assignment=assignment,
        notes=notes,
        assigning=offer_colleagues(assigning or AssignForm(formdata=None), deciders, assignment),
        noting=noting or NoteForm(formdata=None),
        click=ActForm(formdata=None),
        is_taken=is_taken,
        answering=answering or ProposalForm(formdata=None),
        is_settled=is_settled,
        needs_two="decisions" in provider().settings.staff.four_eyes,
        form=form,
        bulk=bulk,
        chosen=chosen if chosen is not None else request.form.getlist("chosen"),
        mail=mail,
        batches=bulk_decisions.list_own_waiting(provider(), person.account_id),
        is_overtaken=status == 409 and not (is_taken or is_settled),
        overtaken=overtaken,
        done=_done(person.account_id),
    )


def offer_colleagues(form: AssignForm, deciders: list[Account], assignment: Assignment | None) -> AssignForm:
    """Let a form offer whoever may decide, and remember who has the application now."""
    form.to.offer([("", _("Choose a colleague")), *((person.account_id, person.name) for person in deciders)])
    form.seen.data = assignment.staff_id if assignment else ""
    return form


def _who_options(listed: QueuePage, deciders: list[Account], own_id: str) -> list[tuple[str, str]]:
    """Whose applications the list can be narrowed to, with their numbers."""
    counts = listed.by_assignee
    nobody = listed.total - sum(counts.values())
    options = [("mine", _("mine")), ("nobody", _("nobody’s")), *((one.account_id, one.name) for one in deciders)]
    numbers = {"mine": counts.get(own_id, 0), "nobody": nobody, **counts}
    return [(key, f"{words} ({numbers.get(key, 0)})") for key, words in options if key != own_id]


def _open(account_id: str) -> AccountPage:
    try:
        return staff_desk.open_application(provider(), member().account_id, account_id)
    except Refusal:
        abort(404)


def _done(staff_id: str) -> AccountPage | None:
    """The application that this member of staff has just decided, for the line that says so."""
    account_id = request.args.get("done", "")
    if not account_id.replace("-", "").replace("_", "").isalnum() or not account_id.isascii() or len(account_id) > 64:
        return None
    try:
        page = staff_desk.open_account(provider(), staff_id, account_id)
    except Refusal:
        return None
    if page.proposal and page.proposal.staff_id == staff_id:
        return page
    latest = page.decisions[0] if page.decisions else None
    fresh = latest and latest.actor == staff_id and provider().clock() - latest.created_at < 600
    return page if fresh else None
