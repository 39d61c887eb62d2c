"""`/terms`: the terms of use in every version, and accepting them outside of a sign-in; the box of the forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, request, url_for
from markupsafe import Markup
from wtforms.validators import StopValidation

from idp.accounts import terms as acts
from idp.errors import Refusal
from idp.i18n import current_locale, gettext
from idp.store import accounts
from idp.store import terms as store
from idp.web import browser_session
from idp.web.context import provider
from idp.web.forms import Form, HiddenField
from idp.web.local_paths import may_return_here
from idp.web.pages import render

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response

    from idp.accounts.terms import TermsText
    from idp.store.terms import Acceptance

blueprint = Blueprint("terms", __name__)


class AcceptForm(Form):
    """The button, and what was read: the version, and the language of its text."""

    version = HiddenField(longest=10)
    language = HiddenField(longest=2)


@blueprint.get("/terms")
@blueprint.get("/terms/<version>")
@may_return_here
def page(version: str = "") -> Response:
    """The version in force, or another one, in the reader's language."""
    return _page(version)


@blueprint.post("/terms")
def accept() -> Any:
    """Accept the version in force."""
    form, signed_in = AcceptForm(), browser_session.current_session()
    if signed_in is None or signed_in.is_idle:
        return browser_session.redirect_to_sign_in()
    if not form.validate_on_submit():
        return _page("", problem=gettext("Nothing was changed. Read the terms and press the button again."), status=422)
    try:
        acts.accept_terms(
            provider(),
            signed_in.account_id,
            version=form.version.data or "",
            language=form.language.data or current_locale(),
            address=browser_session.client_address(),
        )
    except Refusal:
        return _page(
            "", problem=gettext("Other terms came into force meanwhile. These are the ones in force now."), status=409
        )
    return redirect(url_for("terms.page", done=1), 303)


def _page(version: str, *, problem: str = "", status: int = 200) -> Response:
    terms, now = provider().terms, provider().clock()
    in_force = terms.in_force(now)
    try:
        text = terms.get_text(version or in_force, current_locale())
    except Refusal:
        abort(404)
    accepted, is_owed = _accepted()
    form = AcceptForm(formdata=None, data={"version": in_force, "language": text.language})
    return render(
        "account/terms.html",
        status,
        text=text,
        in_force=in_force,
        others=[terms.get_text(name, "en") for name in sorted(terms.versions, reverse=True) if name != text.version],
        accepted=next((row for row in accepted if row.version == text.version), None),
        form=form if is_owed and text.version == in_force else None,
        is_future=text.version > in_force,
        problem=problem,
        done=request.args.get("done", ""),
    )


def _accepted() -> tuple[list[Acceptance], bool]:
    """What whoever is signed in has accepted, and whether they still have to accept something."""
    signed_in = browser_session.current_session()
    if signed_in is None or signed_in.is_idle:
        return [], False
    with provider().database.reading() as tx:
        account = accounts.get_account(tx, signed_in.account_id)
        return store.list_acceptances(tx, signed_in.account_id), acts.is_owed(provider(), account)


def terms_address() -> str:
    """Where the terms can be read: our own page, or the operator's; empty where there are none."""
    parts = provider()
    if parts.terms.in_force(parts.clock()):
        return url_for("terms.page")
    return parts.settings.registration.terms_url


def install(app: Flask) -> None:
    """Give templates the address of the terms, and a text as HTML."""
    app.jinja_env.globals["terms_address"] = terms_address
    app.jinja_env.filters["terms_html"] = _show


def _show(text: TermsText) -> Markup:
    return Markup(text.html)  # noqa: S704 — made by `accounts.terms.render` of the operator's file, in which HTML is text


def settle_terms(form: Any) -> None:
    """Take the box out of a form where there are no terms; else let it say which text its page leads to."""
    if not terms_address():
        del form.terms
    terms = provider().terms
    in_force = terms.in_force(provider().clock())
    if not in_force:
        del form.terms_version, form.terms_language
        return
    form.terms.label.text = gettext("I accept the terms of use (version %(version)s)", version=in_force)
    if not form.is_submitted():
        _show_text(form, in_force)


def _show_text(form: Any, version: str) -> None:
    """The box is about this version, in the words that the reader gets."""
    form.terms_version.data = version
    form.terms_language.data = provider().terms.get_text(version, current_locale()).language


def check_still_in_force(form: Any, _field: object) -> None:
    """A check of the box: what was read is what is in force (a version can begin while a page is open)."""
    in_force = provider().terms.in_force(provider().clock())
    if "terms_version" in form and form.terms_version.data != in_force:
        _show_text(form, in_force)
        form.terms.data = False
        raise StopValidation(gettext("Other terms of use came into force meanwhile. Read them and accept them again."))


def read_box(form: Any) -> dict[str, Any]:
    """What is kept of the box that was ticked; nothing where the terms are not ours to show, or changed just now."""
    if "terms_version" not in form:
        return {}
    try:
        language = form.terms_language.data or current_locale()
        return acts.read_acceptance(provider(), form.terms_version.data, language)
    except Refusal:
        return {}
