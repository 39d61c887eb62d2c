"""The pages of the authorization endpoint: consent, choice of account, pending customers (DESIGN, UX)."""

from __future__ import annotations

import re

import pytest

from idp.config.interests import InterestSettings
from idp.protocol.claims import build_account_claims, claims_of_scopes
from idp.store.clients import set_client_disabled
from tests.support.lobby import SITE, Browser, Lobby, answer_of, hidden_fields
from tests.web.oauth.test_authorize import handle_of


def open_page(browser: Browser, **changes: str | None) -> tuple[str, str]:
    """Send a request that needs a page; out: its path and its text."""
    answer = browser.authorize(**changes)
    assert answer.status_code == 303
    path = answer.headers["Location"]
    assert path.startswith("/oauth/continue/"), path
    return path, browser.get(path).text


def test_consent_is_asked_once_and_remembered(lobby: Lobby) -> None:
    """RD-16, conformance prompt-none-logged-in: words, values, host, lifetime; more scopes are asked for again."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    path, text = open_page(browser, scope="openid email")
    for words in (
        'id="consent-approve"',
        'id="consent-deny"',
        "Site",
        "site.example",
        "ada@lab.example",
        "Your e-mail address",
        "Until you sign out",
        "consent-deny",
    ):
        assert words in text
    assert "Your name" not in text
    assert "code" in answer_of(browser.post(path, {**hidden_fields(text), "wish": "approve"}))
    assert lobby.rows("SELECT scope FROM grants")[0]["scope"] == "email openid"
    assert "code" in answer_of(browser.authorize(scope="email", prompt="none"))
    assert answer_of(browser.authorize(scope="openid profile", prompt="none"))["error"] == "consent_required"
    open_page(browser, scope="openid email", prompt="consent")


def test_consent_shows_the_values_that_would_go(lobby: Lobby) -> None:
    """All of them and no others, with the way to change them; what is empty is named too, a site gets it once it is there."""
    scope = "openid profile phone interests"
    lobby.add_client("site", require_approval=False, details={"scope": scope})
    topics = {"topics": {"titration": {"en": "Titration, manual"}}}
    object.__setattr__(lobby.provider.settings, "interests", InterestSettings(**topics))
    claims = {"interests": ["titration"], "region": "emea", "nickname": "Adi", "birthdate": "1980-02-03"}
    ada, browser = lobby.add_account(company="Lab", claims=claims), lobby.browser()
    browser.sign_in(ada)
    _path, text = open_page(browser, scope=scope)
    assert dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", text)) == {
        "That it is you": "a number that stands for your account",
        "Your name, user name and language": "Ada Test · ada · English",
        "Your phone number": "nothing entered yet",
        "Your interests and region": "Titration, manual · emea",
        "More from your profile": "Adi · 1980-02-03",
    }
    sent = build_account_claims(ada, claims_of_scopes({"profile"}))
    del sent["updated_at"], sent["locale"]  # told as a word
    assert {name for name, value in sent.items() if value not in text} == set()
    ways = re.findall(r'<a href="([^"]+)" target="_blank"', text)
    assert ways == ["/account", "/account/interests"]
    assert browser.get("/account/interests").status_code == 200


def test_claims_asked_for_one_by_one_are_asked_about(lobby: Lobby) -> None:
    """In the words of their scopes, remembered like these, and never hidden behind `openid` (RD-16; Core §5.5, §3.1.2.4)."""
    lobby.add_client("site", require_approval=False, details={"scope": "openid profile email"})
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    claims = '{"userinfo": {"email": null, "phone_number": null}, "id_token": {"nickname": {"essential": true}, "acr": null}}'
    path, text = open_page(browser, scope="openid", claims=claims)
    assert "Your e-mail address" in text
    assert "Your name" in text
    assert "Your phone number" not in text
    assert "code" in answer_of(browser.post(path, {**hidden_fields(text), "wish": "approve"}))
    assert lobby.rows("SELECT scope FROM grants")[0]["scope"] == "email openid profile"
    assert lobby.rows("SELECT scope FROM token_families")[0]["scope"] == "openid"
    assert "code" in answer_of(browser.authorize(scope="openid", claims=claims, prompt="none"))


def test_claims_need_a_consent_of_their_own(lobby: Lobby) -> None:
    """Who permitted `openid` alone is asked again."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    path, text = open_page(browser, scope="openid")
    assert "code" in answer_of(browser.post(path, {**hidden_fields(text), "wish": "approve"}))
    answer = browser.authorize(scope="openid", claims='{"userinfo": {"email": null}}', prompt="none")
    assert answer_of(answer)["error"] == "consent_required"


def test_the_first_permission_for_a_site_is_told_by_mail(lobby: Lobby) -> None:
    """To the owner, once for each site, with the way to take it back; nothing for a no, nor for own sites (LG-6)."""
    browser = lobby.browser()
    ada = lobby.add_account()
    browser.sign_in(ada)

    def mails() -> list[str]:
        rows = lobby.rows("SELECT name, account_id FROM outbox WHERE kind = 'mail' ORDER BY outbox_id")
        assert {row["account_id"] for row in rows} <= {ada.account_id}
        return [row["name"] for row in rows]

    path, text = open_page(browser)
    browser.post(path, {**hidden_fields(text), "wish": "deny"})
    assert "code" in answer_of(browser.authorize(client_id="own"))
    assert mails() == []
    path, text = open_page(browser)
    browser.post(path, {**hidden_fields(text), "wish": "approve"})
    assert mails() == ["site_permitted"]
    path, text = open_page(browser, scope="openid profile email")
    browser.post(path, {**hidden_fields(text), "wish": "approve"})
    assert mails() == ["site_permitted"]


def test_no_is_an_answer(lobby: Lobby) -> None:
    """RFC 6749 §4.1.2.1: access_denied with state and `iss`, nothing remembered, the request is used up."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    path, text = open_page(browser)
    form = {**hidden_fields(text), "wish": "deny"}
    answer = answer_of(browser.post(path, form))
    assert (answer["error"], answer["state"]) == ("access_denied", "st")
    assert browser.post(path, form).status_code == 400
    assert not lobby.rows("SELECT * FROM grants")
    assert not lobby.rows("SELECT * FROM codes")


def test_consent_needs_the_page_that_was_shown(lobby: Lobby) -> None:
    """WB-1, RD-14, RD-20: no form token, no ticket, a GET, or made-up scopes grant nothing."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    path, text = open_page(browser)
    fields = hidden_fields(text)
    for form in (
        {"wish": "approve"},
        {"wish": "approve", "ticket": fields["ticket"]},
        {"wish": "approve", "csrf_token": fields["csrf_token"]},
        {**fields, "wish": "everything"},
        {**fields, "ticket": fields["ticket"][:-1] + "x", "wish": "approve"},
    ):
        answer = browser.post(path, form)
        assert answer.status_code in (303, 400)
        assert "code=" not in answer.headers.get("Location", "")
    browser.get(f"{path}?wish=approve")
    assert not lobby.rows("SELECT * FROM grants")
    answer = answer_of(browser.post(path, {**fields, "wish": "approve", "scope": "openid email offline_access"}))
    assert "code" in answer
    assert lobby.rows("SELECT scope FROM grants")[0]["scope"] == "openid profile"


def test_two_people_in_one_browser_never_mix(lobby: Lobby) -> None:
    """SE-7: a page that was shown to one person decides nothing for the next."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account("ada"))
    path, text = open_page(browser)
    bob = lobby.add_account("bob")
    browser.sign_in(bob)
    fields = hidden_fields(browser.get("/").text) | {"ticket": hidden_fields(text)["ticket"]}
    answer = browser.post(path, {**fields, "wish": "approve"})
    assert answer.headers["Location"] == path
    assert not lobby.rows("SELECT * FROM grants")
    assert "bob@lab.example" in browser.get(path).text or "Bob" in browser.get(path).text


def test_own_sites_do_not_ask_except_for_offline_access(lobby: Lobby) -> None:
    """DESIGN: first_party has no consent page; OpenID Connect Core §11: what outlives the session is asked for."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    assert "code" in answer_of(browser.authorize(client_id="own"))
    path, text = open_page(browser, client_id="own", scope="openid offline_access")
    assert "180 days" in text
    assert "code" in answer_of(browser.post(path, {**hidden_fields(text), "wish": "approve"}))
    family = lobby.rows("SELECT offline, expires_at FROM token_families WHERE offline = :yes", yes=True)[0]
    assert family["expires_at"] == lobby.now + 180 * 86400
    lobby.add_client("bare", first_party=True, require_approval=False, details={"grant_types": ["authorization_code"]})
    assert "code" in answer_of(browser.authorize(client_id="bare", scope="openid offline_access"))
    assert lobby.rows("SELECT scope FROM token_families WHERE client_id = 'bare'")[0]["scope"] == "openid"


def test_an_account_is_chosen_or_changed(lobby: Lobby) -> None:
    """prompt=select_account: go on as the one who is signed in, or sign in as somebody else."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    path, text = open_page(browser, client_id="own", prompt="select_account")
    assert "Continue as Ada Test" in text
    chosen = browser.post(path, {**hidden_fields(text), "wish": "continue"})
    assert "code" in answer_of(browser.get(chosen.headers["Location"]))
    path, text = open_page(browser, client_id="own", prompt="select_account")
    other = browser.post(path, {**hidden_fields(text), "wish": "other"})
    assert handle_of(other) in path
    assert "other=1" in other.headers["Location"]
    browser.sign_in(lobby.add_account("bob"))
    assert "code" in answer_of(browser.get(path))


def test_a_pending_customer_reads_why_and_where_to_go(lobby: Lobby) -> None:
    """RG-3 and DESIGN: status, customer care, the way back with access_denied; approval lets the same request through."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account(status="pending"))
    path, text = open_page(browser, client_id="strict")
    for words in ("being reviewed", "2 working days", "customer-care@", "Back to Strict"):
        assert words in text
    assert not lobby.rows("SELECT * FROM codes")
    assert browser.post(path, {**hidden_fields(text), "wish": "approve"}).headers["Location"] == path
    second, text_of_second = open_page(browser, client_id="strict")
    lobby.run("UPDATE accounts SET approval_status = 'approved'")
    assert "code" in answer_of(browser.get(path))
    lobby.run("UPDATE accounts SET approval_status = 'pending'")
    left = browser.post(second, {**hidden_fields(text_of_second), "wish": "leave"})
    assert answer_of(left)["error"] == "access_denied"


def test_rejected_and_suspended_customers_read_their_own_words(lobby: Lobby) -> None:
    """F-1.8: the page says what it is."""
    for status, words in (("rejected", "was not approved"), ("suspended", "is suspended")):
        browser = lobby.browser()
        browser.sign_in(lobby.add_account(status, status=status))
        assert words in open_page(browser, client_id="strict")[1]
        assert "code" in answer_of(browser.authorize(client_id="own"))


def test_what_happens_meanwhile_counts(lobby: Lobby) -> None:
    """CO-10, RC-3: session ended, client disabled or approval withdrawn while the consent page was open."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    path, text = open_page(browser)
    form = {**hidden_fields(text), "wish": "approve"}
    with lobby.provider.database.transaction() as tx:
        set_client_disabled(tx, "site", True, lobby.now)
    assert browser.post(path, form).status_code == 400
    lobby.add_client("site", require_approval=True)
    lobby.run("UPDATE accounts SET approval_status = 'suspended'")
    assert browser.post(path, form).headers["Location"] == path
    lobby.run("UPDATE sessions SET ended_at = 1")
    assert handle_of(browser.post(path, form)) in path
    assert not lobby.rows("SELECT * FROM codes")
    assert not lobby.rows("SELECT * FROM grants")


def test_consent_is_taken_back(lobby: Lobby) -> None:
    """DESIGN, "consent withdrawn": the page lists it, the button ends the client's tokens and asks again later.

    RF-12.
    """
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    path, text = open_page(browser)
    browser.post(path, {**hidden_fields(text), "wish": "approve"})
    page = browser.get("/account/sites").text
    assert "Your name, user name" in page
    browser.post("/account/sites/withdraw", {**hidden_fields(page), "client_id": "site"})
    assert lobby.rows("SELECT revoke_reason FROM token_families")[0]["revoke_reason"] == "consent_withdrawn"
    assert answer_of(browser.authorize(prompt="none"))["error"] == "consent_required"
    assert "No site had to ask" in browser.get("/account/sites").text


def test_one_tab_wins(lobby: Lobby) -> None:
    """RC-1: one request is answered once, whichever tab comes first."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    path, text = open_page(browser)
    form = {**hidden_fields(text), "wish": "approve"}
    assert "code" in answer_of(browser.post(path, form))
    assert browser.post(path, form).status_code == 400
    assert len(lobby.rows("SELECT * FROM codes")) == 1


def test_a_page_speaks_what_the_site_wishes(lobby: Lobby) -> None:
    """OpenID Connect Core §3.1.2.1, `ui_locales`: the first that we speak."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account(locale=""))
    assert '<html lang="fr"' in open_page(browser, ui_locales="se fr-CA de")[1]


def test_the_site_shows_its_face_from_the_first_page_on(lobby: Lobby) -> None:
    """Modules registration-logo-uri, -policy-uri, -tos-uri: sign-in and consent; the policy lets in that one picture's origin."""
    details = {
        "logo_uri": "https://pictures.example/logo.png",
        "policy_uri": "https://site.example/privacy",
        "tos_uri": "https://site.example/terms",
    }
    lobby.add_client("faced", require_approval=False, details=details)
    browser = lobby.browser()
    sign_in = browser.get(browser.authorize(client_id="faced", scope="openid address phone").headers["Location"])
    browser.sign_in(lobby.add_account(claims={"phone_number": "+41 61 1", "address": {"formatted": "Weg 1\nBasel"}}))
    waiting = browser.authorize(client_id="faced", scope="openid address phone").headers["Location"]
    consent = browser.get(waiting)
    for page in (sign_in, consent):
        assert '<img class="client-logo" src="https://pictures.example/logo.png" alt=""' in page.text
        assert 'href="https://site.example/privacy"' in page.text
        assert 'href="https://site.example/terms"' in page.text
        assert "img-src 'self' data: https://pictures.example;" in page.headers["Content-Security-Policy"]
    assert "+41 61 1" in consent.text
    assert "Weg 1 Basel" in consent.text
    assert "img-src 'self' data:;" in lobby.browser().get("/sign-in").headers["Content-Security-Policy"]


def open_sign_in(browser: Browser, **changes: str | None) -> tuple[str, dict[str, str]]:
    """Send a request that needs a sign-in; out: the path of the sign-in page and the hidden fields of its form."""
    path = browser.authorize(client_id="own", **changes).headers["Location"]
    assert path.startswith("/sign-in?request="), path
    return path, hidden_fields(browser.get(path).text)


def test_sign_in_page_of_a_site_is_passed_by_who_signed_in_meanwhile(lobby: Lobby) -> None:
    """Opened again, or sent with the old form: nothing is asked that another tab has answered (UX 5)."""
    browser = lobby.browser()
    path, stale = open_sign_in(browser)
    browser.sign_in(lobby.add_account())
    browser.web.delete_cookie("idp_form")
    again = browser.get(path)
    assert (again.status_code, again.headers["Location"]) == (
        303,
        path.replace("/sign-in?request=", "/oauth/continue/"),
    )
    sent = browser.post(path, {**stale, "username": "bob", "password": "not looked at"})
    assert (sent.status_code, sent.headers["Location"]) == (303, path)
    assert "code" in answer_of(browser.get(again.headers["Location"]))


@pytest.mark.parametrize("demand", [{"prompt": "login"}, {"max_age": "60"}, {"id_token_hint": "damaged"}, {}])
def test_sign_in_page_of_a_site_is_shown_as_long_as_the_request_wants_it(lobby: Lobby, demand: dict[str, str]) -> None:
    """OpenID Connect Core §3.1.2.1: a new sign-in that was demanded, or that a pause made needed, is not passed by."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account())
    lobby.now += 61 if demand else 2 * 3600 + 1
    path, stale = open_sign_in(browser, **demand)
    assert browser.get(path).status_code == 200
    assert browser.get(path.replace("/sign-in?request=", "/oauth/continue/")).headers["Location"] == path
    browser.web.delete_cookie("idp_form")
    assert browser.post(path, stale).headers["Location"] == path
    assert browser.get(path).status_code == 200
    browser.sign_in_again()
    assert browser.get(path).headers["Location"].startswith("/oauth/continue/")


def test_strange_sign_in_form_of_a_stranger_is_refused(lobby: Lobby) -> None:
    """WB-1: only who is signed in already is sent on."""
    browser = lobby.browser()
    path, stale = open_sign_in(browser)
    browser.web.delete_cookie("idp_form")
    assert browser.post(path, stale).status_code == 400


def test_back_after_signing_in_asks_for_no_password(lobby: Lobby) -> None:
    """The request is over and somebody is signed in: the page says so and leads to the site again (UX 5)."""
    browser = lobby.browser()
    path, _ = open_sign_in(browser)
    browser.sign_in(lobby.add_account())
    browser.get(browser.get(path).headers["Location"])
    text = browser.get(path).text
    assert "You are signed in as <strong>Ada Test</strong>" in text
    assert "Continue to Own" in text
    assert f'href="{SITE}/sign-in?iss=' in text
    assert 'href="/"' in text
    assert "password" not in text
    assert 'name="password"' in browser.get(f"{path}&other=1").text
    assert "Continue to" not in browser.get("/sign-in?request=unknown").text


@pytest.mark.parametrize(("status", "is_told"), [("rejected", True), ("suspended", True), ("pending", False)])
def test_who_is_not_let_in_reads_why_at_once(lobby: Lobby, status: str, is_told: bool) -> None:
    """The reason of the decision stands on the page itself; a mail leads back only to the site where one registered."""
    browser, ada = lobby.browser(), lobby.add_account(status=status)
    lobby.run(
        "INSERT INTO approval_decisions (account_id, old_status, new_status, actor_kind, actor, reason, remark, facts,"
        " created_at) VALUES (:a, 'pending', :status, 'staff', '', 'The device was returned.', '', '[]', 1)",
        a=ada.account_id,
        status=status,
    )
    browser.sign_in(ada)
    _path, text = open_page(browser, client_id="strict")
    assert ("The device was returned." in text) is is_told
    assert "the mail brings you back" not in text
