"""The reason texts: a list, and a page for each to write it in every language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, request, url_for

from idp.accounts import reason_texts
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.policy.staff import Permission
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.pages import render
from idp.web.staff.access import member, permitted
from idp.web.staff.forms import ReasonTextForm

if TYPE_CHECKING:
    from flask import Response

    from idp.store.reason_texts import ReasonText

blueprint = Blueprint("staff_reasons", __name__, url_prefix="/staff/reasons")


@blueprint.get("")
@permitted(Permission.EDIT_REASONS)
def reasons() -> Response:
    """All reason texts."""
    return render("staff/reasons.html", texts=reason_texts.list_reason_texts(provider()), done=request.args.get("done"))


@blueprint.get("/new")
@permitted(Permission.EDIT_REASONS)
def new() -> Response:
    """An empty page for a new text."""
    return _page(None, ReasonTextForm(formdata=typed_before()))


@blueprint.post("/new")
@permitted(Permission.EDIT_REASONS)
def add() -> Any:
    """Keep a new text."""
    return _save(None)


@blueprint.get("/<text_key>")
@permitted(Permission.EDIT_REASONS)
def reason(text_key: str) -> Response:
    """One text to change."""
    text = _get(text_key)
    return _page(text, ReasonTextForm(formdata=typed_before(), data={"title": text.title, **text.texts}))


@blueprint.post("/<text_key>")
@permitted(Permission.EDIT_REASONS)
def change(text_key: str) -> Any:
    """Keep the changed text."""
    return _save(_get(text_key))


@blueprint.get("/<text_key>/remove")
@permitted(Permission.EDIT_REASONS)
def removing(text_key: str) -> Any:
    """Whoever had to sign in before removing comes back here, and decides anew on the text's page."""
    return redirect(url_for("staff_reasons.reason", text_key=text_key), 303)


@blueprint.post("/<text_key>/remove")
@permitted(Permission.EDIT_REASONS)
def remove(text_key: str) -> Any:
    """Take a text away."""
    text = _get(text_key)
    if not ActForm().validate_on_submit():
        return _page(text, ReasonTextForm(formdata=None, data={"title": text.title, **text.texts}), status=422)
    try:
        reason_texts.remove_reason_text(
            provider(), staff_id=member().account_id, text_key=text_key, address=client_address()
        )
    except Refusal:
        abort(404)
    return redirect(url_for("staff_reasons.reasons", done="removed"), 303)


def _save(text: ReasonText | None) -> Any:
    form = ReasonTextForm()
    if not form.validate_on_submit():
        return _page(text, form, status=422)
    try:
        reason_texts.save_reason_text(
            provider(),
            staff_id=member().account_id,
            title=form.title.data,
            texts=form.texts,
            text_key=text.text_key if text else None,
            address=client_address(),
        )
    except Refusal as refusal:
        if refusal.key == "text_unknown":
            abort(404)
        form.tell("en", _("Write the text in one language at least."))
        return _page(text, form, status=422)
    return redirect(url_for("staff_reasons.reasons", done="saved"), 303)


def _get(text_key: str) -> ReasonText:
    try:
        return reason_texts.get_reason_text(provider(), text_key)
    except Refusal:
        abort(404)


def _page(text: ReasonText | None, form: ReasonTextForm, *, status: int = 200) -> Response:
    return render("staff/reason.html", status, text=text, form=form, click=ActForm(formdata=None))
