"""What the outside sees of an account: identifiers that tell nothing, and no address that nobody has confirmed."""

from __future__ import annotations

import re

from idp.accounts.password_reset import DELIVERY, answer_reset_request
from idp.store import accounts, outbox
from tests.support.lobby import Lobby, hidden_fields
from tests.web.test_own_email_change import NEW, ask, sit_down


def test_identifiers_do_not_count(lobby: Lobby) -> None:
    """Accounts, sessions and registrations made one after the other have names that are in no order (EN-7, CO-8)."""
    people = [lobby.add_account(f"person{number}") for number in range(20)]
    identifiers = [person.account_id for person in people]
    sids = [lobby.browser().sign_in(person) for person in people]
    for names in (identifiers, sids):
        assert len(set(names)) == len(names)
        assert names != sorted(names)
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{22,43}", name) for name in names)
        assert not any(name.isdigit() for name in names)


def test_pages_for_strangers_count_nobody(lobby: Lobby) -> None:
    """They are the same in an empty house and in a full one (EN-7)."""
    paths = ("/sign-in", "/register", "/forgot-password", "/help")

    def pages() -> list[str]:
        browser = lobby.browser()
        texts = [browser.get(path).text for path in paths]
        return [re.sub(r'(?:value|nonce|content)="[^"]{16,}"', "", text) for text in texts]

    empty = pages()
    for number in range(7):
        lobby.add_account(f"person{number}")
    assert pages() == empty


def test_an_address_that_waits_for_its_confirmation_is_nobodys(lobby: Lobby) -> None:
    """It signs nobody in, gets no reset mail and is not the account's until its link was pressed (EC-2)."""
    browser, ada = sit_down(lobby)
    ask(browser)
    with lobby.provider.database.reading() as tx:
        assert accounts.find_by_identifier(tx, NEW) is None
        assert accounts.get_account(tx, ada.account_id).email == "ada@lab.example"
    stranger = lobby.browser()
    fields = hidden_fields(stranger.get("/forgot-password").text)
    assert stranger.post("/forgot-password", {**fields, "email": NEW}).status_code in (200, 303)
    before = mails_in(lobby)
    deliver_requests(lobby)
    assert mails_in(lobby) == before


def mails_in(lobby: Lobby) -> int:
    """How many mails were written."""
    return int(lobby.rows("SELECT count(*) AS n FROM outbox WHERE kind = 'mail'")[0]["n"])


def deliver_requests(lobby: Lobby) -> None:
    """The worker's half of the request."""
    with lobby.provider.database.transaction() as tx:
        items = outbox.claim(tx, mail=False, worker="w", lease=60, limit=10, now=lobby.now)
    requests = [item for item in items if item.kind == DELIVERY]
    assert requests
    for item in requests:
        answer_reset_request(lobby.provider, item)
