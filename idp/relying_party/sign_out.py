"""Sign-out from both sides: the customer's button (RP-Initiated Logout), the provider's call (Back-Channel Logout)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from idp.relying_party import pages
from idp.relying_party.provider_client import InvalidToken, ProviderUnavailable

if TYPE_CHECKING:
    from idp.relying_party.site import Site


def routes(site: Site) -> Blueprint:
    """The routes of signing out."""
    blueprint = Blueprint("idp_sign_out", __name__)

    @blueprint.post("/sign-out")
    def leave() -> ResponseReturnValue:
        """Forget the customer here, then sign out at the provider (RP-Initiated Logout §2)."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return pages.sign_in_failed(site, "/", "origin")
        return sign_out(site)

    @blueprint.get("/signed-out")
    def signed_out() -> ResponseReturnValue:
        """Where the provider sends the browser afterwards."""
        return pages.signed_out()

    @blueprint.post("/back-channel-logout")
    def back_channel() -> ResponseReturnValue:
        """The provider says that a session ended (Back-Channel Logout §2.5–2.8)."""
        return take_logout_token(site, request.form.get("logout_token", ""))

    # The provider's call carries a signed token and no cookie; forms' CSRF protection has nothing to protect in it.
    back_channel.csrf_exempt = True  # type: ignore[attr-defined]
    return blueprint


def sign_out(site: Site) -> ResponseReturnValue:
    """End the session at this site and send the browser to the provider, which ends it everywhere."""
    session = site.session
    site.forget()
    if session is None:
        return redirect(site.url("/signed-out"), 303)
    site.store.end_session(session.sid, site.now)
    try:
        endpoint = str(site.provider.metadata()["end_session_endpoint"])
    except (ProviderUnavailable, KeyError):
        return pages.signed_out(only_here=True)
    query = {
        "id_token_hint": session.id_token,
        "client_id": site.client_id,
        "post_logout_redirect_uri": site.url("/signed-out"),
    }
    return redirect(f"{endpoint}?{urlencode(query)}", 303)


def take_logout_token(site: Site, text: str) -> Response:
    """End what a logout token names; a token is taken once (Back-Channel Logout §2.6)."""
    try:
        claims = site.provider.verify_logout_token(text, site.now)
    except InvalidToken as error:
        return _refuse(str(error))
    except ProviderUnavailable:
        return _refuse("keys", status=503)
    if site.store.is_first_use(claims["jti"], site.now):
        if claims.get("sid"):
            site.store.end_session(str(claims["sid"]), site.now)
        else:
            site.store.end_subject(str(claims["sub"]), site.now)
    response = Response(status=200)
    response.headers["Cache-Control"] = "no-store"
    return response


def _refuse(reason: str, status: int = 400) -> Response:
    response = jsonify(error="invalid_request", error_description=f"logout_token: {reason}")
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
