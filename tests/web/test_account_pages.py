"""Dashboard, profile, sessions and password of somebody who is signed in."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp.policy.rules import Rule
from idp.store.database import Statement
from tests.support.lobby import Lobby, hidden_fields
from tests.support.people import PASSWORD, Browser, Town, location, make_town
from tests.support.rules import add_rules
from tests.web.test_sign_in import save_request

NEW = "a different lighthouse each day"

_CLIENT = Statement(
    "INSERT INTO clients (client_id, details, require_approval, first_party, pkce_exempt, disabled, resources,"
    " may_introspect, created_at, updated_at) VALUES (:client_id, :details, :require, :no, :no, :disabled, '[]', '[]', 1, 1)"
)
_DECISION = Statement(
    "INSERT INTO approval_decisions (account_id, old_status, new_status, actor_kind, actor, reason, remark, facts,"
    " created_at) VALUES (:account_id, 'pending', :status, :kind, 'x', :reason, '', '[]', 1)"
)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """An empty provider."""
    return make_town(tmp_path)


def signed_in(town: Town, name: str = "anna") -> Browser:
    """A browser in which somebody is signed in."""
    browser = town.browser()
    assert browser.sign_in(f"{name}.berg").status_code == 303
    return browser


def add_client(town: Town, client_id: str, *, require: bool = True, disabled: bool = False, uri: bool = True) -> None:
    """A site."""
    start = f',"initiate_login_uri":"http://{client_id}.example/start?from=idp"' if uri else ""
    with town.provider.database.transaction() as tx:
        details = f'{{"client_name":"The {client_id}"{start}}}'
        tx.run(_CLIENT, client_id=client_id, details=details, require=require, no=False, disabled=disabled)


PAGES = ["/account", "/account/security", "/account/security/password", "/account/sites"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_of_ones_own_ask_to_sign_in_first_and_come_back(town: Town, path: str) -> None:
    """The way back is the page."""
    town.add()
    browser = town.browser()
    assert location(browser.get(path)) == f"/sign-in?next={path}"
    assert location(browser.sign_in(way=f"?next={path}")) == path


def test_every_route_of_ones_own_is_closed_to_strangers(town: Town) -> None:
    """STYLE, "Tests": an access rule on every route; a new one below /account is found here by itself."""
    rules_of_account = [rule for rule in town.app.url_map.iter_rules() if rule.rule.startswith("/account")]
    assert len(rules_of_account) >= len(PAGES)
    town.app.config["WTF_CSRF_METHODS"] = ()  # the gate alone is asked here, not the form's token
    for rule in rules_of_account:
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = town.browser().client.open(rule.rule, method=method)
            assert answer.status_code == 303, (method, rule.rule)
            assert location(answer).startswith("/sign-in?next=/account"), (method, rule.rule)


@pytest.mark.parametrize("path", ["/account/security/end", "/account/security/end-others"])
def test_acts_change_nothing_by_get_or_without_token(town: Town, path: str) -> None:
    """State changes only by POST with the form's token (WB-1, WB-2)."""
    town.add()
    first, second = signed_in(town), signed_in(town)
    assert first.get(path).status_code == 405
    first.client.post(path, data={"sid": "x"})
    assert second.get("/account").status_code == 200


@pytest.mark.parametrize(("act", "field"), [("/account/security/end", "sid"), ("/account/sites/withdraw", "client_id")])
@pytest.mark.parametrize("value", ["", "\x00", "a\x00b", "é", "x" * 20_000])
def test_an_act_on_what_cannot_be_ours_is_no_defect(lobby: Lobby, act: str, field: str, value: str) -> None:
    """PostgreSQL takes no NUL in a text: nobody sees a status of 500, and nothing ends (IV-1, GO-1)."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    token = hidden_fields(browser.get("/account/security").text)["csrf_token"]
    assert browser.post(act, {"csrf_token": token, field: value}).status_code in (303, 404)
    assert browser.get("/account").status_code == 200


def test_the_profile_shows_the_user_name_and_keeps_changes(town: Town) -> None:
    """F-2.2; the user name itself does not change with the name."""
    anna = town.add()
    browser = signed_in(town)
    response = browser.submit(
        "/account", "profile-submit", given_name=" Änne ", family_name="O'Neill", company="", country="FR", locale="fr"
    )
    assert location(response) == "/account?saved=1"
    after = town.read(anna)
    assert (after.given_name, after.family_name, after.company) == ("Änne", "O'Neill", "")
    assert (after.country, after.locale, after.user_name) == ("FR", "fr", "anna.berg")
    assert "profile_changed" in town.audit()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("given_name", ""),
        ("given_name", "x" * 81),
        ("given_name", "a\x07b"),
        ("family_name", ["a", "b"]),
        ("company", "x" * 121),
        ("country", "XX"),
        ("country", ""),
        ("country", "de"),
        ("locale", "xx"),
        ("locale", ["en", "de"]),
    ],
)
def test_a_bad_field_is_told_and_nothing_is_half_written(town: Town, field: str, value: str | list[str]) -> None:
    """What was typed in the other fields is kept (F-1.3, GO-9)."""
    anna = town.add()
    typed: dict[str, str | list[str]] = {"given_name": "Nova", field: value}
    response = signed_in(town).submit("/account", "profile-submit", **typed)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text
    assert town.read(anna) == anna or town.read(anna).given_name == anna.given_name


def test_fields_that_the_form_does_not_list_change_nothing(town: Town) -> None:
    """No status, no role, no address by adding a field."""
    anna = town.add()
    typed = {"approval_status": "approved", "roles": "administrator", "email": "x@y.example", "user_name": "root"}
    assert signed_in(town).submit("/account", "profile-submit", company="Neu", **typed).status_code == 303
    after = town.read(anna)
    assert (after.approval_status, after.roles, after.email, after.user_name, after.company) == (
        "pending",
        frozenset(),
        anna.email,
        anna.user_name,
        "Neu",
    )


def test_what_was_typed_when_the_session_ended_comes_back(town: Town) -> None:
    """After sign-in the form is as it was typed, and nothing was saved yet; passwords are not kept (UX 3)."""
    anna = town.add()
    browser = signed_in(town)
    fields = dict(browser.open("/account").form("profile-submit").fields)
    town.clock.move(hours=12)
    response = browser.client.post("/account", data={**fields, "company": "Typed before the end"})
    way = location(response).removeprefix("/sign-in")
    back = location(browser.sign_in(way=way))
    page = browser.open(back)
    assert dict(page.form("profile-submit").fields)["company"] == "Typed before the end"
    assert "Here is what you had typed" in page.text
    assert town.read(anna).company == "Lab"
    with town.provider.database.reading() as tx:
        [row] = tx.all(Statement("SELECT * FROM kept_inputs"))
    assert "Typed before" not in str(dict(row))


def test_typed_input_comes_back_only_to_its_person_and_browser(town: Town) -> None:
    """Another person, or another browser, sees the plain form (SE-7)."""
    town.add("anna")
    town.add("ben")
    browser, other = signed_in(town), signed_in(town)
    fields = dict(browser.open("/account").form("profile-submit").fields)
    town.clock.move(hours=2, seconds=1)
    response = browser.client.post("/account", data={**fields, "company": "Annas words"})
    way = location(response).removeprefix("/sign-in")
    back = location(browser.sign_in("ben.berg", way=way))
    assert "Annas words" not in browser.open(back).html
    other.sign_in()
    assert "Annas words" not in other.open(back).html


def test_passwords_are_never_kept(town: Town) -> None:
    """Whatever form they stood in."""
    town.add()
    browser = signed_in(town)
    fields = dict(browser.open("/account/security/password").form("password-submit").fields)
    town.clock.move(hours=12)
    data = {**fields, "current_password": PASSWORD, "new_password": NEW}
    assert location(browser.client.post("/account/security/password", data=data)) == (
        "/sign-in?next=/account/security/password"
    )
    with town.provider.database.reading() as tx:
        assert tx.all(Statement("SELECT * FROM kept_inputs")) == []


def test_a_rules_approval_is_reviewed_again_when_the_country_changes(town: Town) -> None:
    """Approved → pending where no rule approves the new one; the word of staff stands (DESIGN, States)."""
    by_rule = town.add("anna", approval_status="approved")
    by_staff = town.add("ben", approval_status="approved")
    stays = town.add("carl", approval_status="approved")
    with town.provider.database.transaction() as tx:
        near = Rule("near", countries=frozenset({"DE", "FR"}), ownership="any")
        add_rules(tx, near, now=town.clock())
        for account, kind in ((by_rule, "rule"), (by_staff, "staff"), (stays, "rule")):
            tx.run(_DECISION, account_id=account.account_id, status="approved", kind=kind, reason="")
    for account, country in ((by_rule, "US"), (by_staff, "US"), (stays, "FR")):
        name = account.user_name.removesuffix(".berg")
        browser = signed_in(town, name)
        if account is by_rule:
            assert browser.submit("/account", "profile-submit", country=country).status_code == 422
        understood = "1" if account is by_rule else "0"
        answer = browser.submit("/account", "profile-submit", country=country, understood=understood)
        assert answer.status_code == 303
    assert [town.read(a).approval_status for a in (by_rule, by_staff, stays)] == ["pending", "approved", "approved"]
    assert "review_again" in [name for name, _ in town.mails(by_rule)]


def test_a_new_password_needs_the_current_one_and_ends_other_sessions(town: Town) -> None:
    """This browser stays, with a new secret; the owner gets a mail (PW-7, SE-2, LG-6)."""
    anna = town.add()
    here, there = signed_in(town), signed_in(town)
    secret = here.session_cookie
    path = "/account/security/password"
    wrong = here.submit(path, "password-submit", current_password="wrong", new_password=NEW)
    assert "not your current password" in wrong.text
    assert there.get("/account").status_code == 200
    done = here.submit(path, "password-submit", current_password=PASSWORD, new_password=NEW)
    assert location(done) == "/account/security?done=password"
    assert here.get("/account").status_code == 200
    assert here.session_cookie != secret
    assert town.browser(idp_session=secret or "").get("/account").status_code == 303
    assert there.get("/account").status_code == 303
    assert town.browser().sign_in(password=NEW).status_code == 303
    assert "password_changed" in [name for name, _ in town.mails(anna)]


@pytest.mark.parametrize("password", ["short", "passwordpassword", "Anna.Berg.Lab.Anna", PASSWORD])
def test_a_bad_new_password_is_refused_with_the_reason(town: Town, password: str) -> None:
    """Blocklist and length at change, and the old one is no new one (PW-1, PW-4)."""
    anna = town.add()
    response = signed_in(town).submit(
        "/account/security/password", "password-submit", current_password=PASSWORD, new_password=password
    )
    assert response.status_code == 422
    assert town.read(anna).password_hash == anna.password_hash


def test_guessing_the_current_password_is_counted_too(town: Town) -> None:
    """Every door has the same lock (BF-3)."""
    town.add()
    browser = signed_in(town)
    for _ in range(5):
        browser.submit("/account/security/password", "password-submit", current_password="wrong", new_password=NEW)
    response = browser.submit(
        "/account/security/password", "password-submit", current_password=PASSWORD, new_password=NEW
    )
    assert "too many tries" in response.text


def test_sessions_are_listed_and_ended_one_by_one_or_all(town: Town) -> None:
    """Named by browser and system (SE-8, SE-4)."""
    town.add()
    here, phone, desk = signed_in(town), town.browser(), signed_in(town)
    phone.client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1"
    phone.sign_in()
    page = here.open("/account/security")
    assert "Safari on iPhone" in page.text
    assert "signs you out of 2 other browsers" in page.text
    forms = [form for form in page.forms if dict(form.fields).get("sid")]
    assert len(forms) == 2
    assert location(here.client.post(forms[0].action, data=dict(forms[0].fields))) == "/account/security?done=one"
    assert [b.get("/account").status_code for b in (phone, desk)].count(303) == 1
    assert location(here.submit("/account/security", "end-others")) == "/account/security?done=others"
    assert [b.get("/account").status_code for b in (here, phone, desk)] == [200, 303, 303]


def test_sessions_of_others_are_unknown(town: Town) -> None:
    """As unknown as one that never was (SE-8)."""
    town.add("anna")
    town.add("ben")
    here, _other, ben = signed_in(town), signed_in(town), signed_in(town, "ben")
    form = next(form for form in here.open("/account/security").forms if dict(form.fields).get("sid"))
    answers = [
        here.client.post(form.action, data={**dict(form.fields), "sid": sid}).status_code
        for sid in (bens_sid(town), "unknown", "")
    ]
    assert answers == [404, 404, 404]
    assert ben.get("/account").status_code == 200


def bens_sid(town: Town) -> str:
    """The session of the second account."""
    with town.provider.database.reading() as tx:
        row = tx.one(
            Statement("SELECT sid FROM sessions JOIN accounts USING (account_id) WHERE user_name = 'ben.berg'")
        )
    assert row is not None
    return str(row["sid"])


def test_the_dashboard_lists_the_sites_and_why_one_is_closed(town: Town) -> None:
    """Sites with a start address; the others and disabled ones are not listed (F-1.1)."""
    anna = town.add(approval_status="pending")
    add_client(town, "library")
    add_client(town, "portal", require=False)
    add_client(town, "old", disabled=True)
    add_client(town, "service", uri=False)
    browser = signed_in(town)
    page = browser.open("/")
    assert "The library" in page.text
    assert "as soon as your registration is approved" in page.text
    assert "The old" not in page.text
    assert "The service" not in page.text
    addresses = [address for _, address in page.links if "example/start" in address]
    assert addresses == ["http://portal.example/start?from=idp&iss=http%3A%2F%2Flocalhost"]
    with town.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE accounts SET approval_status = 'approved' WHERE account_id = :a"), a=anna.account_id)
    assert len([a for _, a in browser.open("/").links if "example/start" in a]) == 2


@pytest.mark.parametrize(
    ("status", "words"),
    [("pending", "being reviewed"), ("rejected", "No such device"), ("suspended", "No such device")],
)
def test_the_dashboard_says_where_one_stands_and_why(town: Town, status: str, words: str) -> None:
    """With the reason that staff gave, and whom to ask (F-1.8)."""
    anna = town.add(approval_status=status)
    with town.provider.database.transaction() as tx:
        tx.run(_DECISION, account_id=anna.account_id, status=status, kind="staff", reason="No such device")
    text = signed_in(town).open("/").text
    assert words in text
    assert "customer-care@" in text


def test_the_dashboard_without_sites_says_so(town: Town) -> None:
    """Empty is a state too (UX)."""
    town.add()
    assert "There is no site to enter yet" in signed_in(town).open("/").text


def test_a_request_of_a_site_survives_signing_in_as_somebody_else(town: Town) -> None:
    """Whoever finishes it decides with their own account; the handle stays this browser's (SE-7)."""
    town.add("anna")
    town.add("ben")
    browser = signed_in(town)
    browser.get("/sign-in?request=x")
    cookie = browser.client.get_cookie("idp_browser")
    assert cookie is not None
    town.clock.move(hours=2, seconds=1)
    handle = save_request(town, cookie.value)
    page = browser.open(f"/sign-in?request={handle}")
    assert "You are signed in as Anna Berg" in page.text
    other = next(address for _, address in page.links if "other=1" in address)
    assert f"request={handle}" in other
    response = browser.submit(other, "login-submit", username="ben.berg", password=PASSWORD)
    assert location(response) == f"/oauth/continue/{handle}"
