"""`/staff/sites`: the registered sites, what is going on there, and what administrators do about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, request, url_for

from idp.accounts import site_desk, site_recipes
from idp.accounts.site_desk import By
from idp.errors import ProtocolError, Refusal
from idp.i18n import gettext
from idp.i18n import lazy_gettext as _
from idp.policy.staff import Permission
from idp.protocol.json_object import parse_json_object
from idp.protocol.registration_request import check_registration
from idp.web.browser_session import client_address, typed_before
from idp.web.context import provider
from idp.web.forms import ActForm, Form, ProseField, TextField, TickBox
from idp.web.pages import render
from idp.web.staff.access import member, permitted
from idp.web.staff.addresses import read_search

if TYPE_CHECKING:
    from flask import Response

blueprint = Blueprint("staff_sites", __name__, url_prefix="/staff/sites")

OVERLAP = 86400
"""So long a site's old secret works beside the new one."""


class SiteForm(Form):
    """A new site: a few fields, or its metadata as JSON, which then counts instead of them."""

    client_name = TextField(_("Name"), longest=100)
    redirect_uris = ProseField(_("Redirect URIs"), longest=4000)
    post_logout_redirect_uris = ProseField(_("Addresses after sign-out"), longest=4000)
    backchannel_logout_uri = TextField(_("Back-channel logout URI"), longest=2000)
    initiate_login_uri = TextField(_("Address that starts a sign-in at the site"), longest=2000)
    metadata = ProseField(_("Registration metadata (JSON)"), longest=20_000)
    require_approval = TickBox(_("Only for approved customers"))
    first_party = TickBox(_("A site of our own: no consent page"))

    def read(self) -> dict[str, Any]:
        """The metadata. Raises `ValueError` where the pasted text is no JSON object."""
        if self.metadata.data:
            return parse_json_object(self.metadata.data.encode())
        sent: dict[str, Any] = {
            "client_name": self.client_name.data,
            "redirect_uris": self.redirect_uris.data.split(),
            "post_logout_redirect_uris": self.post_logout_redirect_uris.data.split(),
            "backchannel_logout_uri": self.backchannel_logout_uri.data,
            "initiate_login_uri": self.initiate_login_uri.data,
            "grant_types": ["authorization_code", "refresh_token"],
        }
        return {name: value for name, value in sent.items() if value}


@blueprint.get("")
@permitted(Permission.READ_SITES)
def sites() -> Response:
    """All sites, found by name, identifier or address."""
    text = read_search("q")
    found = site_desk.list_sites(provider())
    shown = [
        (client, report)
        for client, report in found
        if text.casefold() in f"{client.name} {client.client_id} {' '.join(client.redirect_uris)}".casefold()
    ]
    return render("staff/sites.html", found=shown, text=text)


@blueprint.get("/new")
@permitted(Permission.EDIT_SITES)
def new() -> Response:
    """An empty form."""
    typed = typed_before()
    form = SiteForm(formdata=typed)
    if typed is None:
        form.require_approval.data = True
    return render("staff/site_new.html", form=form)


@blueprint.post("/new")
@permitted(Permission.EDIT_SITES, fresh=True)
def add() -> Response:
    """Register it, and show its secret this once."""
    form = SiteForm()
    if not form.validate_on_submit():
        return render("staff/site_new.html", 422, form=form)
    try:
        details = check_registration(form.read(), provider().settings.keys.algorithms)
    except ValueError:
        form.tell("metadata", gettext("This is no JSON object, or it has a member twice."))
        return render("staff/site_new.html", 422, form=form)
    except ProtocolError as error:
        form.tell(_field_of(error.description, form), error.description)
        return render("staff/site_new.html", 422, form=form)
    made = site_desk.add_site(
        provider(),
        _by(),
        details,
        require_approval=bool(form.require_approval.data),
        first_party=bool(form.first_party.data),
    )
    return _page(made.client_id, secret=made.secret, is_new=True)


@blueprint.get("/<client_id>")
@permitted(Permission.READ_SITES)
def site(client_id: str) -> Response:
    """One site: how it is registered, what is going on, and how to connect it."""
    return _page(client_id)


@blueprint.post("/<client_id>/secret")
@permitted(Permission.EDIT_SITES, fresh=True)
def secret(client_id: str) -> Any:
    """A new secret, shown this once; the old one works for a day more."""
    if not ActForm().validate_on_submit():
        return _page(client_id, status=422)
    try:
        made = site_desk.renew_secret(provider(), _by(), client_id, overlap=OVERLAP)
    except Refusal:
        abort(404)
    return _page(client_id, secret=made)


@blueprint.post("/<client_id>/switch")
@permitted(Permission.EDIT_SITES, fresh=True)
def switch(client_id: str) -> Any:
    """Off or on."""
    if not ActForm().validate_on_submit():
        return _page(client_id, status=422)
    try:
        site_desk.switch_site(provider(), _by(), client_id, off=request.form.get("act") == "off")
    except Refusal as refusal:
        if refusal.key == "client_unknown":
            abort(404)
    return redirect(url_for("staff_sites.site", client_id=client_id, done=1), 303)


@blueprint.get("/<client_id>/secret")
@blueprint.get("/<client_id>/switch")
@permitted(Permission.READ_SITES)
def again(client_id: str) -> Any:
    """Whoever had to sign in before pressing decides anew on the site's page."""
    return redirect(url_for("staff_sites.site", client_id=client_id), 303)


def _by() -> By:
    return By(member().account_id, client_address())


def _field_of(sentence: str, form: SiteForm) -> str:
    """The field that a sentence about metadata begins with, where the form has it."""
    name = sentence.partition(":")[0]
    return name if name in form and not form.metadata.data else "metadata" if form.metadata.data else "redirect_uris"


def _page(client_id: str, *, secret: str = "", is_new: bool = False, status: int = 200) -> Response:
    try:
        client, report = site_desk.get_site(provider(), client_id)
    except Refusal:
        abort(404)
    return render(
        "staff/site.html",
        status,
        client=client,
        report=report,
        feed=provider().settings.interests.feeds.get(client_id, ""),
        feed_fault=site_desk.find_feed_fault(provider(), client_id),
        secret=secret,
        is_new=is_new,
        recipes=site_recipes.NAMES,
        now=provider().clock(),
        issuer=provider().settings.server.issuer,
        click=ActForm(formdata=None),
        was_done="done" in request.args and not secret,
    )
