"""The authorization endpoint and its pages (OpenID Connect Core §3.1.2; RFC 9700 §2.1, §4.11).

GET and POST; a POST comes from another site and so without cookies: it is parked and comes back as a GET with a handle.
Sign-in pages send the person to `/oauth/continue/<handle>`, where what happens next is decided anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog
from flask import Blueprint, Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from idp import mail
from idp.accounts.terms import accept_within
from idp.errors import ProtocolError
from idp.policy.interaction import Decision, Step
from idp.protocol import authorization_endpoint as endpoint
from idp.protocol.access_token import with_envelope
from idp.protocol.authorization_request import check_request
from idp.protocol.authorization_response import Reply, build_error
from idp.protocol.endpoint import Answer
from idp.protocol.parameters import Parameters
from idp.protocol.request_object import RequestObjects, merge_request_object
from idp.store import accounts, audit, grants, pending
from idp.web.browser_session import SignedIn, browser_id, client_address, current_session
from idp.web.context import provider
from idp.web.csrf import from_other_sites
from idp.web.oauth import interaction_pages as pages
from idp.web.oauth.machine import respond
from idp.web.oauth.parameters import read_parameters
from idp.web.oauth.token import build_issuing

if TYPE_CHECKING:
    from collections.abc import Callable

    from idp.protocol.access_token import Issuing
    from idp.provider import Provider
    from idp.store.database import Transaction

blueprint = Blueprint("authorize", __name__)
log = structlog.get_logger("idp.web.oauth.authorize")

OBJECT = "application/oauth-authz-req+jwt, application/jwt"
PARKED, READ = "parked-authorization", "parked-authorization-read"
PARKED_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step ended in: an address of ours to go to, a page to show, or an answer for the client."""

    location: str = ""
    page: pages.Page | None = None
    reply: Reply | None = None


@blueprint.route("/oauth/authorize", methods=["GET", "POST"], provide_automatic_options=False)
@from_other_sites
def authorize() -> AnyResponse:
    """Take an authorization request."""
    if request.method == "HEAD":
        abort(405)
    try:
        parameters = read_parameters()
        if request.method == "POST":
            return _park(parameters)
        sent, is_read = _unpark(parameters)
        try:
            merged = sent if is_read else _merge(sent)
        except ProtocolError as error:
            return _answer(_refuse_object(sent, error))
        visitor, browser = _visitor(), browser_id()
        return _answer(
            with_envelope(
                build_issuing(provider()), lambda issuing: begin(provider(), issuing, merged, visitor, lambda: browser)
            )
        )
    except ProtocolError as error:
        return pages.show_unusable(error)


@blueprint.route("/oauth/continue/<handle>", methods=["GET", "POST"], provide_automatic_options=False)
def go_on(handle: str) -> AnyResponse:
    """Go on with a request that waited: decide anew (GET), or take what a page of ours was answered with (POST)."""
    if request.method == "HEAD":
        abort(405)
    form = pages.StepForm()
    if request.method == "POST" and not form.validate():
        return redirect(url_for("authorize.go_on", handle=handle), 303)
    try:
        sent = form if request.method == "POST" else None
        return _answer(with_envelope(build_issuing(provider()), lambda issuing: _go_on(issuing, handle, sent)))
    except ProtocolError as error:
        return pages.show_unusable(error, handle)


def wants_sign_in(handle: str) -> bool:
    """Whether who is signed in here has to sign in (again) for this waiting request; one that is over wants nothing."""
    parts, visitor, browser = provider(), _visitor(), browser_id(create=False)
    rules, now = _rules(parts, build_issuing(parts)), parts.clock()
    with parts.database.transaction(durable=False) as tx:
        waiting = pending.find_pending(tx, handle, browser, now)
        if waiting is None:
            return False
        try:
            opened = endpoint.reopen_request(tx, rules, waiting)
        except ProtocolError:
            return False
        step = endpoint.find_next_step(tx, rules, opened, visitor, waiting, now)
        return step.end_user is None or step.decision.step in (Step.SIGN_IN, Step.REAUTHENTICATE)


def _answer(outcome: Outcome) -> AnyResponse:
    if outcome.page is not None:
        return pages.show(outcome.page)
    if outcome.reply is not None:
        return pages.post_reply(outcome.reply) if outcome.reply.is_form else respond(send_back(outcome.reply))
    return redirect(outcome.location, 303)


def send_back(reply: Reply) -> Answer:
    """The redirect that takes an answer to the client: 303, also after a form (RD-12)."""
    return Answer(303, (("Location", reply.location),))


def _rules(parts: Provider, issuing: Issuing) -> endpoint.Rules:
    demand = parts.terms.demand(parts.clock())
    return endpoint.Rules(issuing.issuer, issuing.lifetimes, issuing.keyring, issuing, demand)


def _visitor() -> endpoint.Visitor | None:
    session = current_session()
    return None if session is None else as_visitor(session)


def as_visitor(session: SignedIn) -> endpoint.Visitor:
    """Who sits at the browser, for the endpoint's steps."""
    return endpoint.Visitor(session.account_id, session.sid, session.auth_time, session.is_idle)


def _merge(parameters: Parameters) -> Parameters:
    """With the parameters of a request object, which may have to be fetched; so before any transaction."""
    parts = provider()
    objects = RequestObjects(
        parts.settings.server.issuer, parts.clients.find, parts.client_keys, partial(parts.fetcher.get, accept=OBJECT)
    )
    return merge_request_object(parameters, objects, parts.clock())


def _refuse_object(parameters: Parameters, error: ProtocolError) -> Outcome:
    """Tell the client that its request object is not taken, if what stands beside it says where to."""
    is_known = _visitor() is not None
    with provider().database.reading() as tx:
        opened = endpoint.open_request(tx, _rules(provider(), build_issuing(provider())), parameters)
    return _refuse_request(opened, error, is_known=is_known)


def _park(parameters: Parameters) -> Response | AnyResponse:
    """Keep a POST and come back with cookies; what is wrong with client or redirect URI is said at once.

    A request object is read now, once, and its parameters are kept; one that is not taken is refused when the GET comes.
    """
    parts, purpose = provider(), READ
    try:
        parameters = _merge(parameters)
    except ProtocolError:
        purpose = PARKED
    now = parts.clock()
    with parts.database.transaction() as tx:
        endpoint.open_request(tx, _rules(parts, build_issuing(parts)), parameters)
        values = {**parameters.values, **dict.fromkeys(parameters.faults, "")}
        handle = pending.park_request(tx, purpose, values, now=now, lifetime=PARKED_SECONDS)
    return redirect(url_for("authorize.authorize", handle=handle), 303)


def _unpark(parameters: Parameters) -> tuple[Parameters, bool]:
    """The parked parameters, where the request is only a handle, and whether their request object was read already.

    A parked fault has no value.
    """
    handle = parameters.get("handle")
    if handle is None or parameters.get("client_id") is not None:
        return parameters, False
    parts = provider()
    with parts.database.reading() as tx:
        read = pending.find_parked(tx, READ, handle, parts.clock())
        parked = read or pending.find_parked(tx, PARKED, handle, parts.clock())
    if parked is None:
        raise ProtocolError("invalid_request", "the request has expired", may_redirect=False)
    values = {name: value for name, value in parked.items() if value}
    return Parameters(values, {name: "not sound" for name, value in parked.items() if not value}), read is not None


def begin(
    parts: Provider,
    issuing: Issuing,
    parameters: Parameters,
    visitor: endpoint.Visitor | None,
    browser: Callable[[], str],
) -> Outcome:
    """The first step of a request: answered at once, or kept, for this browser, until somebody has signed in or read a page.

    What `browser` raises ends the step, and nothing of it stays.
    """
    rules, now = _rules(parts, issuing), parts.clock()
    with parts.database.transaction(durable=False) as tx:
        opened = endpoint.open_request(tx, rules, parameters)
        try:
            check_request(opened.request, opened.client)
        except ProtocolError as error:
            return _refuse_request(opened, error, is_known=visitor is not None)
        step = endpoint.find_next_step(tx, rules, opened, visitor, None, now)
        if step.decision.step in (Step.ANSWER, Step.REFUSE):
            return Outcome(reply=endpoint.answer(tx, rules, opened, step, None, now))
        waiting = endpoint.keep_waiting(tx, rules, opened, visitor if step.end_user else None, browser(), now)
        return _stop_at(step.decision.step, waiting)


def _refuse_request(opened: endpoint.OpenRequest, error: ProtocolError, *, is_known: bool) -> Outcome:
    """Tell the client by redirect; a stranger first sees where the link leads (RD-13; RFC 9700 §4.11.2)."""
    reply = build_error(opened.reply_to, error)
    log.info(
        "authorization request refused",
        client_id=opened.client.client_id,
        error=error.error,
        why=error.detail or error.description,
    )
    if is_known or opened.request.is_silent:
        return Outcome(reply=reply)
    return Outcome(page=pages.Page("refused_request", opened, reply=reply, error=error))


def _stop_at(step: Step, waiting: pending.Pending) -> Outcome:
    if step in (Step.SIGN_IN, Step.REAUTHENTICATE):
        return Outcome(_sign_in_page(waiting))
    return Outcome(url_for("authorize.go_on", handle=waiting.handle))


def _sign_in_page(waiting: pending.Pending, *, wants_other: bool = False) -> str:
    return url_for("sign_in.page", request=waiting.handle, other=1 if wants_other else None)


def _go_on(issuing: Issuing, handle: str, form: pages.StepForm | None) -> Outcome:
    parts, visitor = provider(), _visitor()
    rules = _rules(parts, issuing)
    browser, now = browser_id(create=False), parts.clock()
    with parts.database.transaction(durable=form is not None) as tx:
        waiting = pending.find_pending(tx, handle, browser, now)
        if waiting is None:
            raise ProtocolError("invalid_request", "the request is finished or has expired", may_redirect=False)
        opened = endpoint.reopen_request(tx, rules, waiting)
        step = endpoint.find_next_step(tx, rules, opened, visitor, waiting, now)
        if form is not None and visitor is not None and form.answers(parts.master, opened, waiting, step.end_user):
            step = _take_wish(tx, rules, opened, visitor, waiting, step, form.wish.data or "", now)
        if step.decision.step in (Step.ANSWER, Step.REFUSE):
            return Outcome(reply=endpoint.answer(tx, rules, opened, step, waiting, now))
        wants_other = form is not None and form.wish.data == "other"
        if step.end_user is None or step.decision.step in (Step.SIGN_IN, Step.REAUTHENTICATE) or wants_other:
            pending.release_pending(tx, waiting)
            return Outcome(_sign_in_page(waiting, wants_other=wants_other))
        if form is not None:
            return _stop_at(step.decision.step, waiting)
        pending.bind_pending(tx, waiting, account_id=step.end_user.account_id, sid=step.end_user.sid)
        return Outcome(page=pages.Page(step.decision.step.value, opened, end_user=step.end_user, waiting=waiting))


def _take_wish(
    tx: Transaction,
    rules: endpoint.Rules,
    opened: endpoint.OpenRequest,
    visitor: endpoint.Visitor,
    waiting: pending.Pending,
    step: endpoint.NextStep,
    wish: str,
    now: int,
) -> endpoint.NextStep:
    """What the end-user said, if it is what this step asks; anything else leaves the step as it is."""
    asked = step.decision.step
    if step.end_user is None:
        return step
    if (asked, wish) in ((Step.CONSENT, "deny"), (Step.EXPLAIN_APPROVAL, "leave"), (Step.ACCEPT_TERMS, "leave")):
        return endpoint.NextStep(Decision(Step.REFUSE, "access_denied"), step.end_user)
    if asked is Step.ACCEPT_TERMS and wish.startswith(f"accept:{rules.terms.version}:"):
        read = {"version": rules.terms.version, "language": wish.rpartition(":")[2], "address": client_address()}
        accept_within(provider(), tx, visitor.account_id, now=now, **read)
        return endpoint.find_next_step(tx, rules, opened, visitor, waiting, now)
    if (asked, wish) == (Step.CONSENT, "approve"):
        client_id, owner = opened.client.client_id, visitor.account_id
        is_new = not grants.find_granted_scope(tx, owner, client_id)
        grants.save_grant(tx, owner, client_id, opened.asked_scope, now)
        if is_new:
            to = mail.to_account(accounts.get_account(tx, owner))
            mail.site_permitted(provider(), tx, to=to, site_name=opened.client.name)
        audit.record(
            tx,
            "consent_given",
            now=now,
            actor_kind="customer",
            actor=owner,
            account_id=owner,
            client_id=client_id,
            address=client_address(),
            details={"scope": " ".join(sorted(opened.asked_scope))},
        )
        return endpoint.find_next_step(tx, rules, opened, visitor, waiting, now, has_consented=True)
    if (asked, wish) == (Step.SELECT_ACCOUNT, "continue"):
        pending.choose_account(tx, waiting, account_id=visitor.account_id, now=now)
    return step
