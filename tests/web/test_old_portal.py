"""Customers of the old portal on our pages: by mail after the registration form, or by their old password."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from idp.accounts.old_portal import Details, PassageWish, move_by_mail
from idp.config import OldPortalSettings
from idp.errors import Refusal
from idp.policy.rules import Rule
from idp.store import accounts, device_claims, devices, old_portal, review_queue
from idp.store.accounts import Account
from tests.accounts.test_old_passwords import VECTORS
from tests.support.people import START, Browser, Town, location, make_town, plain
from tests.support.rules import add_rules

LDAP = next(vector for vector in VECTORS if vector["format"] == "ldap")
TYPED = "nineteen-green-bottles"
NEWER = "twenty-blue-saucepans"


@pytest.fixture
def town(tmp_path: Path, database_url: str) -> Town:
    """An empty provider, on SQLite and on PostgreSQL."""
    return make_town(tmp_path, url=database_url)


def add_old(town: Town, *, password: bool = True, device: str = "", **values: str) -> Account:
    """An imported account, `otto@lab.example`; nothing but the address is known unless `values` say more."""
    known = {"given_name": "", "family_name": "", "company": "", "country": "", **values}
    account = town.add("otto", password=None, **known)
    with town.provider.database.transaction() as tx:
        if password:
            accounts.set_password(tx, account.account_id, LDAP["hash"], town.clock())
        if device:
            devices.add_device(tx, account.account_id, device, town.clock())
        old_portal.insert_old_account(
            tx,
            account.account_id,
            source="old",
            row_id="1",
            hash_format="ldap" if password else "none",
            is_weak=password,
            now=town.clock(),
        )
    return town.read(account)


def register(browser: Browser, email: str = "otto@lab.example", **values: str) -> str:
    """Send the form; out: the page that follows."""
    typed = {
        "email": email,
        "given_name": "Otto",
        "family_name": "Old",
        "company": "Oldworks",
        "country": "DE",
        "serial_number": "AB123Z",
        "new_password": TYPED,
        **values,
    }
    answer = browser.submit("/register", "register-submit", **typed)
    assert answer.status_code == 303
    return browser.get(location(answer)).text


def link_of(town: Town, account: Account) -> str:
    """The path of the link in the newest mail that leads over."""
    sent = [values for message, values in town.mails(account) if message == "move_account"]
    return "/migrate/" + str(sent[-1]["link"]).partition("/migrate/")[2]


def old_of(town: Town, account: Account) -> old_portal.OldAccount:
    """What the import left, as it is now."""
    with town.provider.database.reading() as tx:
        found = old_portal.find_old_account(tx, account.account_id)
    assert found is not None
    return found


def end_weak_hashes(town: Town) -> None:
    """The operator's day has come."""
    ended = OldPortalSettings(weak_hashes_end=datetime.fromtimestamp(START, UTC).date())
    object.__setattr__(town.provider, "settings", town.provider.settings.model_copy(update={"old_portal": ended}))


def test_the_form_leads_an_old_customer_over_with_nothing_typed_lost(town: Town) -> None:
    """No error; the mail's button opens the questions with what was typed, and the typed password may stay (F-1.9)."""
    account = add_old(town, company="Altwerke")
    browser = town.browser()
    register(browser, serial_number="ab 123-z")
    link = link_of(town, account)
    page = browser.open(link)
    values = dict(page.form("migrate-submit").fields)
    assert (values["given_name"], values["company"], values["serial_number"]) == ("Otto", "Oldworks", "AB123Z")
    assert values["password_way"] == "typed"
    assert "otto.berg" in page.text
    answer = browser.submit(link, "migrate-submit")
    assert answer.status_code == 303
    assert browser.get(location(answer)).status_code == 200
    now = town.read(account)
    assert (now.given_name, now.company, now.country, now.approval_status) == ("Otto", "Oldworks", "DE", "pending")
    assert (old_of(town, account).moved_by, old_of(town, account).completed_at) == ("mail", town.clock())
    assert location(town.browser().sign_in("otto@lab.example", TYPED)) == "/"
    assert [message for message, _ in town.mails(account)] == ["move_account", "registration_waiting"]
    assert "old_account_moved" in town.audit()
    with town.provider.database.reading() as tx:
        assert [w.account_id for w in review_queue.page_queue(tx, review_queue.Filter(), after=None, limit=5)] == [
            account.account_id
        ]


def test_strangers_see_the_same_page_for_old_taken_and_free_addresses(town: Town) -> None:
    """The form never tells (EN-3)."""
    add_old(town)
    town.add("taken")
    pages = []
    for name in ("otto", "taken", "free"):
        page = register(town.browser(), f"{name}@lab.example")
        number = re.search(r'<strong class="code">([^<]*)', page)
        assert number is not None
        pages.append(plain(page, f"{name}@lab.example", number[1]))
    assert pages[0] == pages[1] == pages[2]


def test_the_old_password_may_stay_and_the_rules_or_the_import_decide(town: Town) -> None:
    """Elsewhere than in the browser that registered the typed password is not offered (RG-4)."""
    account = add_old(town, approval_status="approved")
    register(town.browser())
    link, other = link_of(town, account), town.browser()
    offered = other.open(link).html
    assert 'value="old"' in offered
    assert 'value="typed"' not in offered
    refused = other.submit(link, "migrate-submit", password_way="typed")
    assert refused.status_code == 422
    assert other.submit(link, "migrate-submit", password_way="old").status_code == 303
    now = town.read(account)
    assert (now.password_hash, now.approval_status) == (LDAP["hash"], "approved")
    assert location(town.browser().sign_in("otto.berg", LDAP["password"])) == "/"


def test_a_new_password_is_held_to_the_rules_and_what_was_typed_stays(town: Town) -> None:
    """Missing and too common ones are told at the field, with the rest kept."""
    account, browser = add_old(town, password=False), town.browser()
    register(browser)
    link = link_of(town, account)
    for password, given in (("", "Ottokar"), ("password", "Ottilie")):
        answer = browser.submit(link, "migrate-submit", password_way="new", new_password=password, given_name=given)
        assert answer.status_code == 422
        assert "new_password-error" in answer.text
        assert given in answer.text
    assert 'value="old"' not in browser.open(link).html
    assert browser.submit(link, "migrate-submit", password_way="new", new_password=NEWER).status_code == 303
    assert location(town.browser().sign_in("otto.berg", NEWER)) == "/"


def test_a_link_works_once_and_says_what_became_of_it(town: Town) -> None:
    """Used, replaced, expired and damaged, each with a way on (F-1.7)."""
    account, browser = add_old(town), town.browser()
    register(browser)
    first = link_of(town, account)
    register(browser)
    assert browser.get(first).status_code == 410
    second = link_of(town, account)
    assert browser.get(second).status_code == 200
    assert browser.get(second[:-3]).status_code == 404
    assert browser.get("/migrate/").status_code == 404
    town.clock.move(hours=14 * 24 + 1)
    assert browser.get(second).status_code == 410
    town.clock.move(hours=-14 * 24 - 1)
    assert browser.submit(second, "migrate-submit").status_code == 303
    assert browser.get(second).status_code == 200
    assert "migrate-submit" not in browser.get(second).text
    register(browser)
    assert town.mails(account)[-1][0] == "address_taken"


def test_of_many_who_press_the_button_at_once_one_moves_the_account(town: Town) -> None:
    """The link decides."""
    account, browser = add_old(town), town.browser()
    register(browser)
    token = link_of(town, account).rpartition("/")[2]
    details = Details("Otto", "Old", "Oldworks", "DE", "en", "AB123Z")

    def press(number: int) -> str:
        try:
            move_by_mail(town.provider, token, PassageWish(details, "new", f"{number}-{NEWER}"))
        except Refusal as refusal:
            return refusal.key
        return "moved"

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(press, range(4)))
    assert sorted(set(answers)) == ["link.used", "moved"]
    assert answers.count("moved") == 1
    assert town.audit().count("old_account_moved") == 1


def test_the_old_password_signs_in_and_what_is_missing_is_asked_for(town: Town) -> None:
    """Once; "Later" goes on, the first page reminds, and completing lets the rules decide."""
    account, browser = add_old(town, given_name="Otto", country="DE"), town.browser()
    answer = browser.sign_in("otto.berg", LDAP["password"])
    assert location(answer) == "/account/complete"
    assert (old_of(town, account).moved_by, old_of(town, account).completed_at) == ("sign_in", None)
    assert "/account/complete" in browser.open("/").html
    faulty = browser.submit("/account/complete", "complete-submit", family_name="Old")
    assert faulty.status_code == 422
    assert "company-error" in faulty.text
    typed = {"family_name": "Old", "company": "Oldworks", "serial_number": "AB123Z"}
    with town.provider.database.transaction() as tx:
        rule = Rule("family-AB", serial_families=frozenset({"AB"}))
        add_rules(tx, rule, now=town.clock())
    assert location(browser.submit("/account/complete", "complete-submit", **typed)) == "/"
    now = town.read(account)
    assert (now.given_name, now.family_name, now.approval_status) == ("Otto", "Old", "approved")
    assert location(browser.get("/account/complete")) == "/"
    assert "/account/complete" not in browser.open("/").html


@pytest.mark.parametrize("by", ["mail", "sign_in"])
def test_a_device_of_others_waits_for_staff_here_too(town: Town, by: str) -> None:
    """EN-4, RG-1: whom the old portal approved does not come to own what somebody else owns by typing its number."""
    victim = town.add("vera", password=None)
    with town.provider.database.transaction() as tx:
        devices.add_device(tx, victim.account_id, "AB123Z", town.clock())
    account, browser = add_old(town, approval_status="approved"), town.browser()
    typed = {"given_name": "Otto", "family_name": "Old", "company": "Oldworks", "country": "DE"}
    if by == "mail":
        register(browser)
        assert browser.submit(link_of(town, account), "migrate-submit", password_way="old").status_code == 303
    else:
        browser.sign_in("otto.berg", LDAP["password"])
        answer = browser.submit("/account/complete", "complete-submit", **typed, serial_number="AB123Z")
        assert answer.status_code == 303
    with town.provider.database.reading() as tx:
        assert devices.list_devices(tx, account.account_id) == []
        assert [claim.serial_number for claim in device_claims.list_own_claims(tx, account.account_id)] == ["AB123Z"]
    assert old_of(town, account).completed_at == town.clock()


def test_who_has_everything_is_decided_about_at_the_first_sign_in(town: Town) -> None:
    """Nothing is asked."""
    account = add_old(town, device="AB123Z", given_name="Otto", family_name="Old", company="Oldworks", country="DE")
    assert location(town.browser().sign_in("otto.berg", LDAP["password"])) == "/"
    assert old_of(town, account).completed_at == town.clock()
    assert [message for message, _ in town.mails(account)] == ["registration_waiting"]


def test_after_its_end_a_weak_hash_opens_nothing_and_the_page_says_why(town: Town) -> None:
    """Only whoever knows the password learns it (EN-1); a new one by mail, and the old one is not offered any more."""
    account, browser = add_old(town), town.browser()
    end_weak_hashes(town)
    assert browser.sign_in("otto.berg", "wrong").status_code == 422
    answer = browser.sign_in("otto.berg", LDAP["password"])
    assert location(answer) == "/forgot-password?why=old-password"
    assert "not safe enough" in browser.open(location(answer)).text
    assert browser.session_cookie is None
    assert town.read(account).password_hash == LDAP["hash"]
    register(browser)
    assert 'value="old"' not in browser.open(link_of(town, account)).html


def test_the_form_speaks_to_old_customers_only_where_there_are_some(town: Town) -> None:
    """The same for everybody who opens it."""
    assert "old portal" not in town.browser().open("/register").text
    add_old(town)
    assert "old portal" in town.browser().open("/register").text
