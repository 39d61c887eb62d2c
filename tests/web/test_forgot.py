"""Forgot password: the same page for everybody, a link that works once, and everything signed in ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import pytest

from idp.config import LimitSettings
from idp.signals.worker import SIGNAL_LANE, deliver_due
from idp.store import closings, links
from idp.store.accounts import Account
from idp.store.database import Statement
from tests.support.applicant import FORM, Applicant, mails
from tests.support.lobby import Lobby
from tests.support.people import PASSWORD, Browser, Town, location, make_town, plain
from tests.web.test_sign_in import save_request

NEW = "a different lighthouse each day"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """An empty provider."""
    return make_town(tmp_path)


def ask(town: Town, email: str, browser: Browser | None = None) -> str:
    """Ask for a link; out: the page that answers. The worker's half is done, mails are left in the outbox."""
    response = (browser or town.browser()).submit("/forgot-password", "forgot-submit", email=email)
    assert response.status_code == 200, response.text
    while deliver_due(town.provider, SIGNAL_LANE, "test"):
        pass
    return response.text


def links_of(town: Town, account: Account) -> list[str]:
    """The paths of the reset links that an account was sent."""
    found = [values["link"] for name, values in town.mails(account) if name == "reset_password"]
    return [str(link).removeprefix("http://localhost") for link in found]


def choose(browser: Browser, link: str, password: str = NEW) -> int:
    """Follow a link and set a password; out: the status of the answer."""
    return browser.submit(link, "reset-submit", new_password=password).status_code


def test_the_link_sets_a_new_password_and_ends_everything(town: Town) -> None:
    """All sessions are dead, nobody is signed in by it, and the owner is told (RS-6, F-2.1)."""
    anna = town.add()
    signed_in = town.browser()
    signed_in.sign_in()
    ask(town, "Anna@LAB.example")
    browser = town.browser()
    [link] = links_of(town, anna)
    response = browser.submit(link, "reset-submit", new_password=NEW)
    assert location(response) == "/reset/done"
    assert browser.session_cookie is None
    assert signed_in.get("/account").status_code == 303
    assert town.browser().sign_in(password=PASSWORD).status_code == 422
    assert town.browser().sign_in(password=NEW).status_code == 303
    assert [name for name, _ in town.mails(anna)] == ["reset_password", "password_was_reset"]
    assert "password_reset" in town.audit()


@pytest.mark.parametrize("status", ["pending", "rejected"])
def test_customers_who_wait_get_a_working_link(town: Town, status: str) -> None:
    """Where rules pull apart: RS-7."""
    anna = town.add(approval_status=status)
    ask(town, anna.email)
    assert choose(town.browser(), links_of(town, anna)[0]) == 303


def test_the_answer_is_the_same_for_everybody(town: Town) -> None:
    """Known, unknown and closed: same page, and only the known one gets a mail (EN-3, RS-7)."""
    anna, carl = town.add(), town.add("carl")
    with town.provider.database.transaction() as tx:
        closings.close(tx, carl.account_id, by_kind="staff", erase_at=town.clock() + 86400, now=town.clock())
    browser = town.browser()
    pages = [
        plain(ask(town, email, browser), email)
        for email in (anna.email, "nobody@lab.example", carl.email, "ANNA@lab.example")
    ]
    assert pages == [pages[0]] * 4
    assert (len(links_of(town, anna)), len(links_of(town, carl))) == (2, 0)


def test_the_request_does_the_same_work_for_everybody(town: Town) -> None:
    """Whether there is an account is looked at only by the worker (EN-6)."""
    anna = town.add()
    rows = []
    for email in (anna.email, "nobody@lab.example"):
        assert town.browser().submit("/forgot-password", "forgot-submit", email=email).status_code == 200
        with town.provider.database.reading() as tx:
            rows.append(
                [dict(row) for row in tx.all(Statement("SELECT kind, account_id FROM outbox ORDER BY outbox_id"))]
            )
    assert rows[0] == [{"kind": "reset_request", "account_id": None}]
    assert rows[1] == rows[0] * 2
    assert anna.email not in str(rows)


@pytest.mark.parametrize(
    "typed",
    [
        "anna@lab.example,evil@evil.example",
        "anna@lab.example\nevil@evil.example",
        "anna@lab.example evil@evil.example",
        "evil@evil.example, anna@lab.example",
        "ann\u0430@lab.example",
        "anna@lab\u3002example",
        "anna\uff20lab.example",
        "anna@lab.example\x00",
    ],
)
def test_no_mail_goes_to_what_was_typed(town: Town, typed: str) -> None:
    """Lists, look-alikes and line breaks reach nobody but the stored address (RS-3)."""
    anna = town.add()
    town.browser().submit("/forgot-password", "forgot-submit", email=typed)
    while deliver_due(town.provider, SIGNAL_LANE, "test"):
        pass
    with town.provider.database.reading() as tx:
        rows = tx.all(Statement("SELECT sealed, seal_identity, account_id FROM outbox WHERE kind = 'mail'"))
    assert {row["account_id"] for row in rows} <= {anna.account_id}


def test_two_addresses_in_one_request_are_refused(town: Town) -> None:
    """Repeated parameters (RS-3)."""
    anna = town.add()
    response = town.browser().submit("/forgot-password", "forgot-submit", email=[anna.email, "evil@evil.example"])
    assert response.status_code == 422
    assert town.mails(anna) == []


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded", "X-Forwarded-Proto"])
def test_the_links_host_comes_from_the_settings(town: Town, header: str) -> None:
    """No header changes it (RS-4)."""
    anna = town.add()
    browser = town.browser()
    page = browser.open("/forgot-password")
    fields = {**dict(page.form("forgot-submit").fields), "email": anna.email}
    value = "host=evil.example" if header == "Forwarded" else "evil.example"
    browser.client.post("/forgot-password", data=fields, headers={header: value})
    while deliver_due(town.provider, SIGNAL_LANE, "test"):
        pass
    mails = [values for name, values in town.mails(anna) if name == "reset_password"]
    assert all(str(values["link"]).startswith("http://localhost/reset/") for values in mails)


def test_opening_the_link_changes_nothing_and_clears_the_address_bar(town: Town) -> None:
    """Scanners may open it; the token leaves the address (RS-5)."""
    anna = town.add()
    ask(town, anna.email)
    [link] = links_of(town, anna)
    for _ in range(3):
        scanner = town.browser()
        response = scanner.get(link)
        assert location(response) == "/reset"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert scanner.open("/reset").status == 200
    assert choose(town.browser(), link) == 303


def test_a_link_works_once_also_for_many_at_once(town: Town) -> None:
    """One of eight wins (RS-1)."""
    anna = town.add()
    ask(town, anna.email)
    [link] = links_of(town, anna)
    ready = []
    for number in range(8):
        browser = town.browser()
        fields = dict(browser.open(link).form("reset-submit").fields)
        ready.append((browser, {**fields, "new_password": f"{NEW} {number}"}))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda pair: pair[0].client.post("/reset", data=pair[1]).status_code, ready))
    assert sorted(answers) == [303] + [410] * 7
    assert "used already" in town.browser().open(link).text


def test_a_link_dies_by_age_a_newer_one_and_a_changed_password(town: Town) -> None:
    """Expired, replaced, void; each page says which, with a reference and the next step (RS-1, F-1.7)."""
    anna = town.add()
    ask(town, anna.email)
    ask(town, anna.email)
    first, second = links_of(town, anna)
    page = town.browser().open(first)
    assert "There is a newer mail" in page.text
    assert "Name the reference" in page.text
    assert choose_without_page(town, first) == 410
    town.clock.move(hours=1)
    assert "This link has expired" in town.browser().open(second).text
    assert choose_without_page(town, second) == 410
    ask(town, anna.email)
    third = links_of(town, anna)[-1]
    browser = town.browser()
    browser.sign_in()
    browser.submit("/account/security/password", "password-submit", current_password=PASSWORD, new_password=NEW)
    assert town.browser().open(third).status == 410


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "%00", "../..", "A" * 5000, "é" * 43])
def test_a_damaged_link_says_so(town: Town, token: str) -> None:
    """Never an error, and nothing is set."""
    assert town.browser().open(f"/reset/{token}").status == 404


def test_nothing_stands_in_for_the_token(town: Town) -> None:
    """The cookie alone, another link's cookie, or a name in the form set nothing (RS-2)."""
    anna, ben = town.add("anna"), town.add("ben")
    ask(town, anna.email)
    ask(town, ben.email)
    browser = town.browser()
    fields = dict(browser.open(links_of(town, anna)[0]).form("reset-submit").fields)
    without = {name: value for name, value in fields.items() if name != "token"}
    assert browser.client.post("/reset", data={**without, "new_password": NEW}).status_code == 404
    assert browser.client.post("/reset", data={**without, "token": "", "new_password": NEW}).status_code == 404
    set_by_anna = {**fields, "username": ben.user_name, "account_id": ben.account_id, "new_password": NEW}
    assert browser.client.post("/reset", data=set_by_anna).status_code == 303
    assert town.browser().sign_in("ben.berg", NEW).status_code == 422
    assert town.browser().sign_in("ben.berg").status_code == 303


@pytest.mark.parametrize("password", ["too short 123", "passwordpassword", "AnnaBergAnnaBerg", "x" * 300])
def test_a_bad_choice_is_told_and_leaves_the_link_open(town: Town, password: str) -> None:
    """The rules hold at reset as well (PW-1, PW-4)."""
    anna = town.add()
    ask(town, anna.email)
    [link] = links_of(town, anna)
    browser = town.browser()
    response = browser.submit(link, "reset-submit", new_password=password)
    assert response.status_code == 422
    assert password not in response.text
    assert choose(browser, link) == 303


def test_a_reset_opens_an_account_that_guessing_had_blocked(town: Town) -> None:
    """The way round a lock-out stays open (BF-4)."""
    anna = town.add()
    for _ in range(6):
        blocked = town.browser().sign_in("anna.berg", "wrong")
    assert blocked.status_code == 429
    ask(town, anna.email)
    choose(town.browser(), links_of(town, anna)[0])
    assert town.browser().sign_in(password=NEW).status_code == 303


def test_one_mailbox_gets_five_mails_an_hour_at_most(town: Town) -> None:
    """Whoever asks; the page stays the same (BF-7)."""
    anna = town.add()
    for _ in range(8):
        assert "on its way" in ask(town, anna.email)
    assert len(links_of(town, anna)) == 5
    town.clock.move(hours=1)
    ask(town, anna.email)
    assert len(links_of(town, anna)) == 6


def test_one_network_is_slowed_down(tmp_path: Path) -> None:
    """After twenty requests in an hour (BF-7)."""
    town = make_town(tmp_path, limits=LimitSettings())
    for number in range(20):
        ask(town, f"nobody{number}@lab.example")
    response = town.browser().submit("/forgot-password", "forgot-submit", email="one@lab.example")
    assert response.status_code == 429
    assert "Please try again at 09:00 UTC" in response.text


def test_the_tokens_are_kept_as_hashes(town: Town) -> None:
    """Nothing in the database opens the link (GO-7)."""
    anna = town.add()
    ask(town, anna.email)
    token = links_of(town, anna)[0].rpartition("/")[2]
    with town.provider.database.reading() as tx:
        everything = [str(dict(row)) for table in ("links", "outbox", "audit_events") for row in tx.all(all_of(table))]
        assert links.find_link(tx, "reset", token) is not None
    assert everything
    assert token not in "".join(everything)


def choose_without_page(town: Town, link: str) -> int:
    """Send the last form with a token whose page does not open any more."""
    browser = town.browser()
    token = dict(browser.open("/forgot-password").form("forgot-submit").fields)["csrf_token"]
    data = {"csrf_token": token, "token": link.rpartition("/")[2], "new_password": NEW}
    return browser.client.post("/reset", data=data).status_code


def all_of(table: str) -> Statement:
    """Every row."""
    return Statement(f"SELECT * FROM {table}")  # noqa: S608 - one of our tables


def test_the_way_to_a_site_outlives_the_mail(town: Town) -> None:
    """From the site's sign-in page to the mail, the new password and on to the site's request (UX 3)."""
    anna, browser = town.add(), town.browser()
    browser.get("/sign-in?request=x")
    cookie = browser.client.get_cookie("idp_browser")
    assert cookie is not None
    handle = save_request(town, cookie.value)
    forgot = f"/forgot-password?request={handle}"
    assert forgot in [address for _, address in browser.open(f"/sign-in?request={handle}").links]
    page = browser.open(forgot)
    assert "Download library" in page.text
    sent = browser.submit(forgot, "forgot-submit", email=anna.email)
    assert f'action="{forgot}"' in sent.text
    while deliver_due(town.provider, SIGNAL_LANE, "test"):
        pass
    done = location(browser.submit(links_of(town, anna)[0], "reset-submit", new_password=NEW))
    assert done == f"/reset/done?request={handle}"
    sign_in = f"/sign-in?request={handle}"
    assert sign_in in [address for _, address in browser.open(done).links]
    response = browser.submit(sign_in, "login-submit", username="anna.berg", password=NEW)
    assert location(response) == f"/oauth/continue/{handle}"


def test_the_way_to_a_page_of_ours_outlives_the_mail(town: Town) -> None:
    """In another browser than the one that asked there is no way, and the next mail is about the next way only."""
    anna, browser = town.add(), town.browser()
    browser.submit("/forgot-password?next=/account/security", "forgot-submit", email=anna.email)
    while deliver_due(town.provider, SIGNAL_LANE, "test"):
        pass
    [link] = links_of(town, anna)
    assert "next=/account/security" in unquote(town.browser().open("/account/security").html)
    assert location(browser.submit(link, "reset-submit", new_password=NEW)) == "/reset/done?next=/account/security"


def test_a_reset_where_somebody_is_signed_in_gives_the_browser_a_new_value(town: Town) -> None:
    """SE-7: only who was nobody yet goes on with what waits in this browser."""
    anna, browser = town.add(), town.browser()
    town.add("ben")
    browser.get("/sign-in?request=x")
    cookie = browser.client.get_cookie("idp_browser")
    assert cookie is not None
    handle = save_request(town, cookie.value)
    browser.sign_in("ben.berg")
    browser.submit(f"/forgot-password?request={handle}", "forgot-submit", email=anna.email)
    while deliver_due(town.provider, SIGNAL_LANE, "test"):
        pass
    browser.submit(links_of(town, anna)[0], "reset-submit", new_password=NEW)
    after = browser.client.get_cookie("idp_browser")
    assert after is not None
    assert after.value != cookie.value


def test_whoever_did_not_confirm_yet_gets_the_mail_to_confirm_with(lobby: Lobby) -> None:
    """The page answers as for everybody; a minute must lie between two of these mails (F-1.6, EN-3)."""
    nora = Applicant(lobby)
    nora.register()
    assert [mail["name"] for mail in mails(lobby)] == ["confirm_registration"]
    lobby.now += 600
    for _ in range(2):
        answer = nora.send("/forgot-password", "/forgot-password", {"email": FORM["email"].upper()})
        assert answer.status_code == 200
        deliver_due(lobby.provider, SIGNAL_LANE, "test")
    assert [mail["name"] for mail in mails(lobby)] == ["confirm_registration"] * 2
