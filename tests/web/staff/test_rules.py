"""The rules' pages: a draft is written, tried on past registrations and switched on; values are blocked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts import approval, approval_rules
from idp.accounts.rule_trial import try_rules
from idp.errors import Refusal
from idp.policy.rules import Family, Rule, RuleSet
from idp.store.accounts import Account
from tests.support.lobby import NOW, Browser, Lobby
from tests.support.rules import add_past_registration, add_rules
from tests.web.staff.test_desk import add_waiting, mails, sit_down, token_in

RULES = "/staff/rules"
PATH = f"{RULES}/draft"
AB = Rule("family-AB", serial_families=frozenset({"AB"}))
FIELDS = {"rule_key": "near", "countries": "de, CH", "ownership": "new", "outcome": "approve", "enabled": "y"}


def begin(lobby: Lobby, *rules: Rule) -> Browser:
    """An administrator with a draft of these rules open."""
    if rules:
        with lobby.provider.database.transaction() as tx:
            add_rules(tx, *rules, now=NOW)
    browser, _staff = sit_down(lobby, roles="administrator")
    press(browser, PATH, "/staff/rules")
    return browser


def press(browser: Browser, path: str, page: str = PATH, **values: str) -> Any:
    """A button of a page with the state of the draft that the page shows."""
    shown = browser.get(page)
    return browser.post(path, {"csrf_token": token_in(shown), "revision": revision_in(shown), **values})


def revision_in(page: Any) -> str:
    """The state of the draft that a page carries; "" where it carries none."""
    _before, found, rest = page.text.partition('name="revision" type="hidden" value="')
    return rest.partition('"')[0] if found else ""


def rules_of(lobby: Lobby) -> RuleSet:
    """The rules in use."""
    with lobby.provider.database.reading() as tx:
        return approval_rules.rules_in_use(tx)


def draft_of(lobby: Lobby) -> RuleSet:
    """What the draft says."""
    return stored_draft(lobby).rule_set


def stored_draft(lobby: Lobby) -> approval_rules.Draft:
    """The draft with its revision; there is one."""
    draft = approval_rules.find_draft(lobby.provider)
    assert draft is not None
    return draft


def test_a_draft_is_written_tried_and_switched_on(lobby: Lobby) -> None:
    """Until then nothing changes; then the version stands with who, when and why, and in the trail (RG-9)."""
    browser = begin(lobby, AB)
    answer = press(browser, f"{PATH}/rule", f"{PATH}/rule", **FIELDS)
    assert answer.status_code == 303
    assert [rule.rule_key for rule in draft_of(lobby).rules] == ["family-AB", "near"]
    assert rules_of(lobby).rules == (AB,)
    page = browser.get(f"{PATH}/trial")
    assert "No difference." in page.text
    answer = press(browser, f"{PATH}/trial", f"{PATH}/trial", remark="Neighbours may come in.")
    assert "The new rules are in use." in browser.get(answer.headers["Location"]).text
    assert (rules_of(lobby).version, rules_of(lobby).rules[1].countries) == (2, frozenset({"DE", "CH"}))
    listed = browser.get("/staff/rules").text
    assert "Neighbours may come in." in listed
    assert "There is a draft" not in listed
    details = lobby.rows("SELECT details FROM audit_events WHERE act = 'rules_changed' ORDER BY event_id DESC")[0]
    assert '"version":2' in details["details"].replace(" ", "")
    assert "near" in details["details"]


def test_a_decision_names_the_version_of_the_rules(lobby: Lobby) -> None:
    """Its row keeps it, and the history says it."""
    browser = begin(lobby, AB)
    account = add_waiting(lobby, "ann", serial="AB123Z")
    with lobby.provider.database.transaction() as tx:
        assert approval.review(lobby.provider, tx, account.account_id).version == 1
    assert lobby.rows("SELECT rule_version FROM approval_decisions")[0]["rule_version"] == 1
    page = browser.get(f"/staff/accounts/{account.account_id}")
    assert "Rule “family-AB” (version 1 of the rules) approved" in page.text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rule_key": ""}, "Give the rule a short name"),
        ({"rule_key": "a b"}, "Use letters without accents"),
        ({"rule_key": "family-AB"}, "Another rule has this name."),
        ({"countries": ""}, "Fill in one condition at least"),
        ({"countries": "DEU"}, "This is not one: DEU"),
        ({"serial_ranges": "AB199Z-AB100A"}, "This is not one: AB199Z-AB100A"),
        ({"serial_families": "A1"}, "This is not one: A1"),
        ({"email_domains": "company"}, "This is not one: company"),
        ({"ownership": "mine"}, "choose one of the entries"),
        ({"outcome": "reject"}, "choose one of the entries"),
    ],
)
def test_a_rule_that_cannot_be_meant_says_why_and_keeps_what_was_typed(
    lobby: Lobby, changes: dict[str, str], sentence: str
) -> None:
    """At its field, and above the form (UX, principle 3)."""
    browser = begin(lobby, AB)
    answer = press(browser, f"{PATH}/rule", f"{PATH}/rule", **{**FIELDS, "reason": "Kept words.", **changes})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Kept words." in answer.text
    assert draft_of(lobby).rules == (AB,)


def test_lists_are_read_as_people_type_them(lobby: Lobby) -> None:
    """Commas, blanks, lines, small letters, dashes of both kinds, one number for a range of one."""
    browser = begin(lobby)
    fields = {
        **FIELDS,
        "serial_families": "ab;cd",
        "serial_ranges": "ab100a – ab199z, CD500A\nCD600A-CD700B",
        "email_domains": "@Lab.example\nother.example",
        "countries": "",
    }
    assert press(browser, f"{PATH}/rule", f"{PATH}/rule", **fields).status_code == 303
    rule = draft_of(lobby).rules[0]
    assert rule.serial_families == {"AB", "CD"}
    assert rule.serial_ranges == (("AB100A", "AB199Z"), ("CD500A", "CD500A"), ("CD600A", "CD700B"))
    assert rule.email_domains == {"lab.example", "other.example"}
    page = browser.get(f"{PATH}/rule?key=near").text
    assert "AB100A-AB199Z" in page


def test_rules_of_the_draft_move_are_switched_and_removed(lobby: Lobby) -> None:
    """One button each; the order is the effect, and a rule that never decides is named."""
    narrow = Rule("narrow", serial_families=frozenset({"AB"}), countries=frozenset({"DE"}))
    browser = begin(lobby, narrow, AB)
    assert "It never decides" not in browser.get(PATH).text
    press(browser, f"{PATH}/acts", rule="narrow", act="down")
    assert [rule.rule_key for rule in draft_of(lobby).rules] == ["family-AB", "narrow"]
    assert "“family-AB” always decides before it" in browser.get(PATH).text
    press(browser, f"{PATH}/acts", rule="narrow", act="down")
    press(browser, f"{PATH}/acts", rule="family-AB", act="off")
    assert [rule.enabled for rule in draft_of(lobby).rules] == [False, True]
    press(browser, f"{PATH}/acts", rule="family-AB", act="on")
    press(browser, f"{PATH}/acts", rule="narrow", act="up")
    press(browser, f"{PATH}/acts", rule="narrow", act="remove")
    assert draft_of(lobby).rules == (AB,)
    answer = press(browser, f"{PATH}/drop")
    assert "The draft was thrown away." in browser.get(answer.headers["Location"]).text
    assert rules_of(lobby).version == 1


def test_whoever_comes_second_to_the_draft_is_told_and_loses_nothing(lobby: Lobby) -> None:
    """The second one's typing stays, and goes to the draft as it is now (RC-2)."""
    browser = begin(lobby, AB)
    stale = revision_in(browser.get(f"{PATH}/rule"))
    press(browser, f"{PATH}/acts", rule="family-AB", act="off")
    values = {"csrf_token": token_in(browser.get(PATH)), "revision": stale, **FIELDS}
    answer = browser.post(f"{PATH}/rule", values)
    assert answer.status_code == 409
    assert "Somebody changed the draft meanwhile." in answer.text
    again = {**values, "csrf_token": token_in(answer), "revision": revision_in(answer)}
    assert browser.post(f"{PATH}/rule", again).status_code == 303
    assert [rule.rule_key for rule in draft_of(lobby).rules] == ["family-AB", "near"]
    for path in ("acts", "drop", "base"):
        answer = browser.post(f"{PATH}/{path}", {**values, "rule": "near", "act": "remove"})
        assert answer.status_code == 409
    stale_switch = browser.post(f"{PATH}/trial", {**values, "remark": "Mine."})
    assert stale_switch.status_code == 409
    assert rules_of(lobby).version == 1


def test_of_several_who_switch_on_one_wins(lobby: Lobby) -> None:
    """The same draft at once, and a file of the operator besides (RC-2)."""
    begin(lobby, AB)
    staff_id = lobby.rows("SELECT account_id FROM accounts WHERE user_name = 'carla'")[0]["account_id"]
    revision = stored_draft(lobby).revision

    def switch(_n: int) -> str:
        try:
            approval_rules.switch_on(lobby.provider, staff_id=staff_id, revision=revision, remark="Now.")
        except Refusal as refusal:
            return refusal.key
        return "on"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(switch, range(4)))
    assert outcomes.count("on") == 1
    assert rules_of(lobby).version == 2


def test_a_draft_of_older_rules_is_compared_again_before_it_counts(lobby: Lobby) -> None:
    """A version that came meanwhile is never overwritten unseen."""
    browser = begin(lobby, AB)
    press(browser, f"{PATH}/rule", f"{PATH}/rule", **FIELDS)
    with lobby.provider.database.transaction() as tx:
        add_rules(tx, Rule("other", countries=frozenset({"FR"})), now=NOW)
    page = browser.get(f"{PATH}/trial")
    assert "Other rules came into use meanwhile" in page.text
    assert "rules-switch-on" not in page.text
    revision = stored_draft(lobby).revision
    values = {"csrf_token": token_in(page), "revision": str(revision), "remark": "Mine."}
    assert browser.post(f"{PATH}/trial", values).status_code == 409
    assert rules_of(lobby).version == 2
    press(browser, f"{PATH}/base", f"{PATH}/trial")
    assert press(browser, f"{PATH}/trial", f"{PATH}/trial", remark="Mine.").status_code == 303
    assert [rule.rule_key for rule in rules_of(lobby).rules] == ["family-AB", "near"]


def test_an_earlier_version_is_shown_and_comes_back_through_a_draft(lobby: Lobby) -> None:
    """Nothing is switched on unseen."""
    browser = begin(lobby, AB)
    press(browser, f"{PATH}/drop")
    with lobby.provider.database.transaction() as tx:
        add_rules(tx, Rule("other", countries=frozenset({"FR"})), now=NOW)
    page = browser.get("/staff/rules/versions/1")
    assert "family-AB" in page.text
    assert "other" not in page.text
    press(browser, PATH, "/staff/rules/versions/1", version="1")
    assert draft_of(lobby).rules == (AB,)
    answer = press(browser, PATH, "/staff/rules/versions/1", version="1")
    assert "There is a draft already." in browser.get(answer.headers["Location"]).text
    for missing in ("3", "0", "x", "9" * 30):
        assert browser.get(f"/staff/rules/versions/{missing}").status_code == 404


def past(lobby: Lobby, name: str, serial: str, *, days: int = 5, status: str = "approved", by: str = "rule") -> Account:
    """A customer whose registration was confirmed some days ago, and decided about."""
    at = lobby.now - days * 86400
    account = add_waiting(lobby, name, since=at, serial=serial, company="Lab")
    with lobby.provider.database.transaction() as tx:
        add_past_registration(tx, account, serial, at)
    if status != "pending":
        lobby.run(
            "INSERT INTO approval_decisions (account_id, old_status, new_status, actor_kind, actor, reason, remark, facts,"
            " created_at) VALUES (:id, 'pending', :status, :by, 'x', '', '', '[]', :at)",
            id=account.account_id,
            status=status,
            by=by,
            at=at,
        )
        lobby.run(
            "UPDATE accounts SET approval_status = :status WHERE account_id = :id", status=status, id=account.account_id
        )
    return account


def test_a_trial_shows_what_would_have_been_otherwise(lobby: Lobby) -> None:
    """Opened, closed, the same; whom staff refused stands first; nothing is changed by it (RG-9)."""
    browser = begin(lobby, AB)
    past(lobby, "same", "AB100A")
    past(lobby, "opened", "CD100A", by="staff")
    past(lobby, "refused", "CD200A", status="rejected", by="staff")
    past(lobby, "closed", "AB200A")
    past(lobby, "long-ago", "CD300A", days=91)
    press(browser, f"{PATH}/acts", rule="family-AB", act="remove")
    press(
        browser,
        f"{PATH}/rule",
        f"{PATH}/rule",
        **{**FIELDS, "countries": "", "serial_ranges": "AB100A-AB199Z, CD100A-CD999Z"},
    )
    before = lobby.rows("SELECT COUNT(*) AS n FROM audit_events")[0]["n"]
    trial = try_rules(lobby.provider, draft_of(lobby))
    found = [(d.registration.name, d.kind, d.was_refused) for d in trial.differences]
    assert found[0] == ("Refused Test", "opens", True)
    assert sorted(found) == [
        ("Closed Test", "closes", False),
        ("Opened Test", "opens", False),
        ("Refused Test", "opens", True),
        ("Same Test", "other_rule", False),
    ]
    assert (trial.count, trial.approved_before, trial.approved_after, trial.is_cut) == (4, 2, 3, False)
    page = browser.get(f"{PATH}/trial").text
    assert "The draft would approve one registration that staff refused" in page
    assert page.index("Refused Test") < page.index("Opened Test")
    assert lobby.rows("SELECT COUNT(*) AS n FROM audit_events")[0]["n"] == before
    assert "Long-Ago Test" not in page
    assert try_rules(lobby.provider, draft_of(lobby), days=365).count == 5


def test_a_trial_knows_the_owners_of_that_time(lobby: Lobby) -> None:
    """Whoever registered a device first had no other owner then, whoever has it now."""
    begin(lobby, AB)
    past(lobby, "first", "AB100A", days=9)
    past(lobby, "second", "AB100A", days=5, status="pending")
    everybody = RuleSet(rules=(Rule("all", ownership="any"),))
    found = {d.registration.name: d for d in try_rules(lobby.provider, everybody).differences}
    assert found["First Test"].before.rule_key == "family-AB"
    assert found["Second Test"].kind == "opens"
    assert "owned_by_colleague" not in {reason.key for reason in found["First Test"].after.reasons}


@pytest.mark.parametrize(
    ("typed", "kind", "value"),
    [
        ("ab 123-z", "serial", "AB123Z"),
        ("Ann@Lab.example", "email", "ann@lab.example"),
        ("@lab.example", "domain", "lab.example"),
        ("Lab.Example", "domain", "lab.example"),
    ],
)
def test_what_is_blocked_goes_to_staff(lobby: Lobby, typed: str, kind: str, value: str) -> None:
    """Whatever the rules say; the applicant is not told, staff are, and it can be taken back (EN-4)."""
    browser, _staff = sit_down(lobby)
    with lobby.provider.database.transaction() as tx:
        add_rules(tx, Rule("all", ownership="any"), now=NOW)
    assert "Nothing is blocked." in browser.get(f"{RULES}/blocked").text
    fields = {"value": typed, "reason": "Reported stolen."}
    answer = press(browser, f"{RULES}/blocked", f"{RULES}/blocked", **fields)
    listed = browser.get(answer.headers["Location"]).text
    assert value in listed
    assert "Reported stolen." in listed
    assert dict(lobby.rows("SELECT kind, value FROM blocked_values")[0]) == {"kind": kind, "value": value}
    again = press(browser, f"{RULES}/blocked", f"{RULES}/blocked", **fields)
    assert (again.status_code, "This is blocked already." in again.text) == (422, True)
    account = add_waiting(lobby, "ann", serial="AB123Z")
    with lobby.provider.database.transaction() as tx:
        assert approval.review(lobby.provider, tx, account.account_id).outcome == "review"
    assert f"{value} is blocked." in browser.get(f"/staff/applications/{account.account_id}").text
    assert mails(lobby) == ["registration_waiting"]
    press(browser, f"{RULES}/blocked/remove", f"{RULES}/blocked", value=value)
    with lobby.provider.database.transaction() as tx:
        assert approval.review(lobby.provider, tx, account.account_id).outcome == "approve"
    acts = [row["act"] for row in lobby.rows("SELECT act FROM audit_events WHERE act LIKE 'value%' ORDER BY event_id")]
    assert acts == ["value_blocked", "value_unblocked"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"value": "", "reason": "x"}, "Enter a serial number, an e-mail address or a domain."),
        ({"value": "a b", "reason": "x"}, "Enter a serial number such as AB123Z"),
        ({"value": "AB123Z", "reason": ""}, "Write why, for colleagues."),
    ],
)
def test_what_cannot_be_blocked_says_why(lobby: Lobby, fields: dict[str, str], sentence: str) -> None:
    """And keeps what was typed."""
    browser, _staff = sit_down(lobby)
    answer = press(browser, f"{RULES}/blocked", f"{RULES}/blocked", **fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert lobby.rows("SELECT * FROM blocked_values") == []


def test_families_are_written_one_on_each_line(lobby: Lobby) -> None:
    """Faults name the line; what was typed stays."""
    browser = begin(lobby)
    path = f"{PATH}/families"
    answer = press(browser, path, path, families="AB; Torque meter\nCDE", free_mail_domains="")
    assert answer.status_code == 422
    assert "This line is not so: CDE" in answer.text
    answer = press(browser, path, path, families="AB; Torque meter\nAB", free_mail_domains="")
    assert "This family is there twice: AB" in answer.text
    answer = press(browser, path, path, families="ab; Torque meter\ncd; ; abc", free_mail_domains="post.example")
    assert answer.status_code == 303
    assert draft_of(lobby).families == (Family("AB", "Torque meter"), Family("CD", "", "ABC"))
    assert draft_of(lobby).free_mail_domains == {"post.example"}
    assert "cd; ; abc".upper() in browser.get(path).text


def test_family_and_last_letter_are_told_in_the_form_and_nothing_else(lobby: Lobby) -> None:
    """At once, at the field (F-1.4); an unknown number of a known family is taken (EN-4)."""
    with lobby.provider.database.transaction() as tx:
        approval_rules.add_version(
            tx, RuleSet(families=(Family("CD", "", "ABC"),)), base=0, actor_kind="operator", actor="x", now=NOW
        )
    browser = lobby.browser()
    for serial, sentence in {
        "AB123Z": "We know no devices of family AB.",
        "CD123Z": "The last letter of CD123Z does not fit its digits.",
    }.items():
        page = browser.get("/register")
        answer = browser.post("/register", {"csrf_token": token_in(page), "serial_number": serial})
        assert sentence in answer.text
    page = browser.get("/register")
    answer = browser.post("/register", {"csrf_token": token_in(page), "serial_number": "cd 123-a"})
    assert "does not fit" not in answer.text
    assert "We know no devices" not in answer.text


def test_only_whoever_may_change_rules_changes_them(lobby: Lobby) -> None:
    """An approver reads them and blocks; the acts check it themselves as well (AD-1)."""
    begin(lobby, AB)
    browser, staff = sit_down(lobby, name="nora")
    page = browser.get("/staff/rules").text
    assert "rules-change" not in page
    assert "Go on with the draft" not in page
    assert browser.get(PATH).status_code == 403
    revision = stored_draft(lobby).revision
    with pytest.raises(Refusal, match="not_permitted"):
        approval_rules.switch_on(lobby.provider, staff_id=staff.account_id, revision=revision, remark="x")
