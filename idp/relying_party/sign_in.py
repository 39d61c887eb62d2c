"""The walk through the authorization endpoint and back to the page one came from (OpenID Connect Core §3.1, RFC 7636).

State, nonce and verifier travel in an encrypted cookie of their own for each walk, so that several tabs may sign in at
once and no other browser can finish a walk (RFC 9700 §4.7). Form input waits in the shared store.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from flask import Blueprint, make_response, redirect, request
from flask.typing import ResponseReturnValue

from idp.relying_party import pages
from idp.relying_party.provider_client import (
    GrantEnded,
    InvalidToken,
    ProviderUnavailable,
)
from idp.relying_party.site_session import begin_session

if TYPE_CHECKING:
    from idp.relying_party.site import Site

WALK_PURPOSE = "site-sign-in"
WALK_LIFE = 1800
LONGEST_TARGET = 1500
_STEPS = ("sign-in", "sign-in/callback", "sign-in/refused", "sign-out", "signed-out", "back-channel-logout")
LONGEST_INPUT = 65536


def routes(site: Site) -> Blueprint:
    """The routes of signing in."""
    blueprint = Blueprint("idp_sign_in", __name__, template_folder="templates")

    @blueprint.get("/sign-in")
    def begin() -> ResponseReturnValue:
        """Start here: from the site's own link, or from the provider (Core §4, `initiate_login_uri`)."""
        issuer = request.args.get("iss")
        if issuer and issuer.rstrip("/") != site.provider.issuer:
            return pages.sign_in_failed(site, "/", "issuer")
        target = local_path(site, request.args.get("target_link_uri") or request.args.get("target"))
        return start(site, target, login_hint=request.args.get("login_hint"))

    @blueprint.get("/sign-in/refused")
    def refused() -> ResponseReturnValue:
        """Where somebody lands whom the provider did not let in; the page can be loaded again."""
        return pages.denied(site, local_path(site, request.args.get("target")))

    @blueprint.get("/sign-in/callback")
    def callback() -> ResponseReturnValue:
        """The provider's answer."""
        return finish(site)

    return blueprint


def start_from_here(site: Site) -> ResponseReturnValue:
    """Sign in first, then back to this page; what a form sent is kept, and sent again when the customer says so."""
    if request.method in ("GET", "HEAD"):
        return start(site, _this_page(site))
    kept: dict[str, Any] | None = None
    if _is_own_form(site):
        kept = {"path": _this_page(site), "fields": list(request.form.items(multi=True))}
    return start(site, _this_page(site, with_query=False), kept=kept)


def start(
    site: Site, target: str, *, login_hint: str | None = None, kept: dict[str, Any] | None = None
) -> ResponseReturnValue:
    """Send the browser to the authorization endpoint (Core §3.1.2.1)."""
    nonce = secrets.token_urlsafe(24)
    extra = {"nonce": nonce, "target_link_uri": site.origin + target}
    if login_hint:
        extra["login_hint"] = login_hint[:255]
    try:
        url, state, verifier = site.provider.authorization_url(site.url("/sign-in/callback"), site.scope, **extra)
    except ProviderUnavailable:
        return pages.provider_unavailable()
    if kept is not None:
        site.store.keep_input(_hash(state), site.box.seal("site-input", kept), site.now)
    walk = {"state": state, "nonce": nonce, "verifier": verifier, "target": target, "until": site.now + WALK_LIFE}
    response = redirect(url, 303)
    site.set_cookie(response, _walk_cookie(site, state), site.box.seal(WALK_PURPOSE, walk), WALK_LIFE)
    response.headers["Cache-Control"] = "no-store"
    return response


def finish(site: Site) -> ResponseReturnValue:
    """Take the answer of the authorization endpoint (Core §3.1.2.5–7, RFC 9207)."""
    state = request.args.get("state", "")
    walk = site.box.open(WALK_PURPOSE, request.cookies.get(site.full_name(_walk_cookie(site, state))))
    if walk is None or walk["state"] != state or walk["until"] < site.now:
        return pages.sign_in_failed(site, "/", "state")
    target = str(walk["target"])
    if request.args.get("iss", site.provider.issuer) != site.provider.issuer:
        return _done(site, state, pages.sign_in_failed(site, target, "issuer"))
    if request.args.get("error"):
        return _done(site, state, _refused(site, target, request.args["error"]))
    try:
        tokens = site.provider.redeem_code(
            request.args.get("code", ""), site.url("/sign-in/callback"), str(walk["verifier"])
        )
        site.remember(begin_session(site.provider, tokens, str(walk["nonce"]), site.now))
    except ProviderUnavailable:
        return _done(site, state, pages.provider_unavailable())
    except (GrantEnded, InvalidToken, KeyError) as error:
        return _done(site, state, pages.sign_in_failed(site, target, str(error)))
    sealed = site.store.take_input(_hash(state), site.now)
    kept = site.box.open("site-input", sealed) if sealed else None
    if kept is not None:
        return _done(site, state, pages.send_again(kept["path"], kept["fields"]))
    return _done(site, state, redirect(target, 303))


def _refused(site: Site, target: str, error: str) -> ResponseReturnValue:
    """The provider's "no": refused there, or the customer went back. The answer's address works once, so it is left."""
    if error != "access_denied":
        return pages.sign_in_failed(site, target, error)
    return redirect(f"{site.prefix}/sign-in/refused?{urlencode({'target': target})}", 303)


def local_path(site: Site, text: str | None) -> str:
    """A page of this site from an address or path; the start page for whatever leads elsewhere (WB-6).

    Nor does anybody come back to a step of signing in or out.
    """
    if not text or len(text) > LONGEST_TARGET or any(ord(c) < 33 or c == "\\" for c in text):
        return "/"
    if text.startswith(site.origin + "/"):
        text = text.removeprefix(site.origin)
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//"):
        return "/"
    is_a_step = parts.path.startswith(site.prefix + "/") and parts.path.removeprefix(site.prefix + "/") in _STEPS
    return "/" if is_a_step else text


def _this_page(site: Site, *, with_query: bool = True) -> str:
    """The page that was asked for, written as in an address: a decoded tab or backslash would lead elsewhere (WB-6)."""
    path = quote(request.path, safe="/:@!$&'()*+,;=~")
    query = quote(request.query_string, safe="%/:?@!$&'()*+,;=~[]") if with_query else ""
    return local_path(site, f"{path}?{query}" if query else path)


def _is_own_form(site: Site) -> bool:
    """Whether a POST came from the site's own pages; input that another site sent is not kept."""
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    return (origin is None or origin == site.origin) and (request.content_length or 0) <= LONGEST_INPUT


def _done(site: Site, state: str, answer: ResponseReturnValue) -> ResponseReturnValue:
    response = make_response(answer)
    site.drop_cookie(response, _walk_cookie(site, state))
    response.headers["Cache-Control"] = "no-store"
    return response


def _walk_cookie(site: Site, state: str) -> str:
    return f"{site.cookie_name}_walk_{_hash(state)[:12]}"


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
