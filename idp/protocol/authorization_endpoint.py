"""The authorization endpoint's steps: open a request, find the next step, answer (OpenID Connect Core §3.1.2).

Every step runs in the caller's one transaction and is decided anew from what the database says then. The end-user's rows
are held until the code is written, so that sign-out and a withdrawn approval come wholly before it or wholly after (RC-3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.errors import ProtocolError
from idp.keys.subject import subject_of
from idp.policy.consent import OFFLINE
from idp.policy.interaction import Asked, ClientPolicy, Decision, Present, Step, decide
from idp.protocol.authorization_request import (
    AuthorizationRequest,
    allowed_scope,
    check_client,
    check_redirect_uri,
    check_request,
    parse_authorization_request,
)
from idp.protocol.authorization_response import ReplyTo, build_error, build_success
from idp.protocol.id_token_hint import read_hint
from idp.protocol.parameters import Parameters
from idp.store import codes, grants, pending
from idp.store.clients import find_client
from idp.store.end_users import EndUser, find_end_user
from idp.store.endings import note_session_client

if TYPE_CHECKING:
    from idp.config import LifetimeSettings
    from idp.keys.master import MasterKey
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
    master: MasterKey


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


@dataclass(frozen=True, slots=True)
class NextStep:
    """The decision, and the end-user it was made for."""

    decision: Decision
    end_user: EndUser | None


def open_request(tx: Transaction, rules: Rules, parameters: Parameters) -> OpenRequest:
    """Parse, and check client and redirect URI. Raises `ProtocolError` that stays on our own page (RD-4)."""
    request = parse_authorization_request(parameters)
    client = check_client(find_client(tx, request.client_id))
    check_redirect_uri(request, client)
    return OpenRequest(request, client, ReplyTo(request.redirect_uri, request.state, rules.issuer), parameters.values)


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
    return Asked(
        scope=opened.scope,
        prompt=request.prompt,
        max_age=opened.client.default_max_age if request.max_age is None else request.max_age,
        hinted_subject=hint.subject if hint else None,
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
        subject=subject_of(end_user.account_id, opened.client.sector, rules.master),
        auth_time=end_user.auth_time,
        is_idle=visitor.is_idle,
        is_fresh=waiting is not None and waiting.has_fresh_sign_in(end_user.sid, end_user.auth_time),
        approval_status=end_user.approval_status,
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
) -> str:
    """Use the request up and answer it; out: the address to send the browser to.

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
        return build_success(opened.reply_to, _issue_code(tx, rules, opened, end_user, now))
    return build_error(opened.reply_to, ProtocolError(step.decision.error or "access_denied"))


def _issue_code(tx: Transaction, rules: Rules, opened: OpenRequest, end_user: EndUser, now: int) -> str:
    family = _begin_family(tx, rules, opened, end_user, now)
    return codes.issue_code(
        tx,
        family,
        redirect_uri=opened.request.redirect_uri,
        code_challenge=opened.request.code_challenge,
        lifetime=rules.lifetimes.code,
        now=now,
    )


def _begin_family(tx: Transaction, rules: Rules, opened: OpenRequest, end_user: EndUser, now: int) -> Family:
    note_session_client(tx, end_user.sid, opened.client.client_id, now)
    offline = OFFLINE in opened.scope
    return codes.begin_family(
        tx,
        account_id=end_user.account_id,
        client_id=opened.client.client_id,
        scope=" ".join(sorted(opened.scope)),
        nonce=opened.request.nonce,
        sid=end_user.sid,
        auth_time=end_user.auth_time,
        amr=end_user.amr,
        kept=end_user.kept,
        session_expires_at=end_user.session_expires_at,
        offline=offline,
        expires_at=now + rules.lifetimes.offline_total if offline else end_user.session_expires_at,
        now=now,
    )
