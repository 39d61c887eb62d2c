"""Signing out: `/oauth/logout` for sites (RP-Initiated Logout 1.0), `/sign-out` for our own button, `/signed-out` for both.

GET and POST; a site's POST comes without cookies and is parked, as at the authorization endpoint. What the end-user must
confirm waits parked as well, so that the form sends back nothing but a handle (RD-14).
"""

from __future__ import annotations

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from idp.accounts.sign_out import Told, list_open_sites, list_signed_out_sites, sign_out
from idp.errors import ProtocolError
from idp.protocol.frontchannel_logout import build_frame_address
from idp.protocol.logout import Logout, check_logout, parse_logout_request
from idp.protocol.parameters import Parameters
from idp.protocol.session_management import find_origin
from idp.store import accounts, pending
from idp.web import browser_session
from idp.web.content_policy import set_directive
from idp.web.context import provider
from idp.web.csrf import from_other_sites
from idp.web.form_targets import allow_form_target
from idp.web.forms import ActForm
from idp.web.oauth.interaction_pages import find_way_back, show_unusable
from idp.web.oauth.parameters import read_parameters
from idp.web.pages import render

blueprint = Blueprint("logout", __name__)

PARKED = "parked-logout"
SIGNED_OUT = "signed-out"
PARKED_SECONDS = 1800
SIGNED_OUT_SECONDS = 600


@blueprint.route("/oauth/logout", methods=["GET", "POST"], provide_automatic_options=False)
@from_other_sites
def end_session() -> Response:
    """A site's customer signs out."""
    if request.method == "HEAD":
        abort(405)
    try:
        parameters = read_parameters()
        if request.method == "POST":
            parse_logout_request(parameters)
            return redirect(url_for("logout.end_session", handle=_park(parameters)), 303)
        return _end_or_ask(_unpark(parameters))
    except ProtocolError as error:
        return show_unusable(error)


@blueprint.post("/oauth/logout/confirm")
def confirm() -> Response:
    """The end-user confirmed."""
    if not ActForm().validate_on_submit():
        return redirect(url_for("logout.end_session"), 303)
    try:
        return _end(_check(_unpark(Parameters({"handle": request.form.get("handle", "")}, {}))))
    except ProtocolError as error:
        return show_unusable(error)


@blueprint.post("/sign-out")
def leave() -> Response:
    """Our own button."""
    if not ActForm().validate_on_submit():
        return redirect(url_for("logout.end_session"), 303)
    return _end(Logout())


@blueprint.get("/signed-out")
@blueprint.get("/signed-out/<handle>")
def signed_out(handle: str = "") -> Response:
    """Where one is signed out, site by site; looks again each second until all have answered, 10 s at most."""
    parts = provider()
    with parts.database.reading() as tx:
        kept = pending.find_parked(tx, SIGNED_OUT, handle, parts.clock()) if handle else None
    sites = list_signed_out_sites(parts, kept["sid"], int(kept["at"])) if kept else []
    client = parts.clients.find(kept["client_id"]) if kept and kept.get("client_id") else None
    return render(
        "oauth/signed_out.html",
        sites=sites,
        is_waiting=any(site.told is Told.WAITING for site in sites),
        must_close=any(site.told is Told.NO for site in sites),
        client=client,
        way_back=client.uri if client else None,
    )


@blueprint.get("/signing-out/<handle>")
def tell_in_front(handle: str) -> Response:
    """The frames in which sites clear their own cookies (Front-Channel Logout 1.0 §3); goes on when they have loaded."""
    parts = provider()
    with parts.database.reading() as tx:
        kept = pending.find_parked(tx, SIGNED_OUT, handle, parts.clock())
    if kept is None:
        return redirect(url_for("logout.signed_out"), 303)
    frames = [
        (site.client.name, address)
        for site in list_signed_out_sites(parts, kept["sid"], int(kept["at"]))
        if (address := build_frame_address(site.client, parts.settings.server.issuer, kept["sid"], parts.master))
    ]
    set_directive("frame-src", *sorted({find_origin(address) for _, address in frames} or {"'none'"}))
    go_on = kept.get("location") or url_for("logout.signed_out", handle=handle)
    return render("oauth/signing_out.html", frames=frames, next=go_on)


def _end_or_ask(parameters: Parameters) -> Response:
    parts, logout, session = provider(), _check(parameters), browser_session.current_session()
    if session is None or not logout.must_ask(session.account_id, parts.master):
        return _end(logout)
    with parts.database.reading() as tx:
        account = accounts.get_account(tx, session.account_id)
    allow_form_target(logout.location)
    return render(
        "oauth/confirm_logout.html",
        account=account,
        client=logout.client,
        sites=list_open_sites(parts, session.sid),
        form=ActForm(formdata=None),
        handle=_park(parameters),
        way_back=find_way_back(logout.client),
    )


def _check(parameters: Parameters) -> Logout:
    parts = provider()
    issuer = parts.settings.server.issuer
    return check_logout(parse_logout_request(parameters), parts.keyring, parts.clients.find, issuer=issuer)


def leave_everywhere() -> Response:
    """End all that the person of this browser is signed in with, then to the page that says how it went here."""
    return _end(Logout(), everywhere=True)


def _end(logout: Logout, *, everywhere: bool = False) -> Response:
    """End the session of this browser, then to the site or to the page that says how it went."""
    session = browser_session.current_session()
    in_front = []
    if session is not None:
        in_front = sign_out(provider(), session.account_id, session.sid, everywhere=everywhere)
        browser_session.forget()
    if logout.location is not None and not in_front:
        return redirect(logout.location, 303)
    if session is None:
        return redirect(url_for("logout.signed_out"), 303)
    kept = {"sid": session.sid, "at": str(provider().clock())}
    if logout.client is not None:
        kept["client_id"] = logout.client.client_id
    if logout.location is not None:
        kept["location"] = logout.location
    page = "logout.tell_in_front" if in_front else "logout.signed_out"
    return redirect(url_for(page, handle=_keep(SIGNED_OUT, kept, SIGNED_OUT_SECONDS)), 303)


def _park(parameters: Parameters) -> str:
    return _keep(PARKED, dict(parameters.values), PARKED_SECONDS)


def _keep(purpose: str, values: dict[str, str], lifetime: int) -> str:
    parts = provider()
    with parts.database.transaction() as tx:
        return pending.park_request(tx, purpose, values, now=parts.clock(), lifetime=lifetime)


def _unpark(parameters: Parameters) -> Parameters:
    handle = parameters.get("handle")
    if handle is None or parameters.get("id_token_hint") is not None:
        return parameters
    parts = provider()
    with parts.database.reading() as tx:
        parked = pending.find_parked(tx, PARKED, handle, parts.clock())
    if parked is None:
        raise ProtocolError("invalid_request", "the request has expired", may_redirect=False)
    return Parameters(parked, {})
