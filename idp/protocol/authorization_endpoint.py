"""The authorization endpoint's steps: open a request, find the next step, answer (OpenID Connect Core §3.1.2).

Every step runs in the caller's one transaction and is decided anew from what the database says then. The end-user's rows
are held until the code is written, so that sign-out and a withdrawn approval come wholly before it or wholly after (RC-3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idp.errors import ProtocolError
from idp.keys.subject import subject_of
from idp.policy.authentication_context import find_acr
from idp.policy.consent import OFFLINE
from idp.policy.interaction import Asked, ClientPolicy, Decision, Present, Step, decide
from idp.policy.terms import TermsDemand
from idp.protocol.access_token import get_account, issue_access_token, sign_id_token
from idp.protocol.authorization_request import (
    AuthorizationRequest,
    allowed_scope,
    check_client,
    check_redirect_uri,
    check_request,
    find_acr_wish,
    known_scope,
    parse_authorization_request,
)
from idp.protocol.authorization_response import Reply, ReplyTo, build_error, build_success, find_response_mode
from idp.protocol.claims import scopes_of_claims
from idp.protocol.id_token import Bound
from idp.protocol.id_token_hint import read_hint
from idp.protocol.parameters import Parameters
from idp.protocol.session_management import build_session_state, make_browser_state
from idp.store import codes, grants, pending
from idp.store.end_users import EndUser, find_end_user
from idp.store.endings import note_session_client

if TYPE_CHECKING:
    from idp.config import LifetimeSettings
    from idp.protocol.access_token import Issuing
    from idp.protocol.id_token_hint import Verifier
    from idp.store.clients import RegisteredClient
    from idp.store.codes import Family
    from idp.store.database import Transaction
    from idp.store.pending import Pending


@dataclass(frozen=True, slots=True)
class Rules:
    """What the endpoint works with: who we are, how long things live, who verifies our own tokens."""

    issuer: str
    lifetimes: LifetimeSettings
    verifier: Verifier
    issuing: Issuing
    terms: TermsDemand = field(default_factory=TermsDemand)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sits at the browser, as its session cookie says."""

    account_id: str
    sid: str
    auth_time: int
    is_idle: bool


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request whose client and redirect URI hold: from here on errors may travel by redirect."""

    request: AuthorizationRequest
    client: RegisteredClient
    reply_to: ReplyTo
    parameters: Mapping[str, str]

    @property
    def scope(self) -> frozenset[str]:
        """What can be granted of what was asked."""
        return allowed_scope(self.request, self.client)

    @property
    def asked_scope(self) -> frozenset[str]:
        """What the end-user is asked about: also the scopes of claims that are asked for one by one (§5.5)."""
        places = self.request.claims.places.values()
        return self.scope | (scopes_of_claims({name for names in places for name in names}) & known_scope(self.client))


@dataclass(frozen=True, slots=True)
class NextStep:
    """The decision, and the end-user it was made for."""

    decision: Decision
    end_user: EndUser | None


def open_request(tx: Transaction, rules: Rules, parameters: Parameters) -> OpenRequest:
    """Parse, and check client and redirect URI. Raises `ProtocolError` that stays on our own page (RD-4)."""
    request = parse_authorization_request(parameters)
    client = check_client(rules.issuing.find_client(request.client_id))
    check_redirect_uri(request, client)
    mode = find_response_mode(request.response_type, request.response_mode)
    reply_to = ReplyTo(request.redirect_uri, request.state, rules.issuer, mode)
    return OpenRequest(request, client, reply_to, parameters.values)


def reopen_request(tx: Transaction, rules: Rules, waiting: Pending) -> OpenRequest:
    """The request that waited, checked again: the client may have been disabled or changed meanwhile (RD-14)."""
    opened = open_request(tx, rules, Parameters(waiting.request, {}))
    check_request(opened.request, opened.client)
    return opened


def find_next_step(
    tx: Transaction,
    rules: Rules,
    opened: OpenRequest,
    visitor: Visitor | None,
    waiting: Pending | None,
    now: int,
    *,
    has_consented: bool = False,
) -> NextStep:
    """Decide what happens next, with account and session as they are in this transaction."""
    end_user = find_end_user(tx, visitor.account_id, visitor.sid, now, hold=True) if visitor else None
    present = None
    if visitor is not None and end_user is not None:
        present = _describe(tx, rules, opened, visitor, end_user, waiting, has_consented=has_consented)
    policy = ClientPolicy(opened.client.require_approval, opened.client.first_party)
    return NextStep(decide(_describe_demand(rules, opened), present, policy, now), end_user)


def _describe_demand(rules: Rules, opened: OpenRequest) -> Asked:
    request = opened.request
    hint = read_hint(request.id_token_hint, rules.verifier, issuer=rules.issuer, client_id=request.client_id)
    subjects = request.claims.find_subjects()
    if hint is not None:
        subjects = frozenset({hint.subject}) if subjects is None else subjects & {hint.subject}
    return Asked(
        scope=opened.asked_scope,
        prompt=request.prompt,
        max_age=opened.client.default_max_age if request.max_age is None else request.max_age,
        subjects=subjects,
        has_bad_hint=request.id_token_hint is not None and hint is None,
    )


def _describe(
    tx: Transaction,
    rules: Rules,
    opened: OpenRequest,
    visitor: Visitor,
    end_user: EndUser,
    waiting: Pending | None,
    *,
    has_consented: bool,
) -> Present:
    is_bound = waiting is not None and waiting.is_bound_to(end_user.account_id, end_user.sid)
    return Present(
        subject=subject_of(end_user.account_id, opened.client.sector, rules.issuing.master),
        auth_time=end_user.auth_time,
        is_idle=visitor.is_idle,
        is_fresh=waiting is not None and waiting.has_fresh_sign_in(end_user.sid, end_user.auth_time),
        approval_status=end_user.approval_status,
        owes_terms=rules.terms.is_owed(end_user.terms_version),
        granted=grants.find_granted_scope(tx, end_user.account_id, opened.client.client_id),
        has_chosen=is_bound and waiting is not None and waiting.chosen_at is not None,
        has_consented=has_consented,
    )


def keep_waiting(
    tx: Transaction, rules: Rules, opened: OpenRequest, visitor: Visitor | None, browser_id: str, now: int
) -> Pending:
    """Keep the request while its end-user signs in or reads a page."""
    handle = pending.save_pending(
        tx,
        client_id=opened.client.client_id,
        request=opened.parameters,
        browser_id=browser_id,
        seen_sid=visitor.sid if visitor else None,
        seen_auth_time=visitor.auth_time if visitor else None,
        now=now,
        lifetime=rules.lifetimes.pending_authorization,
    )
    waiting = pending.find_pending(tx, handle, browser_id, now)
    if waiting is None:
        raise LookupError("the request just kept is not there")
    return waiting


def answer(
    tx: Transaction, rules: Rules, opened: OpenRequest, step: NextStep, waiting: Pending | None, now: int
) -> Reply:
    """Use the request up and answer it; out: what the browser takes to the client.

    Raises `ProtocolError` (our page) where another tab has answered it already.
    """
    end_user = step.end_user
    if waiting is not None and not pending.finish_pending(
        tx,
        waiting,
        account_id=end_user.account_id if end_user else None,
        sid=end_user.sid if end_user else None,
        now=now,
    ):
        raise ProtocolError("invalid_request", "this sign-in was finished already", may_redirect=False)
    if step.decision.step is Step.ANSWER and end_user is not None:
        return build_success(opened.reply_to, _issue(tx, rules, opened, end_user, now))
    return build_error(opened.reply_to, ProtocolError(step.decision.error or "access_denied"))


def _issue(tx: Transaction, rules: Rules, opened: OpenRequest, end_user: EndUser, now: int) -> dict[str, str]:
    """What the response type asks for, bound together (OpenID Connect Core §3.1.2.5, §3.2.2.5, §3.3.2.5)."""
    request, values = opened.request, dict[str, str]()
    family = _begin_family(tx, rules, opened, end_user, now)
    if "code" in request.answers:
        values["code"] = codes.issue_code(
            tx,
            family,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            lifetime=rules.lifetimes.code,
            now=now,
        )
    scopes = opened.scope - {OFFLINE}
    if "token" in request.answers:
        issued = issue_access_token(tx, rules.issuing, family, opened.client, scopes, now=now)
        values |= {name: str(value) for name, value in issued.items()}
    if "id_token" in request.answers:
        account = get_account(tx, end_user.account_id, opened.client)
        bound = Bound(values.get("access_token"), values.get("code"), request.state)
        values["id_token"] = sign_id_token(
            rules.issuing, family, account, opened.client, scopes, bound, is_first=True, now=now
        )
    if rules.issuer.startswith("https:"):
        browser_state = make_browser_state(rules.issuing.master, end_user.sid)
        client_id, redirect_uri = opened.client.client_id, request.redirect_uri
        values["session_state"] = build_session_state(client_id, redirect_uri, browser_state)
    return values


def _begin_family(tx: Transaction, rules: Rules, opened: OpenRequest, end_user: EndUser, now: int) -> Family:
    note_session_client(tx, end_user.sid, opened.client.client_id, now)
    offline = OFFLINE in opened.scope
    return codes.begin_family(
        tx,
        account_id=end_user.account_id,
        client_id=opened.client.client_id,
        scope=" ".join(sorted(opened.scope)),
        nonce=opened.request.nonce,
        acr=find_acr(find_acr_wish(opened.request, opened.client), end_user.amr),
        claims=opened.request.claims.dump(),
        resources=" ".join(opened.request.resources),
        sid=end_user.sid,
        auth_time=end_user.auth_time,
        amr=end_user.amr,
        kept=end_user.kept,
        session_expires_at=end_user.session_expires_at,
        offline=offline,
        expires_at=now + rules.lifetimes.offline_total if offline else end_user.session_expires_at,
        now=now,
    )
