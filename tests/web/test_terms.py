"""Terms of use in versions: read, accepted with the form, asked for again when others come into force."""

from __future__ import annotations

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from idp.accounts import terms
from idp.accounts.closing import close_own_account, erase_closed_accounts
from idp.accounts.terms import Terms, accept_terms, load_terms
from idp.errors import ConfigError, Refusal
from idp.store.accounts import Account
from tests.support.applicant import FORM, Applicant, accounts_of, newest_link
from tests.support.lobby import CALLBACK, Lobby, answer_of, hidden_fields
from tests.support.tokens import House

DAY = 86400
FIRST, SECOND = "2027-01-01", "2027-01-16"  # NOW is 15 January 2027
TEXTS = {
    f"{FIRST}/en.md": "# The rules\n\nBe *fair*. <script>alert(1)</script> [a](javascript:alert(1)) ![x](https://x.example/x.png)\n",
    f"{FIRST}/de.md": "Seien Sie fair.\n",
    f"{SECOND}/en.md": "Be fairer.\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two versions; the second begins tomorrow and has no German text."""
    for name, text in TEXTS.items():
        path = tmp_path / "terms" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "terms"


def use(lobby: Lobby, found: Terms) -> None:
    """Let the lobby have these terms."""
    object.__setattr__(lobby.provider, "terms", found)


def rows(lobby: Lobby) -> list[dict[str, Any]]:
    """What was accepted."""
    return [dict(row) for row in lobby.rows("SELECT * FROM terms_acceptances ORDER BY version")]


def accept(lobby: Lobby, account: Account, version: str = FIRST) -> None:
    """Accept a version in English."""
    accept_terms(lobby.provider, account.account_id, version=version, language="en")


@pytest.fixture
def told(lobby: Lobby, folder: Path) -> Terms:
    """The lobby's terms."""
    found = load_terms(folder)
    use(lobby, found)
    return found


def hash_of(name: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(TEXTS[name].encode()).hexdigest()


def test_acceptance_comes_with_the_account(lobby: Lobby, told: Terms) -> None:
    """Version, language, hash and time of the form; nothing before the address is confirmed (RG-4)."""
    nora, sent_at = Applicant(lobby), lobby.now
    refused = nora.register()
    assert "Accept the terms of use to register." in refused.text
    assert 'href="/terms"' in refused.text
    assert nora.register(terms="y", terms_version=FIRST).status_code == 303
    assert rows(lobby) == []
    lobby.now += 3600
    assert nora.confirm(newest_link(lobby)).status_code == 303
    account_id = accounts_of(lobby)[0]["account_id"]
    assert rows(lobby) == [
        {
            "account_id": account_id,
            "version": FIRST,
            "language": "en",
            "text_hash": hash_of(f"{FIRST}/en.md"),
            "accepted_at": sent_at,
        }
    ]
    events = lobby.rows("SELECT details FROM audit_events WHERE act = 'terms_accepted'")
    assert json.loads(events[0]["details"])["text_hash"] == hash_of(f"{FIRST}/en.md")


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_form_as_a_browser_sends_it_is_taken(lobby: Lobby, told: Terms, language: str) -> None:
    """Each field once, and the acceptance is for the text that the form's link leads to, whatever is read afterwards."""
    nora = Applicant(lobby)
    page = nora.get(f"/register?language={language}").text
    form = page[page.index("<form", page.index("<h1")) :]
    names = re.findall(r'<(?:input|select)[^>]* name="([^"]+)"', form)
    assert len(names) == len(set(names))
    assert f"(version {FIRST})" in page.lower()
    assert 'target="_blank"' in page
    nora.get("/terms?language=fr")
    assert nora.web.post("/register", data={**FORM, **hidden_fields(form), "terms": "y"}).status_code == 303
    assert nora.confirm(newest_link(lobby)).status_code == 303
    assert [(row["language"], row["text_hash"]) for row in rows(lobby)] == [
        (language, hash_of(f"{FIRST}/{language}.md"))
    ]


def test_terms_that_begin_while_the_form_is_open_are_read_first(lobby: Lobby, told: Terms) -> None:
    """The box is for what was shown; everything else that was typed stays."""
    nora = Applicant(lobby)
    nora.get("/register")
    lobby.now += DAY
    answer = nora.register(terms="y", terms_version=FIRST)
    assert answer.status_code == 422
    assert "Other terms of use came into force meanwhile." in answer.text
    assert f'value="{SECOND}"' in answer.text
    assert "nora@waterworks.example" in answer.text
    assert nora.register(terms="y", terms_version=SECOND).status_code == 303


def test_other_terms_are_asked_about_on_the_way_to_a_site(lobby: Lobby, told: Terms) -> None:
    """Once; with prompt=none the site is told (OpenID Connect Core §3.1.2.6); tokens of before go on."""
    ada, browser = lobby.add_account("ada"), lobby.browser()
    accept(lobby, ada)
    browser.sign_in(ada)
    assert "code" in answer_of(browser.authorize(client_id="own"))
    lobby.now += DAY
    browser.sign_in(ada)
    assert answer_of(browser.authorize(client_id="own", prompt="none"))["error"] == "interaction_required"
    path = browser.authorize(client_id="own").headers["Location"]
    page = browser.get(path)
    assert "Be fairer." in page.text
    assert "New terms of use" in page.text
    other = browser.post(path, {**hidden_fields(page.text), "wish": f"accept:{FIRST}:en"})
    assert other.headers["Location"].endswith(path)
    assert [row["version"] for row in rows(lobby)] == [FIRST]
    page = browser.get(path)
    answer = answer_of(browser.post(path, {**hidden_fields(page.text), "wish": f"accept:{SECOND}:en"}))
    assert "code" in answer
    assert [row["version"] for row in rows(lobby)] == [FIRST, SECOND]
    assert "code" in answer_of(browser.authorize(client_id="own", prompt="none"))


def test_whoever_does_not_accept_goes_back_to_the_site(lobby: Lobby, told: Terms) -> None:
    """access_denied, nothing kept; the way to one's data stands on the page."""
    ada, browser = lobby.add_account("ada"), lobby.browser()
    browser.sign_in(ada)
    path = browser.authorize(client_id="own").headers["Location"]
    page = browser.get(path)
    assert "/account/data" in page.text
    answer = answer_of(browser.post(path, {**hidden_fields(page.text), "wish": "leave"}))
    assert answer["error"] == "access_denied"
    assert rows(lobby) == []


def test_who_never_accepted_any_is_asked_only_where_everybody_is(lobby: Lobby, folder: Path) -> None:
    """`ask_everybody`."""
    ada, browser = lobby.add_account("ada"), lobby.browser()
    browser.sign_in(ada)
    use(lobby, load_terms(folder, asks_everybody=False))
    assert "code" in answer_of(browser.authorize(client_id="own"))
    assert "You need to accept them" not in browser.get("/").text
    use(lobby, load_terms(folder))
    assert not browser.authorize(client_id="own").headers["Location"].startswith(CALLBACK)


def test_terms_are_read_and_accepted_on_their_own_page(lobby: Lobby, told: Terms) -> None:
    """Every version, in the reader's language or English; the box only for whoever owes it."""
    stranger, browser, ada = lobby.browser(), lobby.browser(), lobby.add_account("ada")
    page = stranger.get("/terms")
    assert "<h2>The rules</h2>" in page.text
    assert "<script>alert" not in page.text
    assert "javascript:" not in page.text.split("</header>")[-1].replace("(javascript:alert(1))", "")
    assert "<img" not in page.text.split("prose")[1].split("</div>")[0]
    assert "terms-accept" not in page.text
    assert "Seien Sie fair." in lobby.browser().get("/terms?language=de").text
    assert "Be fairer." in stranger.get(f"/terms/{SECOND}").text
    assert "In force from" in stranger.get(f"/terms/{SECOND}").text
    for missing in ("2020-01-01", "x", "..", "%00"):
        assert stranger.get(f"/terms/{missing}").status_code == 404
    assert stranger.post("/terms", {"version": FIRST}).status_code in (303, 400, 422)
    browser.sign_in(ada)
    assert "Read the terms of use" in browser.get("/").text
    page = browser.get("/terms")
    values = hidden_fields(page.text[page.text.index("terms-accept") - 900 :]) or hidden_fields(page.text)
    stale = browser.post("/terms", {**values, "version": "2020-01-01"})
    assert (stale.status_code, rows(lobby)) == (409, [])
    answer = browser.post("/terms", {**values, "version": FIRST})
    assert "You accepted the terms of use." in browser.get(answer.headers["Location"]).text
    assert "You accepted them on" in browser.get("/terms").text
    assert "Read the terms of use" not in browser.get("/").text
    assert hash_of(f"{FIRST}/en.md")[:16] in browser.get("/account/data").text


def test_without_terms_there_is_no_page(lobby: Lobby) -> None:
    """As before."""
    assert lobby.browser().get("/terms").status_code == 404


def test_of_several_who_accept_at_once_one_row_stays(lobby: Lobby, told: Terms) -> None:
    """One account in several browsers (RC-2)."""
    ada = lobby.add_account("ada")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _n: accept(lobby, ada), range(4)))
    assert len(rows(lobby)) == 1
    assert len(lobby.rows("SELECT act FROM audit_events WHERE act = 'terms_accepted'")) == 1


def test_only_the_version_in_force_is_accepted(lobby: Lobby, told: Terms) -> None:
    """Neither a later nor an unknown one."""
    ada = lobby.add_account("ada")
    for version, key in ((SECOND, "terms_changed"), ("2000-01-01", "terms_unknown"), ("", "terms_unknown")):
        with pytest.raises(Refusal, match=key):
            accept(lobby, ada, version)


def test_a_text_that_was_changed_after_it_was_accepted_is_named(lobby: Lobby, folder: Path, told: Terms) -> None:
    """The hash says so; a change needs a new version."""
    accept(lobby, lobby.add_account("ada"))
    assert terms.find_changed_texts(lobby.provider) == []
    (folder / FIRST / "en.md").write_text("Be fair, or else.", encoding="utf-8")
    use(lobby, load_terms(folder))
    assert terms.find_changed_texts(lobby.provider) == [(FIRST, "en")]


def test_acceptances_go_with_the_account(lobby: Lobby, told: Terms) -> None:
    """Erasure leaves the line of the trail."""
    ada = lobby.add_account("ada")
    accept(lobby, ada)
    close_own_account(lobby.provider, ada.account_id)
    lobby.now += 15 * DAY
    erase_closed_accounts(lobby.provider)
    assert rows(lobby) == []
    assert len(lobby.rows("SELECT act FROM audit_events WHERE act = 'terms_accepted'")) == 1


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("summer/en.md", b"x", "must be named by its first day"),
        ("2027-13-01/en.md", b"x", "must be named by its first day"),
        ("2027-02-01/it.md", b"x", "must be one of en.md"),
        ("2027-02-01/en.html", b"x", "must be one of en.md"),
        ("2027-02-01/en.md", b" ", "is empty"),
        ("2027-02-01/en.md", b"\xff", "is not UTF-8"),
        ("2027-02-01/en.md", b"x" * 200_001, "is longer than"),
    ],
)
def test_a_folder_that_cannot_be_meant_stops_the_start(folder: Path, name: str, content: bytes, fault: str) -> None:
    """The words name the file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=fault):
        load_terms(folder)


def test_a_missing_or_empty_folder_stops_the_start(tmp_path: Path) -> None:
    """Both are mistakes."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_terms(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="has no folder such as"):
        load_terms(tmp_path)


def test_tokens_of_sites_live_on_while_terms_are_owed(house: House, folder: Path) -> None:
    """Terms are asked for where somebody is at a page; nobody is when a site refreshes, asks or introspects."""
    object.__setattr__(house.provider, "terms", load_terms(folder))
    got = house.tokens(scope="openid email offline_access", offline=True)
    fresh = house.refresh(got["refresh_token"])
    assert fresh.status_code == 200
    token = fresh.get_json()["access_token"]
    assert house.userinfo(token).get_json()["email"] == house.anna.email
    assert house.introspect(token)["active"] is True


def test_discovery_names_the_terms_once_some_are_in_force(lobby: Lobby, folder: Path) -> None:
    """`op_tos_uri` (OIDC Discovery §3) leads nowhere before."""
    browser = lobby.browser()
    assert "op_tos_uri" not in browser.get("/.well-known/openid-configuration").json
    use(lobby, load_terms(folder))
    lobby.now -= 15 * DAY  # the last day of 2026
    assert "op_tos_uri" not in browser.get("/.well-known/openid-configuration").json
    lobby.now += DAY
    told = browser.get("/.well-known/openid-configuration").json["op_tos_uri"]
    assert told.endswith("/terms")
    assert browser.get("/terms").status_code == 200
