"""Interests in the registration form: optional, kept with what was typed, and the account's from the confirmation on (F-1.1)."""

from __future__ import annotations

import json

import pytest

from idp.config.interests import InterestSettings
from tests.support.applicant import PASSWORD, Applicant, accounts_of, newest_link, registration_rows
from tests.support.lobby import Lobby

OFFERED = InterestSettings(
    products={"balances": {"en": "Balances", "de": "Waagen"}},
    topics={"tips": {"en": "Tips"}},
    regions={"north": {"en": "The North"}},
)


@pytest.fixture
def nora(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> Applicant:
    """Nora, with something to choose."""
    monkeypatch.setitem(lobby.provider.settings.__dict__, "interests", OFFERED)
    return Applicant(lobby)


def test_a_choice_becomes_the_accounts_at_the_confirmation(lobby: Lobby, nora: Applicant) -> None:
    """As if it had been made on the page of interests."""
    assert "Waagen" in nora.get("/register?language=de").text
    assert nora.register(interests=["tips", "balances", "tips"], region="north").status_code == 303
    nora.confirm(newest_link(lobby))
    assert json.loads(accounts_of(lobby)[0]["claims"]) == {"interests": ["balances", "tips"], "region": "north"}


def test_nothing_needs_to_be_chosen(lobby: Lobby, nora: Applicant) -> None:
    """The account says nothing of it."""
    assert nora.register(region="").status_code == 303
    nora.confirm(newest_link(lobby))
    assert json.loads(accounts_of(lobby)[0]["claims"]) == {}


def test_a_choice_survives_a_wrong_field(lobby: Lobby, nora: Applicant) -> None:
    """It stays ticked while the rest is put right (F-1.3)."""
    answer = nora.register(interests=["tips"], region="north", serial_number="x")
    assert answer.status_code == 422
    assert 'value="tips" checked' in answer.text
    assert 'value="balances" checked' not in answer.text
    assert 'selected value="north"' in answer.text
    assert registration_rows(lobby) == []


def test_changing_the_address_brings_the_choice_back(lobby: Lobby, nora: Applicant) -> None:
    """Like everything else that was typed."""
    nora.register(interests=["tips"], region="north")
    page = nora.get("/register?change=1").text
    assert 'value="tips" checked' in page
    assert 'selected value="north"' in page


@pytest.mark.parametrize(("field", "value"), [("interests", "cars"), ("interests", "north"), ("region", "moon")])
def test_what_is_not_offered_is_refused_at_its_place(lobby: Lobby, nora: Applicant, field: str, value: str) -> None:
    """With a link to it; nothing is stored."""
    answer = nora.register(**{field: [value, "tips"] if field == "interests" else value})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text
    assert PASSWORD not in answer.text
    assert registration_rows(lobby) == []


def test_without_anything_to_choose_the_form_has_no_such_part(lobby: Lobby) -> None:
    """And what is sent nevertheless is not read."""
    nora = Applicant(lobby)
    assert "interest" not in nora.get("/register").text
    assert nora.register(interests=["tips"], region="north").status_code == 303
    assert json.loads(registration_rows(lobby)[0]["claims"]) == {}


def test_a_choice_goes_with_a_registration_that_nobody_confirmed(lobby: Lobby, nora: Applicant) -> None:
    """After the 14 days and the day of grace nothing of it is left."""
    nora.register(interests=["tips"], region="north")
    lobby.now += 20 * 86400
    for chore in lobby.provider.housekeeping:
        if chore.__name__ == "forget_unconfirmed":
            chore(lobby.provider)
    row = registration_rows(lobby)[0]
    assert (row["email"], row["claims"]) == ("", "{}")
