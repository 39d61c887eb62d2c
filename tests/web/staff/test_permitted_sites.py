"""What a customer permitted which site, at the desk: seen by who may see accounts, taken back by customer care (RF-12)."""

from __future__ import annotations

from typing import Any

import pytest

from idp.store.accounts import Account
from tests.support.lobby import Browser, Lobby, answer_of, hidden_fields
from tests.web.oauth.test_interaction_pages import open_page
from tests.web.staff.test_desk import sit_down, token_in


def permit(lobby: Lobby) -> tuple[Account, Browser]:
    """A customer who said yes to a site."""
    ada = lobby.add_account("ada")
    browser = lobby.browser()
    browser.sign_in(ada)
    path, text = open_page(browser)
    browser.post(path, {**hidden_fields(text), "wish": "approve"})
    assert "code" in answer_of(browser.authorize(prompt="none"))
    return ada, browser


def take_back(staff: Browser, account: Account, client_id: str = "site") -> Any:
    """Press the button."""
    path = f"/staff/accounts/{account.account_id}"
    return staff.post(f"{path}/sites", {"csrf_token": token_in(staff.get(path)), "client_id": client_id})


def test_customer_care_takes_it_back(lobby: Lobby) -> None:
    """The site's tokens end, it has to ask again, and the trail names who did it (RF-12, RF-10, CO-10)."""
    ada, browser = permit(lobby)
    staff, carla = sit_down(lobby, "customer_care")
    path = f"/staff/accounts/{ada.account_id}"
    page = staff.get(path).text
    assert 'id="permitted-sites"' in page
    assert "Your name, user name and language" in page
    answer = take_back(staff, ada)
    assert answer.headers["Location"] == f"{path}?done=consent"
    after = staff.get(answer.headers["Location"]).text
    assert "Taken back" in after
    assert 'id="permitted-sites"' not in after
    assert {row["revoke_reason"] for row in lobby.rows("SELECT revoke_reason FROM token_families")} == {
        "consent_withdrawn"
    }
    assert answer_of(browser.authorize(prompt="none"))["error"] == "consent_required"
    (line,) = lobby.rows("SELECT * FROM audit_events WHERE act = 'consent_withdrawn'")
    assert (line["actor_kind"], line["actor"], line["account_id"], line["client_id"]) == (
        "staff",
        carla.account_id,
        ada.account_id,
        "site",
    )
    again = take_back(staff, ada)
    assert again.headers["Location"] == f"{path}?done=too_late"


@pytest.mark.parametrize("roles", ["approver", "auditor"])
def test_others_take_nothing_back(lobby: Lobby, roles: str) -> None:
    """They see no button, and force changes nothing (AD-1)."""
    ada, browser = permit(lobby)
    staff, _ = sit_down(lobby, roles)
    token = token_in(staff.get("/account"))
    assert f"/staff/accounts/{ada.account_id}/sites" not in staff.get(f"/staff/accounts/{ada.account_id}").text
    form = {"csrf_token": token, "client_id": "site"}
    assert staff.post(f"/staff/accounts/{ada.account_id}/sites", form).status_code == 403
    assert "code" in answer_of(browser.authorize(prompt="none"))


def test_a_form_without_its_token_takes_nothing_back(lobby: Lobby) -> None:
    """WB-1; whoever comes back from a sign-in decides anew."""
    ada, browser = permit(lobby)
    staff, _ = sit_down(lobby, "customer_care")
    path = f"/staff/accounts/{ada.account_id}"
    assert staff.post(f"{path}/sites", {"client_id": "site"}).status_code in (400, 403, 422)
    assert staff.get(f"{path}/sites").headers["Location"] == path
    assert "code" in answer_of(browser.authorize(prompt="none"))
