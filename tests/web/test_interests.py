"""Choosing interests: kept, told to sites that ask, refused where nothing like it is offered (F-1.1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from idp.config.interests import InterestSettings
from tests.support.lobby import Browser, Lobby
from tests.web.staff.test_desk import token_in

OFFERED = InterestSettings(
    products={"balances": {"en": "Balances", "de": "Waagen"}},
    topics={"tips": {"en": "Tips"}},
    regions={"north": {"en": "North"}},
)


@pytest.fixture
def anna(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """Anna at a browser, with something to choose."""
    monkeypatch.setitem(lobby.provider.settings.__dict__, "interests", OFFERED)
    browser = lobby.browser()
    browser.sign_in(lobby.add_account("anna", claims={"nickname": "Annie"}))
    return browser


def choose(browser: Browser, **values: Any) -> Any:
    """Send the form."""
    return browser.post("/account/interests", {"csrf_token": token_in(browser.get("/account/interests")), **values})


def claims(lobby: Lobby) -> dict[str, Any]:
    """What sites can get."""
    return dict(json.loads(lobby.rows("SELECT claims FROM accounts")[0]["claims"]))


def test_a_choice_is_kept_beside_the_other_claims(lobby: Lobby, anna: Browser) -> None:
    """And taken back by choosing nothing."""
    page = anna.get("/account/interests?language=de").text
    assert "Waagen" in page
    assert "Tips" in page
    saved = anna.get(choose(anna, interests=["tips", "balances"], region="north").headers["Location"]).text
    assert saved.count("checked") == 2
    assert claims(lobby) == {"nickname": "Annie", "interests": ["balances", "tips"], "region": "north"}
    choose(anna, region="")
    assert claims(lobby) == {"nickname": "Annie"}
    assert len(lobby.rows("SELECT 1 FROM audit_events WHERE act = 'interests_chosen'")) == 2


@pytest.mark.parametrize("values", [{"interests": ["cars"]}, {"region": "moon"}, {"interests": ["north"]}])
def test_what_is_not_offered_is_refused_and_the_rest_stays_ticked(
    lobby: Lobby, anna: Browser, values: dict[str, Any]
) -> None:
    """422, nothing changed."""
    answer = choose(anna, interests=[*values.get("interests", []), "tips"], region=values.get("region", ""))
    assert answer.status_code == 422
    assert "not offered any more" in answer.text
    assert 'value="tips" checked' in answer.text
    assert claims(lobby) == {"nickname": "Annie"}


def test_the_page_says_when_there_is_nothing_to_choose(lobby: Lobby) -> None:
    """And the menu does not lead there."""
    browser = lobby.browser()
    browser.sign_in(lobby.add_account("ben"))
    assert "There is nothing to choose yet" in browser.get("/account/interests").text
    assert "/account/interests" not in browser.get("/account").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"products": {"Big Key": {"en": "x"}}},
        {"products": {"a": {"de": "x"}}},
        {"topics": {"a": {"en": ""}}},
        {"regions": {"a": {"en": "x", "xx": "y"}}},
        {"feeds": {"site": " "}},
    ],
)
def test_settings_that_cannot_work_stop_the_start(wrong: dict[str, Any]) -> None:
    """With what would be right."""
    with pytest.raises(ValueError, match=r"must|needs|none of|characters"):
        InterestSettings(**wrong)
