"""The approval rules: those in use, the draft of the next version and its trial, earlier versions, and what is blocked.

Buttons of the draft carry the state of it that was seen; whoever comes second is told, and nothing of the first is lost.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, request, url_for

from idp.accounts import approval_rules, blocking
from idp.accounts.rule_trial import DAYS, try_rules
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.policy.rules import effects
from idp.policy.staff import Permission
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.pages import render
from idp.web.staff.access import member, permitted
from idp.web.staff.addresses import read_search
from idp.web.staff.rule_forms import (
    BlockForm,
    DraftActForm,
    FamiliesForm,
    RuleForm,
    SwitchOnForm,
    write_families,
    write_rule,
)

if TYPE_CHECKING:
    from flask import Response

    from idp.accounts.approval_rules import Draft

blueprint = Blueprint("staff_rules", __name__, url_prefix="/staff/rules")

SHOWN = 200
"""Differences that a trial's page lists."""

PERIODS = (7, 30, 90)
ACTS = ("up", "down", "on", "off", "remove")


@blueprint.get("")
@permitted(Permission.READ_RULES)
def rules() -> Response:
    """The rules in the order in which they are tried, with what each approved in the last 30 days (RG-9)."""
    page = approval_rules.read_rules(provider())
    return render(
        "staff/rules.html",
        page=page,
        hidden=effects(page.rule_set.rules),
        click=ActForm(formdata=None),
        done=request.args.get("done", ""),
    )


@blueprint.get("/versions/<version>")
@permitted(Permission.READ_RULES)
def version(version: str) -> Response:
    """The rules as they once were."""
    try:
        stored, rule_set = approval_rules.get_version(provider(), approval_rules.parse_version(version))
    except Refusal:
        abort(404)
    page = approval_rules.read_rules(provider())
    return render(
        "staff/rules_version.html",
        stored=stored,
        rule_set=rule_set,
        page=page,
        click=ActForm(formdata=None),
        problem=_("There is a draft already. Throw it away first, or go on with it.") if "open" in request.args else "",
    )


@blueprint.get("/draft")
@permitted(Permission.EDIT_RULES)
def draft() -> Any:
    """The next version as it is being written."""
    found = approval_rules.find_draft(provider())
    if found is None:
        return redirect(url_for("staff_rules.rules"), 303)
    return _draft_page(found)


@blueprint.post("/draft")
@permitted(Permission.EDIT_RULES)
def open_draft() -> Any:
    """Begin a draft with the rules in use, or with those of an earlier version."""
    if not ActForm().validate_on_submit():
        return redirect(url_for("staff_rules.rules"), 303)
    number = approval_rules.parse_version(request.form["version"]) if "version" in request.form else None
    try:
        approval_rules.open_draft(provider(), staff_id=member().account_id, version=number)
    except Refusal as refusal:
        if refusal.key == "draft_exists":
            return redirect(url_for("staff_rules.version", version=number, open=1), 303)
        abort(404)
    return redirect(url_for("staff_rules.draft"), 303)


@blueprint.post("/draft/acts")
@permitted(Permission.EDIT_RULES)
def act() -> Any:
    """Move a rule, switch it, take it away."""
    form, key, what = DraftActForm(), request.form.get("rule", ""), request.form.get("act", "")
    if not form.validate_on_submit() or what not in ACTS:
        return redirect(url_for("staff_rules.draft"), 303)
    by: dict[str, Any] = {"staff_id": member().account_id, "revision": form.seen}
    try:
        if what == "remove":
            approval_rules.remove_rule(provider(), key, **by)
        elif what in ("on", "off"):
            approval_rules.switch_rule(provider(), key, enabled=what == "on", **by)
        else:
            approval_rules.move_rule(provider(), key, 1 if what == "down" else -1, **by)
    except Refusal:
        return _changed_meanwhile()
    return redirect(url_for("staff_rules.draft", _anchor=f"rule-{key}"), 303)


@blueprint.get("/draft/rule")
@permitted(Permission.EDIT_RULES)
def rule() -> Any:
    """A rule of the draft to change, or an empty one."""
    found = approval_rules.find_draft(provider())
    if found is None:
        return redirect(url_for("staff_rules.rules"), 303)
    key = request.args.get("key", "")
    old = found.rule_set.find_rule(key)
    if key and old is None:
        abort(404)
    values = write_rule(old) if old else {"enabled": True, "ownership": "new", "outcome": "approve"}
    form = RuleForm(formdata=typed_before(), data={**values, "revision": str(found.revision)})
    return render("staff/rule.html", form=form, old_key=key)


@blueprint.post("/draft/rule")
@permitted(Permission.EDIT_RULES)
def put_rule() -> Any:
    """Put it into the draft."""
    form, key = RuleForm(), request.args.get("key", "")
    wanted = form.read() if form.validate_on_submit() else None
    if wanted is None:
        return render("staff/rule.html", 422, form=form, old_key=key)
    by: dict[str, Any] = {"staff_id": member().account_id, "revision": form.seen}
    try:
        approval_rules.put_rule(provider(), wanted, old_key=key or None, **by)
    except Refusal as refusal:
        if refusal.key == "rule_key_taken":
            form.tell("rule_key", _("Another rule has this name. Choose another one."))
            return render("staff/rule.html", 422, form=form, old_key=key)
        return _take_new_state(form, "staff/rule.html", old_key=key)
    return redirect(url_for("staff_rules.draft", _anchor=f"rule-{wanted.rule_key}"), 303)


@blueprint.get("/draft/families")
@permitted(Permission.EDIT_RULES)
def families() -> Any:
    """The families of devices, and more free-mail services."""
    found = approval_rules.find_draft(provider())
    if found is None:
        return redirect(url_for("staff_rules.rules"), 303)
    data = {**write_families(found.rule_set), "revision": str(found.revision)}
    return render("staff/rule_families.html", form=FamiliesForm(formdata=typed_before(), data=data))


@blueprint.post("/draft/families")
@permitted(Permission.EDIT_RULES)
def put_families() -> Any:
    """Put them into the draft."""
    form = FamiliesForm()
    if not form.validate_on_submit():
        return render("staff/rule_families.html", 422, form=form)
    domains = frozenset(form.free_mail_domains.parsed or ())
    by: dict[str, Any] = {"staff_id": member().account_id, "revision": form.seen}
    try:
        approval_rules.put_families(provider(), form.families.parsed or [], domains, **by)
    except Refusal:
        return _take_new_state(form, "staff/rule_families.html")
    return redirect(url_for("staff_rules.draft"), 303)


@blueprint.get("/draft/trial")
@permitted(Permission.EDIT_RULES)
def trial() -> Any:
    """What the draft would have decided otherwise; the button that switches it on stands below."""
    found = approval_rules.find_draft(provider())
    if found is None:
        return redirect(url_for("staff_rules.rules"), 303)
    form = SwitchOnForm(formdata=typed_before(), data={"revision": str(found.revision)})
    form.revision.data = str(found.revision)
    return _trial_page(found, form)


@blueprint.post("/draft/trial")
@permitted(Permission.EDIT_RULES, fresh=True)
def switch_on() -> Any:
    """Make the draft the rules in use."""
    found, form = approval_rules.find_draft(provider()), SwitchOnForm()
    if found is None:
        return redirect(url_for("staff_rules.rules", done="gone"), 303)
    if not form.validate_on_submit():
        return _trial_page(found, form, status=422)
    by: dict[str, Any] = {"staff_id": member().account_id, "address": client_address()}
    try:
        approval_rules.switch_on(provider(), revision=form.seen, remark=form.remark.data, **by)
    except Refusal as refusal:
        current = approval_rules.find_draft(provider())
        if current is None:
            return redirect(url_for("staff_rules.rules", done="gone"), 303)
        if refusal.key == "draft_changed":
            form.tell("", _("Somebody changed the draft meanwhile. Look at the differences again."))
        form.revision.data = str(current.revision)
        return _trial_page(current, form, status=409)
    return redirect(url_for("staff_rules.rules", done="on"), 303)


@blueprint.post("/draft/drop")
@permitted(Permission.EDIT_RULES)
def drop() -> Any:
    """Throw the draft away."""
    form = DraftActForm()
    if not form.validate_on_submit():
        return redirect(url_for("staff_rules.draft"), 303)
    try:
        approval_rules.drop_draft(provider(), staff_id=member().account_id, revision=form.seen)
    except Refusal:
        return _changed_meanwhile()
    return redirect(url_for("staff_rules.rules", done="dropped"), 303)


@blueprint.post("/draft/base")
@permitted(Permission.EDIT_RULES)
def rest_anew() -> Any:
    """Let the draft follow the version that is in use now."""
    form = DraftActForm()
    if not form.validate_on_submit():
        return redirect(url_for("staff_rules.draft"), 303)
    try:
        approval_rules.rest_draft_anew(provider(), staff_id=member().account_id, revision=form.seen)
    except Refusal:
        return _changed_meanwhile()
    return redirect(url_for("staff_rules.trial"), 303)


@blueprint.get("/draft/acts")
@blueprint.get("/draft/drop")
@blueprint.get("/draft/base")
@permitted(Permission.EDIT_RULES)
def again() -> Any:
    """Whoever had to sign in before pressing decides anew on the draft's page."""
    return redirect(url_for("staff_rules.draft"), 303)


@blueprint.get("/blocked")
@permitted(Permission.READ_RULES)
def blocked() -> Response:
    """What is blocked."""
    return _blocked_page(BlockForm(formdata=typed_before()))


@blueprint.post("/blocked")
@permitted(Permission.BLOCK)
def block() -> Any:
    """Block a value."""
    form = BlockForm()
    if not form.validate_on_submit():
        return _blocked_page(form, status=422)
    by: dict[str, Any] = {"staff_id": member().account_id, "address": client_address()}
    try:
        blocking.block(provider(), form.value.data, reason=form.reason.data, **by)
    except Refusal as refusal:
        already = refusal.key == "blocked_already"
        unclear = _("Enter a serial number such as AB123Z, an address such as name@company.com, or a domain.")
        form.tell("value", _("This is blocked already.") if already else unclear)
        return _blocked_page(form, status=422)
    return redirect(url_for("staff_rules.blocked", done="blocked"), 303)


@blueprint.post("/blocked/remove")
@permitted(Permission.BLOCK)
def unblock() -> Any:
    """Let the rules judge a value again."""
    if not ActForm().validate_on_submit():
        return redirect(url_for("staff_rules.blocked"), 303)
    by: dict[str, Any] = {"staff_id": member().account_id, "address": client_address()}
    with suppress(Refusal):  # somebody else was first; it is what was wanted
        blocking.unblock(provider(), request.form.get("value", ""), **by)
    return redirect(url_for("staff_rules.blocked", done="removed"), 303)


@blueprint.get("/blocked/remove")
@permitted(Permission.BLOCK)
def unblock_again() -> Any:
    """Whoever had to sign in before pressing decides anew on the list."""
    return redirect(url_for("staff_rules.blocked"), 303)


def _draft_page(found: Draft, *, status: int = 200, problem: str = "") -> Response:
    return render(
        "staff/rules_draft.html",
        status,
        draft=found,
        in_use=approval_rules.read_rules(provider()).rule_set,
        hidden=effects(found.rule_set.rules),
        click=_act_form(found),
        problem=problem,
    )


def _trial_page(found: Draft, form: SwitchOnForm, *, status: int = 200) -> Response:
    asked = request.args.get("days", "")
    days = int(asked) if asked in map(str, PERIODS) else DAYS
    return render(
        "staff/rules_trial.html",
        status,
        draft=found,
        form=form,
        trial=try_rules(provider(), found.rule_set, days=days),
        days=days,
        periods=PERIODS,
        shown=SHOWN,
        click=_act_form(found),
    )


def _blocked_page(form: BlockForm, *, status: int = 200) -> Response:
    search = read_search("q")
    return render(
        "staff/blocked.html",
        status,
        found=blocking.list_blocked(provider(), search),
        search=search,
        form=form,
        click=ActForm(formdata=None),
        done=request.args.get("done", ""),
    )


def _act_form(found: Draft) -> DraftActForm:
    return DraftActForm(formdata=None, data={"revision": str(found.revision)})


def _changed_meanwhile() -> Any:
    found = approval_rules.find_draft(provider())
    if found is None:
        return redirect(url_for("staff_rules.rules", done="gone"), 303)
    return _draft_page(found, status=409, problem=_("Somebody changed the draft meanwhile. This is how it is now."))


def _take_new_state(form: RuleForm | FamiliesForm, page: str, **values: Any) -> Any:
    """What was typed stays; the next press goes to the draft as it is now."""
    found = approval_rules.find_draft(provider())
    if found is None:
        return redirect(url_for("staff_rules.rules", done="gone"), 303)
    form.revision.data = str(found.revision)
    form.tell("", _("Somebody changed the draft meanwhile. Look at it in another window, then save again."))
    return render(page, 409, form=form, **values)
