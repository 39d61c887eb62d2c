"""Beside an application: who is like the applicant, and what was decided before."""

from __future__ import annotations

from typing import Any

import pytest

from idp.accounts.approval import decide_by_staff
from idp.accounts.similar_accounts import MOST_SHARED, SHOWN, Beside, look_beside, near_serials
from idp.store.accounts import Account
from tests.support.lobby import NOW, Lobby
from tests.web.staff.test_desk import add_waiting, house, sit_down

__all__ = ["house"]


def person(lobby: Lobby, name: str, *, serial: str = "QQ999Q", email: str = "", **values: Any) -> Account:
    """Somebody with a name, company, address and device of their own."""
    given, _, family = name.partition(" ")
    account = add_waiting(
        lobby, name.replace(" ", "").lower(), serial=serial, company=values.pop("company", ""), **values
    )
    email = email or f"{given.lower()}@{family.lower()}.example"
    lobby.run(
        "UPDATE accounts SET given_name = :given, family_name = :family, email = :email, email_key = :email"
        " WHERE account_id = :id",
        given=given,
        family=family,
        email=email,
        id=account.account_id,
    )
    return account


def beside(lobby: Lobby, account: Account) -> Beside:
    """What staff see."""
    return look_beside(lobby.provider, account.account_id)


def traits(found: Beside) -> dict[str, tuple[str, ...]]:
    """What each similar account has in common, by given name."""
    return {row.account.given_name: row.traits for row in found.rows}


def test_what_two_accounts_have_in_common_is_told(lobby: Lobby) -> None:
    """Device, company, e-mail domain and name, near or the same, on both databases; the strongest first."""
    one = person(lobby, "Jürgen Müller", serial="AB123Z", email="jm@wasser.example", company="Wasserwerk Süd GmbH")
    person(lobby, "Dora Device", serial="AB123Z")
    person(lobby, "Nina Near", serial="AB132Z")
    person(lobby, "Clara Company", serial="CC111C", company="WASSERWERK  sud GmbH")
    person(lobby, "Otto Domain", serial="CC222C", email="otto@wasser.example")
    person(lobby, "Juergen Mueler", serial="CC333C")
    person(lobby, "Ilse Stranger", serial="ZZ777Z", email="ilse@abwasser.example", company="Wasserwerk Nord GmbH")
    found = beside(lobby, one)
    assert traits(found) == {
        "Dora": ("same_serial",),
        "Nina": ("near_serial",),
        "Juergen": ("near_name",),
        "Clara": ("same_company",),
        "Otto": ("same_domain",),
    }
    assert [row.account.given_name for row in found.rows][:2] == ["Dora", "Nina"]
    assert (found.more, found.crowded) == (0, ())


@pytest.mark.parametrize(
    ("other", "is_near"),
    [("AB123Y", True), ("BA123Z", True), ("AB213Z", True), ("XB123Z", True), ("AB123Z", False), ("AB124Y", False)],
)
def test_a_serial_number_is_near_by_one_place_or_two_swapped_ones(other: str, is_near: bool) -> None:
    """A wrong letter or two neighbours swapped, and no more."""
    assert (other in near_serials("AB123Z")) is is_near


def test_what_everybody_shares_is_told_once_and_lists_nobody(lobby: Lobby) -> None:
    """A free-mail domain says nothing about an applicant; who has more in common is still listed."""
    one = person(lobby, "Eva Anfang", email="eva@freemail.example", serial="AB123Z")
    for number in range(MOST_SHARED):
        lobby.add_account(f"f{number}")
    lobby.run("UPDATE accounts SET email_key = user_name || '@freemail.example' WHERE user_name LIKE 'f%'")
    lobby.run("UPDATE accounts SET email = email_key WHERE user_name LIKE 'f%'")
    person(lobby, "Dora Device", email="dora@freemail.example", serial="AB123Z")
    found = beside(lobby, one)
    assert traits(found) == {"Dora": ("same_serial", "same_domain")}
    assert found.crowded == ("freemail.example",)


def test_no_more_than_a_handful_is_listed(lobby: Lobby) -> None:
    """The rest is counted."""
    one = person(lobby, "Eva Anfang", serial="AB123Z")
    for number in range(SHOWN + 2):
        person(lobby, f"D{number} Device{number}", serial="AB123Z")
    found = beside(lobby, one)
    assert (len(found.rows), found.more) == (SHOWN, 2)


def test_the_page_shows_earlier_decisions_with_links(house: Lobby) -> None:
    """Who was rejected with this device before is one look away: when, by whom and why."""
    browser, staff = sit_down(house)
    before = person(house, "Rita Rejected", serial="AB123Z")
    decide_by_staff(
        house.provider, staff_id=staff.account_id, account_id=before.account_id, act="reject", reason="Not a customer."
    )
    one = person(house, "Eva Anfang", serial="AB123Z")
    page = browser.get(f"/staff/applications/{one.account_id}").text
    section = page.split('id="beside"')[1].split("</section>")[0]
    assert f'href="/staff/accounts/{before.account_id}"' in section
    assert "same device" in section
    assert "Carla Test rejected" in section
    assert "Not a customer." in section


def test_the_page_says_that_nobody_is_similar(house: Lobby) -> None:
    """An empty state instead of nothing."""
    browser, _staff = sit_down(house)
    one = person(house, "Eva Anfang", serial="AB123Z")
    assert 'id="nobody-similar"' in browser.get(f"/staff/applications/{one.account_id}").text


def test_an_earlier_registration_of_the_address_is_shown(house: Lobby) -> None:
    """The first try with a wrong serial number, never confirmed."""
    browser, _staff = sit_down(house)
    one = person(house, "Eva Anfang", serial="AB123Z")
    house.run(
        "INSERT INTO registrations (registration_id, reference, state, email, email_key, given_name, family_name, company,"
        " country, serial_number, locale, password_hash, address_taken, status_hash, sent_at, expires_at)"
        " VALUES ('r1', 'ABCD-EFGH', 'expired', 'eva@anfang.example', 'eva@anfang.example', 'Eva', 'Anfang', '', 'DE',"
        " 'AB128Z', 'en', '', :no, :hash, :at, :at)",
        no=False,
        hash=b"1" * 32,
        at=NOW - 86400,
    )
    page = browser.get(f"/staff/applications/{one.account_id}").text
    assert 'href="/staff/registrations/r1">ABCD-EFGH</a>' in page
