"""`/sign-in`: user name or e-mail address and password; on the way to a site, to a page of ours, or to the dashboard.

`request` in the address is the handle of an authorization request that waits in this browser, `next` a page of ours;
everything else about the way is on the server (RD-14, WB-6). After sign-in the authorization endpoint decides anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, redirect, request, session, url_for

from idp.accounts.old_portal import find_incomplete
from idp.accounts.sign_in import SignInRequest, sign_in
from idp.errors import Refusal
from idp.store import accounts, clients, pending
from idp.web import browser_session, language
from idp.web.account.forms import SignInForm
from idp.web.context import provider
from idp.web.form_targets import allow_site
from idp.web.local_paths import parse_next
from idp.web.oauth.authorize import wants_sign_in
from idp.web.oauth.interaction_pages import find_client_of, find_way_back
from idp.web.pages import render
from idp.web.refusals import words_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from idp.store.accounts import Account
    from idp.store.clients import RegisteredClient
    from idp.web.browser_session import SignedIn

blueprint = Blueprint("sign_in", __name__)

KEPT_WAY = "way"
"""Where one was going, in the form cookie, while a new password is chosen."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where the person goes after signing in."""

    handle: str | None
    next_path: str | None
    client: RegisteredClient | None
    login_hint: str
    is_lost: bool
    """A site's request was named that does not wait here any more."""


@dataclass(frozen=True, slots=True)
class Before:
    """Who is signed in already in this browser; `wants_other` where somebody else asked to sign in.

    `again`: a page of ours asks for the password once more, whoever is signed in.
    """

    signed_in: SignedIn | None
    account: Account | None
    wants_other: bool
    again: bool = False


@blueprint.route("/sign-in", methods=["GET", "POST"])
def page() -> Response:
    """Show the form, or sign in and go on."""
    before, way = _who_was_here(), parse_way()
    if request.method == "GET" and _needs_no_sign_in(before, way):
        return _here_already(before) if way.is_lost else go_on(way)
    form = SignInForm()
    if not form.validate_on_submit():
        return sign_in_page(form, way, before, status=422 if form.is_submitted() else 200)
    wish = SignInRequest(
        identifier=form.username.data,
        password=form.password.data,
        keep=form.keep.data,
        caller=browser_session.caller(),
        current_sid=before.signed_in.sid if before.signed_in else None,
    )
    try:
        started = sign_in(provider(), wish)
    except Refusal as refusal:
        return _refuse(form, way, before, refusal)
    browser_session.start(started)
    if find_incomplete(provider(), started.session.account_id) is not None:
        return redirect(url_for("old_portal.complete", **here_of(way)), 303)
    return go_on(way)


def parse_way() -> Way:
    """Read the way from the address: the waiting request of this browser, or a page of ours."""
    handle = request.args.get("request", "")
    next_path = parse_next(request.args.get("next"))
    waiting = None
    if handle:
        parts, browser = provider(), browser_session.browser_id()
        with parts.database.reading() as tx:
            waiting = pending.find_pending(tx, handle, browser, parts.clock())
            client = clients.find_client(tx, waiting.client_id) if waiting else None
    if waiting is None:
        return Way(None, next_path, None, "", is_lost=bool(handle))
    language.prefer(waiting.request.get("ui_locales", ""))
    if client is not None:
        allow_site(client, waiting.request.get("redirect_uri"))  # signing in may lead straight to the site (WB-3)
    return Way(handle, None, client, waiting.request.get("login_hint", "")[:254], is_lost=False)


def here_of(way: Way) -> dict[str, Any]:
    """What an address of ours needs to keep the way."""
    return {name: value for name, value in (("request", way.handle), ("next", way.next_path)) if value}


def go_on(way: Way) -> Response:
    """To the site's request, the page that was asked for, or the dashboard."""
    if way.handle:
        return redirect(f"{request.script_root}/oauth/continue/{way.handle}", 303)
    return redirect(request.script_root + way.next_path if way.next_path else url_for("dashboard.page"), 303)


def sign_in_page(form: SignInForm, way: Way, before: Before, *, status: int = 200, problem: str = "") -> Response:
    """The page in the state that fits: on the way to a site, again after a pause, somebody else, refused."""
    asked_again = before.account is not None and not before.wants_other
    if not form.is_submitted():
        form.username.data = before.account.user_name if before.account and asked_again else way.login_hint
    here: dict[str, Any] = {name: request.args[name] for name in ("request", "next", "again") if name in request.args}
    return render(
        "sign_in/sign_in.html",
        status,
        form=form,
        client=way.client,
        request_is_lost=way.is_lost,
        account=before.account if asked_again else None,
        is_idle=bool(before.signed_in and before.signed_in.is_idle),
        is_asked_again=before.again,
        is_unlocked="unlocked" in request.args and not form.is_submitted(),
        problem=problem,
        action=url_for("sign_in.page", **here),
        other=url_for("sign_in.page", **here, other=1),
        here=here_of(way),
    )


def first_page() -> Response:
    """The sign-in page as the provider's first page, for somebody who is not signed in."""
    nobody = Before(None, None, wants_other=False)
    return sign_in_page(SignInForm(formdata=None), Way(None, None, None, "", is_lost=False), nobody)


def _who_was_here() -> Before:
    signed_in = browser_session.current_session()
    if signed_in is None:
        return Before(None, None, wants_other=False)
    with provider().database.reading() as tx:
        account = accounts.find_account(tx, signed_in.account_id)
    again = "again" in request.args and not browser_session.is_fresh(signed_in)
    return Before(signed_in, account, wants_other="other" in request.args, again=again)


def _needs_no_sign_in(before: Before, way: Way) -> bool:
    """Signed in already, and no site asks for more; the same decision is made again where the way goes on."""
    is_here = before.signed_in is not None and before.account is not None and not before.signed_in.is_idle
    if not is_here or before.wants_other or before.again:
        return False
    return way.handle is None or not wants_sign_in(way.handle)


def _here_already(before: Before) -> Response:
    """The site's request is over (Back after signing in, say) and nothing asks for a password: the ways on from here."""
    handle = request.args.get("request", "")
    client = find_client_of(handle)
    return render(
        "sign_in/here_already.html",
        account=before.account,
        client=client,
        way_back=find_way_back(client),
        other=url_for("sign_in.page", request=handle, other=1),
    )


def _refuse(form: SignInForm, way: Way, before: Before, refusal: Refusal) -> Response:
    """One sentence for all that failed (EN-1); waiting is told before anything was looked at.

    A temporary password leads to the page for a new one, and to nothing else (F-2.5); a password of the old portal whose
    time is over to the page that says why.
    """
    if refusal.key == "sign_in.temporary":
        session[KEPT_WAY] = here_of(way)
        return redirect(url_for("forgot.follow_link", token=refusal.details["token"]), 303)
    if refusal.key == "sign_in.closing":
        return redirect(url_for("data.reopen", token=refusal.details["token"]), 303)
    if refusal.key == "sign_in.old_hash_over":
        return redirect(url_for("forgot.page", why="old-password", **here_of(way)), 303)
    problem = words_of(refusal, customer_care=provider().settings.mail.customer_care)
    is_waiting = refusal.key == "sign_in.slowed_down"
    response = sign_in_page(form, way, before, status=429 if is_waiting else 422, problem=problem)
    until = refusal.details.get("until")
    if is_waiting and isinstance(until, int):
        response.headers["Retry-After"] = str(max(1, min(until - provider().clock(), 86400)))
    return response
