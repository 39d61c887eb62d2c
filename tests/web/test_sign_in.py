"""Signing in: who gets in, what everybody else is told, how long it lasts, and where one lands."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from idp import create_app
from idp.accounts.passwords import DEMO_PASSWORD
from idp.config import DatabaseSettings, KeySettings, LimitSettings, PasswordSettings, Server, Settings
from idp.signals.worker import SIGNAL_LANE, deliver_due
from idp.store import accounts, closings, pending
from idp.store.database import Statement
from idp.web.browser_session import freshly_signed_in, typed_before
from idp.web.csrf import from_other_sites
from tests.support.people import PASSWORD, MovingClock, Town, location, make_town, plain
from tests.support.visitor import read_page

_CLIENT = Statement(
    "INSERT INTO clients (client_id, details, require_approval, first_party, pkce_exempt, disabled, resources,"
    " may_introspect, created_at, updated_at) VALUES (:client_id, :details, :yes, :no, :no, :no, '[]', '[]', 1, 1)"
)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """An empty provider."""
    return make_town(tmp_path)


@pytest.mark.parametrize("name", ["anna.berg", "ANNA.BERG", " anna.berg ", "anna@lab.example", "Anna@LAB.example"])
def test_signs_in_with_user_name_or_address_in_any_spelling(town: Town, name: str) -> None:
    """Both names of the account work (F-2.2)."""
    town.add()
    browser = town.browser()
    assert location(browser.sign_in(name)) == "/"
    assert "anna.berg" in browser.open("/account").text


def test_the_session_cookie_is_for_the_server_only(town: Town) -> None:
    """HttpOnly, Lax, whole site, no domain; without "keep" it has no lifetime (SE-1, SE-3, SE-11)."""
    town.add()
    cookies = {c.split("=")[0]: c for c in town.browser().sign_in().headers.getlist("Set-Cookie")}
    assert re.fullmatch(r"idp_session=[\w-]{43}; HttpOnly; Path=/; SameSite=Lax", cookies["idp_session"])
    kept = {c.split("=")[0]: c for c in town.browser().sign_in(keep=True).headers.getlist("Set-Cookie")}
    assert "Max-Age=43200;" in kept["idp_session"]


def test_one_answer_for_unknown_wrong_and_closed(town: Town) -> None:
    """Status, body and cookies do not tell who exists or in which state an account is (EN-1)."""
    closed, pending_, rejected = town.add("carl"), town.add("anna"), town.add("ben", approval_status="rejected")
    without = town.add("dora", password=None)
    with town.provider.database.transaction() as tx:
        closings.close(tx, closed.account_id, by_kind="staff", erase_at=town.clock() + 86400, now=town.clock())
    names = [a.user_name for a in (closed, pending_, rejected, without)] + ["nobody", "nobody@lab.example"]
    answers = []
    for name in names:
        response = town.browser().sign_in(name, "wrong wrong wrong wrong")
        body = plain(response.text, name)
        cookies = [c.split("=")[0] for c in response.headers.getlist("Set-Cookie")]
        answers.append((response.status_code, body, sorted(response.headers.keys()), cookies))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 422


def test_a_closed_account_is_told_only_after_the_right_password(town: Town) -> None:
    """And gets no session (EN-1)."""
    account, browser = town.add(), town.browser()
    with town.provider.database.transaction() as tx:
        closings.close(tx, account.account_id, by_kind="staff", erase_at=town.clock() + 86400, now=town.clock())
    response = browser.sign_in()
    assert "This account is closed" in response.text
    assert browser.session_cookie is None
    assert town.audit() == ["sign_in_refused"]


@pytest.mark.parametrize("status", ["pending", "rejected", "suspended"])
def test_customers_who_are_not_approved_get_to_their_own_pages(town: Town, status: str) -> None:
    """Pending is not inactive."""
    town.add(approval_status=status)
    browser = town.browser()
    browser.sign_in()
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize("kept", [True, False])
def test_a_session_ends_twelve_hours_after_sign_in_whatever_happens(town: Town, kept: bool) -> None:
    """The end is fixed: visits and another sign-in by the same person do not move it (SE-3, F-2.7)."""
    town.add()
    browser = town.browser()
    browser.sign_in(keep=kept)
    for _ in range(11):
        town.clock.move(hours=1)
        assert browser.get("/account").status_code == 200
    browser.submit("/sign-in?other=1", "login-submit", username="anna.berg", password=PASSWORD, keep="y")
    town.clock.move(minutes=59, seconds=59)
    assert browser.get("/account").status_code == 200
    town.clock.move(seconds=1)
    assert location(browser.get("/account")) == "/sign-in?next=/account"


def test_the_page_says_until_when_the_device_stays_signed_in(town: Town) -> None:
    """START is 08:00 UTC, so a kept session ends at 20:00 (F-2.7)."""
    town.add()
    browser = town.browser()
    browser.sign_in(keep=True)
    assert "Signed in on this device until 20:00 UTC" in browser.open("/").text
    assert "Do not tick it on a shared or public computer" in town.browser().open("/sign-in").text


def test_a_step_that_matters_asks_for_the_password_once_more_and_keeps_what_was_typed(town: Town) -> None:
    """Five minutes after the password was given it is asked again, and one comes back to the same page (SE-13)."""

    @town.app.route("/account/step", methods=["GET", "POST"])
    @from_other_sites
    @freshly_signed_in
    def step() -> str:
        typed = typed_before()
        return typed["note"] if typed else "nothing typed"

    town.add()
    browser = town.browser()
    assert location(browser.get("/account/step")) == "/sign-in?next=/account/step"
    browser.sign_in(keep=True)
    assert browser.get("/account/step").text == "nothing typed"
    town.clock.move(seconds=301)
    asked = browser.client.post("/account/step", data={"note": "kept words"})
    way = location(asked).removeprefix("/sign-in")
    assert way.endswith("&again=1")
    assert "once more" in browser.open(f"/sign-in{way}").text
    assert browser.sign_in(password="not the one it is", way=way).status_code == 422
    back = location(browser.sign_in(way=way))
    assert browser.get(back).text == "kept words"


def test_after_two_idle_hours_the_password_is_asked_again_and_nothing_else_ends(town: Town) -> None:
    """Same session with a new secret and auth_time; the old secret is dead (SE-2, SE-3)."""
    town.add()
    browser = town.browser()
    browser.sign_in()
    old, before = browser.session_cookie, session_row(town)
    town.clock.move(hours=2)
    assert browser.get("/account").status_code == 200
    town.clock.move(hours=2, seconds=1)
    assert location(browser.get("/account")) == "/sign-in?next=/account"
    page = browser.open("/account")
    assert "Enter your password again" in page.text
    assert "keep" not in page.form("login-submit").checkboxes
    assert dict(page.form("login-submit").fields)["username"] == "anna.berg"
    assert location(browser.sign_in(way="?next=/account")) == "/account"
    after = session_row(town)
    assert (after["sid"], after["expires_at"]) == (before["sid"], before["expires_at"])
    assert after["auth_time"] == town.clock()
    assert browser.session_cookie != old
    assert location(town.browser(idp_session=old or "").get("/account")) == "/sign-in?next=/account"


def test_a_kept_session_is_not_asked_again(town: Town) -> None:
    """Idle hours do not matter to it (F-2.7)."""
    town.add()
    browser = town.browser()
    browser.sign_in(keep=True)
    town.clock.move(hours=11)
    assert browser.get("/account").status_code == 200


def test_sign_in_gives_a_new_secret_whatever_the_browser_brought(town: Town) -> None:
    """A cookie that somebody planted becomes nobody's session (SE-2, SE-5)."""
    town.add()
    planted = "A" * 43
    browser = town.browser(idp_session=planted)
    browser.sign_in()
    assert browser.session_cookie != planted
    assert location(town.browser(idp_session=planted).get("/account")) == "/sign-in?next=/account"


@pytest.mark.parametrize(
    "cookie",
    [
        "idp_session=",
        "idp_session=short",
        "idp_session={0}; idp_session={0}",
        "idp_session={0}; idp_session=" + "B" * 43,
        "=idp_session={0}",
        "idp_session=%00" + "A" * 42,
        "idp_session=" + "A" * 8000,
        "__Host-idp_session={0}",
        "idp_session={0}x",
        'idp_session="é{0}"',
    ],
)
def test_bad_cookies_mean_signed_out(town: Town, cookie: str) -> None:
    """Doubled, nameless, oversized, malformed: never an error, never somebody (SE-5)."""
    town.add()
    browser = town.browser()
    browser.sign_in()
    header = cookie.replace("{0}", browser.session_cookie or "")
    response = town.app.test_client(use_cookies=False).get("/account", headers={"Cookie": header})
    assert location(response) == "/sign-in?next=/account"


def test_session_secrets_in_address_or_body_open_nothing(town: Town) -> None:
    """Only the cookie counts (SE-6)."""
    town.add()
    browser = town.browser()
    browser.sign_in()
    secret = browser.session_cookie or ""
    assert town.browser().get(f"/account?idp_session={secret}").status_code == 303
    assert town.browser().client.post("/account", data={"idp_session": secret}).status_code >= 300


def test_somebody_else_signing_in_ends_the_session_before(town: Town) -> None:
    """Two people, one after the other, never mix (SE-7)."""
    town.add("anna")
    town.add("ben")
    browser = town.browser()
    browser.sign_in("anna.berg")
    annas, form_cookie = browser.session_cookie or "", browser.client.get_cookie("idp_form")
    browser.submit("/sign-in?other=1", "login-submit", username="ben.berg", password=PASSWORD)
    assert "ben.berg" in browser.open("/account").text
    assert location(town.browser(idp_session=annas).get("/account")) == "/sign-in?next=/account"
    assert browser.client.get_cookie("idp_form") != form_cookie


@pytest.mark.parametrize(
    "wish",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "/%2Fevil.example",
        "/account/../\\evil.example",
        " /account",
        "/account\r\nSet-Cookie: a=b",
        "/account\t",
        "@evil.example",
        "account",
        "/account//evil.example",
        "/unknown",
        "/sign-in",
        "/account/security/end",
        "/reset/abc",
        "/static/x.css",
        "/account?x=" + "a" * 2000,
        "/account#x",
        "///account",
    ],
)
def test_unknown_ways_back_are_refused(town: Town, wish: str) -> None:
    """`next` is the path of a page of ours that one may return to; else one lands on the first page (WB-6)."""
    town.add()
    assert location(town.browser().sign_in(way=f"?next={quote(wish, safe='')}")) == "/"


@pytest.mark.parametrize("wish", ["/account", "/account/security", "/account?saved=1", "/"])
def test_known_ways_back_are_taken(town: Town, wish: str) -> None:
    """A page of ours, with its query."""
    town.add()
    assert location(town.browser().sign_in(way=f"?next={quote(wish, safe='')}")) == wish


def test_on_the_way_to_a_site_the_page_names_it_and_goes_on(town: Town) -> None:
    """The request waits on the server, bound to this browser; another browser's handle is nothing (RD-14, RD-15)."""
    town.add()
    browser, other = town.browser(), town.browser()
    browser.get("/sign-in?request=x")
    handle = save_request(town, browser.client.get_cookie("idp_browser").value)  # type: ignore[union-attr]
    page = browser.open(f"/sign-in?request={handle}")
    assert "Sign in to continue to Download library" in page.text
    assert dict(page.form("login-submit").fields)["username"] == "anna@lab.example"
    assert "Download library" not in other.open(f"/sign-in?request={handle}").text
    assert location(other.sign_in(way=f"?request={handle}")) == "/"
    assert location(browser.sign_in(way=f"?request={handle}")) == f"/oauth/continue/{handle}"


def test_what_was_typed_comes_back_except_the_password(town: Town) -> None:
    """An error keeps the name (UX 3)."""
    town.add()
    response = town.browser().sign_in("anna.berg", "wrong <password>")
    assert 'value="anna.berg"' in response.text
    assert "wrong" not in response.text
    assert "<title>Error: Sign in" in response.text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"username": "", "password": "x"}, "Enter your e-mail address or user name"),
        ({"username": "a", "password": ""}, "Enter your password"),
        ({"username": "a" * 255, "password": "x"}, "at most 254 characters"),
        ({"username": "a", "password": "x" * 5000}, "at most 256 characters"),
        ({"username": ["a", "b"], "password": "x"}, "more than once"),
        ({"username": "a", "password": ["x", "y"]}, "more than once"),
        ({"username": "a\x00b", "password": "x"}, "invisible characters"),
        ({"username": "<script>", "password": "x"}, "do not fit together"),
    ],
)
def test_bad_input_is_told_in_words(town: Town, typed: dict[str, str | list[str]], words: str) -> None:
    """No status of 500, and nothing comes back unescaped (GO-1, GO-4)."""
    response = town.browser().submit("/sign-in", "login-submit", **typed)
    assert response.status_code == 422
    assert words in response.text
    assert "<script>" not in response.text


def test_bytes_that_are_no_text_are_refused(town: Town) -> None:
    """Not UTF-8 (GO-1)."""
    page = (browser := town.browser()).open("/sign-in")
    token = dict(page.forms[0].fields)["csrf_token"]
    body = f"csrf_token={token}&username=%ff%fe&password=%ff".encode()
    response = browser.client.post("/sign-in", data=body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 422


def test_without_the_forms_token_nobody_is_signed_in(town: Town) -> None:
    """Sign-in included (WB-1)."""
    town.add()
    browser = town.browser()
    response = browser.client.post("/sign-in", data={"username": "anna.berg", "password": PASSWORD})
    assert response.status_code >= 400
    assert browser.session_cookie is None


def test_guesses_are_counted_per_account_whatever_was_typed(town: Town) -> None:
    """Five tries, by any name and from any browser; then even the right password waits, in growing steps (BF-1, BF-2)."""
    anna = town.add()
    for name in ("anna.berg", "ANNA.BERG", "anna@lab.example", "Anna@Lab.Example"):
        assert town.browser().sign_in(name, "wrong").status_code == 422
    assert town.browser().sign_in("anna.berg", "wrong").status_code == 422
    blocked = town.browser().sign_in("anna@lab.example")
    assert (blocked.status_code, blocked.headers["Retry-After"]) == (429, "300")
    assert "possible at 08:05 UTC, in 5 minutes." in blocked.text
    assert deliver_due(town.provider, SIGNAL_LANE, "test") == 1
    assert [name for name, _ in town.mails(anna)] == ["account_locked"]
    town.clock.move(minutes=5)
    for _ in range(5):
        assert town.browser().sign_in("anna.berg", "wrong").status_code == 422
    assert town.browser().sign_in("anna.berg").headers["Retry-After"] == "600"
    town.clock.move(minutes=10)
    assert town.browser().sign_in("anna.berg").status_code == 303


def test_names_that_nobody_has_wait_in_the_same_way(town: Town) -> None:
    """Slowing down tells nothing about who exists (EN-1)."""
    town.add()
    answers = []
    for name in ("anna.berg", "nobody"):
        answers.append([town.browser().sign_in(name, "wrong").status_code for _ in range(7)])
    assert answers[0] == answers[1] == [422] * 5 + [429] * 2


def test_parallel_guesses_are_counted_exactly(town: Town) -> None:
    """Of 24 at once five are looked at (BF-1)."""
    town.add()
    browsers = [town.browser() for _ in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda browser: browser.sign_in("anna.berg", "wrong").status_code, browsers))
    assert sorted(answers) == [422] * 5 + [429] * 19


def test_a_browser_that_signed_in_before_keeps_its_own_tries(town: Town) -> None:
    """Strangers cannot lock somebody out at their own computer (BF-4)."""
    town.add()
    own = town.browser()
    own.sign_in()
    own.client.delete_cookie("idp_session")
    for _ in range(6):
        last = town.browser().sign_in("anna.berg", "wrong")
    assert last.status_code == 429
    assert own.sign_in().status_code == 303
    assert town.browser().sign_in("anna.berg").status_code == 429


def test_after_a_hundred_failures_in_a_row_only_a_reset_helps(town: Town) -> None:
    """No amount of waiting brings the next try (BF-2)."""
    town.add()
    looked_at = 0
    for _ in range(150):
        looked_at += town.browser().sign_in("anna.berg", "wrong").status_code == 422
        town.clock.move(hours=1, seconds=1)
    assert looked_at == 100
    town.clock.move(hours=24 * 30)
    assert town.browser().sign_in("anna.berg").status_code == 429


def test_one_network_is_slowed_down_and_an_own_success_does_not_help_it(tmp_path: Path) -> None:
    """Ten wrong ones in a minute over all accounts; a right one in between clears nothing (BF-2, BF-5)."""
    town = make_town(tmp_path, limits=LimitSettings())
    town.add("evil")
    for number in range(9):
        assert town.browser().sign_in(f"victim{number}", "wrong").status_code == 422
    assert town.browser().sign_in("evil.berg").status_code == 303
    assert town.browser().sign_in("victim9", "wrong").status_code == 422
    assert town.browser().sign_in("victim10", "wrong").status_code == 429
    town.clock.move(minutes=1)
    assert town.browser().sign_in("victim10", "wrong").status_code == 422


def test_forwarded_addresses_change_nothing_without_a_proxy(tmp_path: Path) -> None:
    """Headers that anybody can write do not make a new network (BF-6)."""
    town = make_town(tmp_path, limits=LimitSettings())
    answers = []
    for number in range(12):
        browser = town.browser()
        browser.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"203.0.113.{number}"
        answers.append(browser.sign_in(f"victim{number}", "wrong").status_code)
    assert answers == [422] * 10 + [429] * 2


def test_every_try_leaves_one_line_and_no_secret(town: Town) -> None:
    """What was typed is in no line of the trail (GO-7, GO-8)."""
    town.add()
    town.browser().sign_in("my secret password typed into the wrong field", "wrong")
    town.browser().sign_in("anna.berg", "wrong")
    town.browser().sign_in()
    assert town.audit() == ["sign_in_refused", "sign_in_refused", "signed_in"]
    with town.provider.database.reading() as tx:
        rows = tx.all(Statement("SELECT * FROM audit_events"))
    assert "secret" not in str([dict(row) for row in rows])


def test_a_hash_with_older_parameters_is_renewed_at_sign_in(town: Town) -> None:
    """The same password goes on working (PW-5)."""
    account = town.add()
    older = "$argon2id$v=19$m=8,t=2,p=1$"
    from argon2 import PasswordHasher

    hashed = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    assert hashed.startswith(older)
    with town.provider.database.transaction() as tx:
        accounts.set_password(tx, account.account_id, hashed, town.clock())
    assert town.browser().sign_in().status_code == 303
    assert "t=1" in (town.read(account).password_hash or "")
    assert town.browser().sign_in().status_code == 303


def test_pages_of_signed_in_people_are_not_stored(town: Town) -> None:
    """`no-store`, and `Vary: Cookie` (SE-12)."""
    town.add()
    browser = town.browser()
    browser.sign_in()
    for path in ("/", "/account", "/account/security", "/sign-in?request=x"):
        response = browser.get(path)
        assert "no-store" in response.headers["Cache-Control"]
        assert "Cookie" in response.headers["Vary"]
    assert browser.get("/account/style.css").status_code == 404


def session_row(town: Town) -> dict[str, object]:
    """The only session there is."""
    with town.provider.database.reading() as tx:
        rows = tx.all(Statement("SELECT * FROM sessions"))
    assert len(rows) == 1
    return dict(rows[0])


def save_request(town: Town, browser: str) -> str:
    """A site's request that waits in a browser."""
    with town.provider.database.transaction() as tx:
        tx.run(_CLIENT, client_id="library", details='{"client_name":"Download library"}', yes=True, no=False)
        return pending.save_pending(
            tx,
            client_id="library",
            request={"login_hint": "anna@lab.example"},
            browser_id=browser,
            seen_sid=None,
            seen_auth_time=None,
            now=town.clock(),
            lifetime=1800,
        )


def test_the_password_of_the_demo_signs_nobody_in_on_an_https_issuer(tmp_path: Path) -> None:
    """A demo's database behind a real address: what is printed in our documents opens no account (CR-4)."""
    passwords = PasswordSettings(memory_kib=8, time_cost=1)
    for number, (issuer, status) in enumerate([("http://localhost", 303), ("https://login.example.com", 422)]):
        folder = tmp_path / str(number)
        settings = Settings(
            server=Server(issuer=issuer),
            database=DatabaseSettings(url=f"sqlite:///{folder}/idp.sqlite3"),
            keys=KeySettings(directory=folder / "keys"),
            passwords=passwords,
        )
        folder.mkdir()
        app = create_app(settings)
        place = Town(app, app.extensions["idp"], MovingClock())
        place.add(password=DEMO_PASSWORD)
        web = app.test_client()
        page = read_page("", 200, web.get("/sign-in", base_url=issuer).text)
        values = {**dict(page.form("login-submit").fields), "username": "anna.berg", "password": DEMO_PASSWORD}
        assert web.post("/sign-in", base_url=issuer, data=values).status_code == status
