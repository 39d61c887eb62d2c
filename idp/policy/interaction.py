"""What happens next with a sound authorization request: one decision over request, session, approval and consent.

Asked anew after every step (sign-in, choice, consent), so that steps never call each other and none can be skipped by
going back, reloading or a second tab (RD-18). With prompt=none every step turns into its error (RD-17).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from idp.policy.consent import needs_consent
from idp.policy.sign_in_strength import needs_new_sign_in

APPROVED = "approved"


@unique
class Step(Enum):
    """The next step."""

    SIGN_IN = "sign_in"
    REAUTHENTICATE = "reauthenticate"
    SELECT_ACCOUNT = "select_account"
    ACCEPT_TERMS = "accept_terms"
    EXPLAIN_APPROVAL = "explain_approval"
    CONSENT = "consent"
    ANSWER = "answer"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the request demands. `subjects`: who may be meant, None for anybody.

    `has_bad_hint`: an `id_token_hint` came that says nothing; who signs in now is right.
    """

    scope: frozenset[str]
    prompt: frozenset[str]
    max_age: int | None
    subjects: frozenset[str] | None
    has_bad_hint: bool = False


@dataclass(frozen=True, slots=True)
class Present:
    """Who is there; `subject` as the client sees them.

    `is_fresh`: authenticated after the request came. `owes_terms`: other terms of use came into force. `has_chosen`,
    `has_consented`: in this request.
    """

    subject: str
    auth_time: int
    is_idle: bool
    is_fresh: bool
    approval_status: str
    granted: frozenset[str]
    owes_terms: bool = False
    has_chosen: bool = False
    has_consented: bool = False


@dataclass(frozen=True, slots=True)
class ClientPolicy:
    """What the client's registration says."""

    require_approval: bool
    first_party: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """The step, and for REFUSE the error that the client is told."""

    step: Step
    error: str = ""


_SILENT_ERRORS = {
    Step.SIGN_IN: "login_required",
    Step.REAUTHENTICATE: "login_required",
    Step.SELECT_ACCOUNT: "account_selection_required",
    Step.ACCEPT_TERMS: "interaction_required",
    Step.EXPLAIN_APPROVAL: "interaction_required",
    Step.CONSENT: "consent_required",
}


def decide(asked: Asked, present: Present | None, client: ClientPolicy, now: int) -> Decision:
    """The next step of an authorization request."""
    decision = _decide(asked, present, client, now)
    if "none" in asked.prompt and decision.step in _SILENT_ERRORS:
        return Decision(Step.REFUSE, _SILENT_ERRORS[decision.step])
    return decision


def _decide(asked: Asked, present: Present | None, client: ClientPolicy, now: int) -> Decision:
    if present is None:
        return Decision(Step.SIGN_IN)
    if asked.has_bad_hint and not present.is_fresh:
        return Decision(Step.REAUTHENTICATE)
    if asked.subjects is not None and present.subject not in asked.subjects:
        # Somebody else is signed in: the right person may sign in, once (OpenID Connect Core §3.1.2.1).
        return Decision(Step.REFUSE, "login_required") if present.is_fresh else Decision(Step.REAUTHENTICATE)
    if needs_new_sign_in(
        prompt=asked.prompt,
        max_age=asked.max_age,
        auth_time=present.auth_time,
        is_idle=present.is_idle,
        is_fresh=present.is_fresh,
        now=now,
    ):
        return Decision(Step.REAUTHENTICATE)
    return _ask(asked, present, client)


def _ask(asked: Asked, present: Present, client: ClientPolicy) -> Decision:
    """What somebody who is signed in well enough has still to choose, to read or to permit."""
    if "select_account" in asked.prompt and not (present.is_fresh or present.has_chosen):
        return Decision(Step.SELECT_ACCOUNT)
    if present.owes_terms:
        return Decision(Step.ACCEPT_TERMS)
    if client.require_approval and present.approval_status != APPROVED:
        return Decision(Step.EXPLAIN_APPROVAL)
    if needs_consent(
        asked.scope,
        present.granted,
        first_party=client.first_party,
        prompt=asked.prompt,
        has_consented=present.has_consented,
    ):
        return Decision(Step.CONSENT)
    return Decision(Step.ANSWER)
