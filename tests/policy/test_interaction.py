"""The decision about an authorization request, as values (OpenID Connect Core §3.1.2; RD-16 to RD-19)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from idp.policy.interaction import Asked, ClientPolicy, Present, Step, decide

NOW = 1_800_000_000
BOB = frozenset({"bob"})
ASKED = Asked(scope=frozenset({"openid"}), prompt=frozenset(), max_age=None, subjects=None)
ADA = Present("ada", NOW - 100, is_idle=False, is_fresh=False, approval_status="approved", granted=frozenset())
OWN = ClientPolicy(require_approval=True, first_party=True)
FOREIGN = ClientPolicy(require_approval=False, first_party=False)
LOGIN, CONSENT, SELECT, NONE = (frozenset({word}) for word in ("login", "consent", "select_account", "none"))

TABLE = [
    ("nobody", ASKED, None, OWN, Step.SIGN_IN),
    ("somebody", ASKED, ADA, OWN, Step.ANSWER),
    ("idle", ASKED, replace(ADA, is_idle=True), OWN, Step.REAUTHENTICATE),
    ("idle and fresh", ASKED, replace(ADA, is_idle=True, is_fresh=True), OWN, Step.REAUTHENTICATE),
    ("login", replace(ASKED, prompt=LOGIN), ADA, OWN, Step.REAUTHENTICATE),
    ("login, done", replace(ASKED, prompt=LOGIN), replace(ADA, is_fresh=True), OWN, Step.ANSWER),
    ("young enough", replace(ASKED, max_age=100), ADA, OWN, Step.ANSWER),
    ("too old", replace(ASKED, max_age=99), ADA, OWN, Step.REAUTHENTICATE),
    ("age nought", replace(ASKED, max_age=0), replace(ADA, is_fresh=True), OWN, Step.ANSWER),
    ("select", replace(ASKED, prompt=SELECT), ADA, OWN, Step.SELECT_ACCOUNT),
    ("select, chosen", replace(ASKED, prompt=SELECT), replace(ADA, has_chosen=True), OWN, Step.ANSWER),
    ("select, signed in anew", replace(ASKED, prompt=SELECT), replace(ADA, is_fresh=True), OWN, Step.ANSWER),
    ("other hinted", replace(ASKED, subjects=BOB), ADA, OWN, Step.REAUTHENTICATE),
    ("other hinted, fresh", replace(ASKED, subjects=BOB), replace(ADA, is_fresh=True), OWN, Step.REFUSE),
    ("same hinted", replace(ASKED, subjects=frozenset({"ada", "bob"})), ADA, OWN, Step.ANSWER),
    ("nobody can be meant", replace(ASKED, subjects=frozenset()), ADA, OWN, Step.REAUTHENTICATE),
    ("bad hint", replace(ASKED, has_bad_hint=True), ADA, OWN, Step.REAUTHENTICATE),
    ("bad hint, fresh", replace(ASKED, has_bad_hint=True), replace(ADA, is_fresh=True), OWN, Step.ANSWER),
    ("pending", ASKED, replace(ADA, approval_status="pending"), OWN, Step.EXPLAIN_APPROVAL),
    ("suspended", ASKED, replace(ADA, approval_status="suspended"), OWN, Step.EXPLAIN_APPROVAL),
    ("pending elsewhere", ASKED, replace(ADA, approval_status="pending", has_consented=True), FOREIGN, Step.ANSWER),
    ("owes terms", ASKED, replace(ADA, owes_terms=True), OWN, Step.ACCEPT_TERMS),
    ("owes terms, pending", ASKED, replace(ADA, owes_terms=True, approval_status="pending"), OWN, Step.ACCEPT_TERMS),
    (
        "owes terms, chooses first",
        replace(ASKED, prompt=SELECT),
        replace(ADA, owes_terms=True),
        OWN,
        Step.SELECT_ACCOUNT,
    ),
    ("asks", ASKED, ADA, FOREIGN, Step.CONSENT),
    ("remembered", ASKED, replace(ADA, granted=frozenset({"openid", "email"})), FOREIGN, Step.ANSWER),
    ("asks again", replace(ASKED, prompt=CONSENT), replace(ADA, granted=frozenset({"openid"})), FOREIGN, Step.CONSENT),
    ("own asks if told", replace(ASKED, prompt=CONSENT), ADA, OWN, Step.CONSENT),
    ("consented", replace(ASKED, prompt=CONSENT), replace(ADA, has_consented=True), FOREIGN, Step.ANSWER),
    ("offline", replace(ASKED, scope=frozenset({"openid", "offline_access"})), ADA, OWN, Step.CONSENT),
]


@pytest.mark.parametrize(("asked", "present", "client", "step"), [r[1:] for r in TABLE], ids=[r[0] for r in TABLE])
def test_the_next_step(asked: Asked, present: Present | None, client: ClientPolicy, step: Step) -> None:
    """One decision for one set of values."""
    assert decide(asked, present, client, NOW).step is step


ERRORS = [
    (None, OWN, "login_required"),
    (replace(ADA, is_idle=True), OWN, "login_required"),
    (replace(ADA, approval_status="pending"), OWN, "interaction_required"),
    (ADA, FOREIGN, "consent_required"),
    (replace(ADA, owes_terms=True), OWN, "interaction_required"),
]


@pytest.mark.parametrize(("present", "client", "error"), ERRORS)
def test_silence_turns_every_page_into_its_error(present: Present | None, client: ClientPolicy, error: str) -> None:
    """RD-17."""
    decision = decide(replace(ASKED, prompt=NONE), present, client, NOW)
    assert (decision.step, decision.error) == (Step.REFUSE, error)
