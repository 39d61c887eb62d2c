"""Approval by rule and by staff: one winner, one row, one mail, and the claim changes at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from idp import create_app
from idp.accounts import approval
from idp.accounts.approval import Actor
from idp.config import DatabaseSettings
from idp.errors import Refusal
from idp.policy.approval import Status
from idp.policy.rules import Rule
from idp.provider import Provider
from idp.store import accounts, approvals, audit, closings, outbox
from idp.store.accounts import Account
from idp.store.database import Statement, Transaction
from tests.support.rules import add_rules
from tests.test_smoke import settings_in

NOW = 1_800_000_000

_ADD_DEVICE = Statement(
    "INSERT INTO devices (account_id, serial_number, created_at) VALUES (:account_id, :serial, :now)"
)
_MAILS = Statement("SELECT name FROM outbox WHERE kind = 'mail' ORDER BY outbox_id")


def open_provider(folder: Path, url: str, **registration: int) -> Provider:
    """A provider on a database; a second one on the same is a second instance."""
    settings = settings_in(folder)
    settings = settings.model_copy(
        update={
            "database": DatabaseSettings(url=url),
            "registration": settings.registration.model_copy(update=registration),
        }
    )
    made: Provider = create_app(settings, clock=lambda: NOW).extensions["idp"]
    return made


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    """A provider on an empty SQLite database."""
    return open_provider(tmp_path, f"sqlite:///{tmp_path}/idp.sqlite3")


@pytest.fixture
def instances(tmp_path: Path, database_url: str) -> list[Provider]:
    """Two instances on one database; the test runs on SQLite and on PostgreSQL."""
    return [open_provider(tmp_path, database_url) for _ in range(2)]


def add(tx: Transaction, name: str, *, status: str = "pending", roles: str = "", serial: str | None = None) -> Account:
    """An account, with a device where one is named."""
    account = accounts.insert_account(
        tx,
        email=f"{name}@lab.example",
        user_name=name,
        given_name=name.title(),
        family_name="Test",
        company="Lab",
        country="DE",
        approval_status=status,
        roles=roles,
        now=NOW - 100,
    )
    if serial:
        tx.run(_ADD_DEVICE, account_id=account.account_id, serial=serial, now=NOW - 100)
    return account


def mails(provider: Provider) -> list[str]:
    """The mails that were written, in order."""
    with provider.database.reading() as tx:
        return [row["name"] for row in tx.all(_MAILS)]


def read(provider: Provider, account: Account) -> Account:
    """The account as it is now."""
    with provider.database.reading() as tx:
        return accounts.get_account(tx, account.account_id)


def test_a_rule_approves_with_row_mail_and_audit_line(provider: Provider) -> None:
    """Row, mail and audit line come with the change (RG-8, RG-9)."""
    with provider.database.transaction() as tx:
        add_rules(tx, Rule("family-AB", serial_families=frozenset({"AB"})), now=NOW)
        account = add(tx, "anna", serial="AB123Z")
        verdict = approval.review(provider, tx, account.account_id)
    assert (verdict.outcome, verdict.rule_key) == ("approve", "family-AB")
    after = read(provider, account)
    assert (after.approval_status, after.approval_updated_at) == ("approved", NOW)
    assert mails(provider) == ["approved"]
    with provider.database.reading() as tx:
        (decision,) = approvals.list_decisions(tx, account.account_id)
        assert (decision.actor_kind, decision.actor, decision.old_status) == ("rule", "family-AB", "pending")
        assert [event.act for event in audit.list_events(tx, account.account_id)] == ["approval_changed"]


def test_without_a_rule_the_application_waits(provider: Provider) -> None:
    """No rule holds: the queue, and a mail that says so (F-1.8)."""
    with provider.database.transaction() as tx:
        add_rules(tx, Rule("family-AB", serial_families=frozenset({"AB"})), now=NOW)
        account = add(tx, "anna", serial="XY123Z")
        assert approval.review(provider, tx, account.account_id).outcome == "review"
    assert read(provider, account).approval_status == "pending"
    assert mails(provider) == ["registration_waiting"]


def test_a_device_that_a_stranger_owns_goes_to_staff(provider: Provider) -> None:
    """A guessed serial number is approved by nobody (EN-4, RG-7)."""
    with provider.database.transaction() as tx:
        add_rules(tx, Rule("family-AB", serial_families=frozenset({"AB"})), now=NOW)
        add(tx, "owner", status="approved", serial="AB123Z")
        account = add(tx, "anna", serial="AB123Z")
        verdict = approval.review(provider, tx, account.account_id)
    assert verdict.outcome == "review"
    assert "owned_by_colleague" in [reason.key for reason in verdict.reasons]


def test_automatic_approvals_have_a_limit(tmp_path: Path, database_url: str) -> None:
    """Beyond the limit of an hour, staff decide (RG-9)."""
    provider = open_provider(tmp_path, database_url, automatic_per_hour=1)
    with provider.database.transaction() as tx:
        add_rules(tx, Rule("family-AB", serial_families=frozenset({"AB"})), now=NOW)
        outcomes = []
        for name, serial in (("anna", "AB123Z"), ("bert", "AB124Z")):
            outcomes.append(approval.review(provider, tx, add(tx, name, serial=serial).account_id).outcome)
    assert outcomes == ["approve", "review"]


@pytest.mark.parametrize(
    ("status", "act", "after", "mail"),
    [
        ("pending", "approve", "approved", "approved"),
        ("pending", "reject", "rejected", "rejected"),
        ("approved", "suspend", "suspended", "suspended"),
        ("suspended", "reinstate", "approved", "reinstated"),
        ("rejected", "reopen", "pending", "registration_waiting"),
    ],
)
def test_staff_decide(provider: Provider, status: str, act: str, after: str, mail: str) -> None:
    """Each act changes the one row and writes one mail (RG-8)."""
    with provider.database.transaction() as tx:
        staff, account = add(tx, "carla", roles="approver"), add(tx, "anna", status=status)
    decision = approval.decide_by_staff(
        provider, staff_id=staff.account_id, account_id=account.account_id, act=act, reason=" Because. "
    )
    assert (decision.new_status, decision.actor_name, decision.reason) == (after, "Carla Test", "Because.")
    assert read(provider, account).approval_status == after
    assert mails(provider) == [mail]


@pytest.mark.parametrize("status", ["pending", "approved", "rejected", "suspended"])
@pytest.mark.parametrize("act", ["approve", "reject", "suspend", "reinstate", "reopen"])
def test_acts_hold_only_from_their_status(provider: Provider, status: str, act: str) -> None:
    """No step is skipped or done out of order (RG-1)."""
    fits = {
        "approve": "pending",
        "reject": "pending",
        "suspend": "approved",
        "reinstate": "suspended",
        "reopen": "rejected",
    }
    with provider.database.transaction() as tx:
        staff, account = add(tx, "carla", roles="approver"), add(tx, "anna", status=status)
    values = {"staff_id": staff.account_id, "account_id": account.account_id, "act": act, "reason": "x"}
    if fits[act] == status:
        approval.decide_by_staff(provider, **values)
        return
    with pytest.raises(Refusal, match="decided_already"):
        approval.decide_by_staff(provider, **values)
    assert read(provider, account).approval_status == status
    assert mails(provider) == []


@pytest.mark.parametrize(
    ("roles", "act", "reason", "key"),
    [
        ("", "approve", "", "not_permitted"),
        ("customer_care", "approve", "", "not_permitted"),
        ("auditor", "approve", "", "not_permitted"),
        ("approver", "reject", "  ", "reason_missing"),
        ("approver", "reject", "x" * 2001, "reason_too_long"),
    ],
)
def test_refusals_change_nothing(provider: Provider, roles: str, act: str, reason: str, key: str) -> None:
    """Rights and reason are checked where the decision is taken (AD-1, AD-2)."""
    with provider.database.transaction() as tx:
        staff, account = add(tx, "carla", roles=roles), add(tx, "anna")
    with pytest.raises(Refusal, match=key):
        approval.decide_by_staff(
            provider, staff_id=staff.account_id, account_id=account.account_id, act=act, reason=reason
        )
    assert read(provider, account).approval_status == "pending"
    assert mails(provider) == []


def test_nobody_approves_themselves(provider: Provider) -> None:
    """Staff cannot approve their own registration (RG-8)."""
    with provider.database.transaction() as tx:
        staff = add(tx, "carla", roles="administrator")
    with pytest.raises(Refusal, match="own_account"):
        approval.decide_by_staff(provider, staff_id=staff.account_id, account_id=staff.account_id, act="approve")


def test_a_locked_out_colleague_decides_nothing(provider: Provider) -> None:
    """A role or access that was taken away counts at once (RC-3)."""
    with provider.database.transaction() as tx:
        staff, account = add(tx, "carla", roles="approver"), add(tx, "anna")
        closings.close(tx, staff.account_id, by_kind="staff", erase_at=NOW + 86400, now=NOW)
    with pytest.raises(Refusal, match="not_permitted"):
        approval.decide_by_staff(provider, staff_id=staff.account_id, account_id=account.account_id, act="approve")


def test_parallel_decisions_have_one_winner(instances: list[Provider]) -> None:
    """Of 32 approvals and rejections at two instances one wins: one row, one mail; others learn who it was (RG-8, RC-1).

    RC-2.
    """
    with instances[0].database.transaction() as tx:
        staff = [add(tx, f"staff{n}", roles="approver") for n in range(4)]
        account = add(tx, "anna")

    def decide(number: int) -> str:
        try:
            approval.decide_by_staff(
                instances[number % 2],
                staff_id=staff[number % 4].account_id,
                account_id=account.account_id,
                act="approve" if number % 3 else "reject",
                reason="Because.",
            )
        except Refusal as refusal:
            return str(refusal.details["decision"].actor)  # type: ignore[attr-defined]
        return "won"

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(decide, range(32)))
    with instances[1].database.reading() as tx:
        (decision,) = approvals.list_decisions(tx, account.account_id)
        events = [event.act for event in audit.list_events(tx, account.account_id)]
    assert sorted(answers) == sorted(["won"] + [decision.actor] * 31)
    assert events.count("approval_changed") == 1
    assert mails(instances[0]) == [decision.new_status]
    assert read(instances[0], account).approval_status == decision.new_status


def test_one_device_is_approved_once_however_many_confirm_it_at_once(instances: list[Provider]) -> None:
    """A rule for new devices approves one of eight who name the same number at the same moment (RG-7, RC-1)."""
    rule = Rule("family-AB", serial_families=frozenset({"AB"}), ownership="new")
    with instances[0].database.transaction() as tx:
        add_rules(tx, rule, now=NOW)
        people = [add(tx, f"p{n}") for n in range(8)]

    def confirm(number: int) -> str:
        provider = instances[number % 2]
        with provider.database.transaction() as tx:
            tx.run(_ADD_DEVICE, account_id=people[number].account_id, serial="AB123Z", now=NOW)
            return approval.review(provider, tx, people[number].account_id).outcome

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(confirm, range(8))) == ["approve", *["review"] * 7]


def test_a_page_that_is_older_than_the_status_decides_nothing(provider: Provider) -> None:
    """Who saw an earlier application does not decide about a later one (RG-1)."""
    with provider.database.transaction() as tx:
        staff, account = add(tx, "carla", roles="approver"), add(tx, "anna")
    with pytest.raises(Refusal, match="decided_already"):
        approval.decide_by_staff(
            provider,
            staff_id=staff.account_id,
            account_id=account.account_id,
            act="approve",
            seen_at=account.approval_updated_at - 1,
        )


def test_a_change_that_does_not_exist_is_refused(provider: Provider) -> None:
    """The state machine has no other ways (RG-1)."""
    with provider.database.transaction() as tx:
        account = add(tx, "anna", status="rejected")
        with pytest.raises(Refusal, match="change_unknown"):
            approval.change_status(provider, tx, account, Status.SUSPENDED, Actor("operator", "cli"), now=NOW)


def test_the_mail_carries_the_reason(provider: Provider) -> None:
    """A rejected applicant reads why (F-1.8)."""
    with provider.database.transaction() as tx:
        staff, account = add(tx, "carla", roles="approver"), add(tx, "anna")
    approval.decide_by_staff(
        provider, staff_id=staff.account_id, account_id=account.account_id, act="reject", reason="Photo, please."
    )
    with provider.database.transaction() as tx:
        (item,) = outbox.claim(tx, mail=True, worker="w", lease=60, limit=5, now=NOW)
    payload = item.open(provider.master)
    assert payload["email"] == "anna@lab.example"
    assert payload["values"]["reason"] == "Photo, please."
