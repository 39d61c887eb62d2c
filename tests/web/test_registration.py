"""Registering, confirming and where one stands, as a browser without scripts sees it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from idp.accounts.registration import DAY, DELIVERY, answer_mail_request, forget_unconfirmed
from idp.policy.rules import Rule
from idp.store import sessions
from idp.store.outbox import Item
from tests.support.applicant import (
    FORM,
    PASSWORD,
    Applicant,
    accounts_of,
    mails,
    newest_code,
    newest_link,
    path_of,
    registration_rows,
)
from tests.support.databases import FreshDatabase
from tests.support.lobby import Lobby, hidden_fields, request_parameters
from tests.support.postgresql import Prepare
from tests.support.rules import add_rules


@pytest.fixture
def house(fresh_sqlite: FreshDatabase, prepare_lobby: Prepare, lobby_keys: Path) -> Lobby:
    """A provider with three sites and nobody in it."""
    return Lobby(fresh_sqlite(prepare_lobby), lobby_keys)


@pytest.fixture(scope="module")
def quiet_house(tmp_path_factory: pytest.TempPathFactory) -> Lobby:
    """A provider for what is refused: nothing is ever stored in it."""
    folder = tmp_path_factory.mktemp("quiet")
    return Lobby(f"sqlite:///{folder}/idp.sqlite3", folder / "keys")


@pytest.fixture
def nora(house: Lobby) -> Applicant:
    """Somebody who wants an account."""
    return Applicant(house)


def test_register_confirm_and_wait(house: Lobby, nora: Applicant) -> None:
    """The three steps: form, button, review (F-1.2)."""
    sent = nora.register()
    assert sent.status_code == 303
    page = nora.get(sent.location).text
    assert "Check your mail" in page
    assert "nora@waterworks.example" in page
    link = newest_link(house)
    assert "confirm-submit" in nora.get(link).text
    assert accounts_of(house) == []
    done = nora.confirm(link)
    assert done.status_code == 303
    account = accounts_of(house)[0]
    assert (account["approval_status"], account["user_name"]) == ("pending", "nora.newcomer")
    assert account["email_verified_at"] == house.now
    page = nora.get("/register/status").text
    assert "being reviewed" in page
    assert "nora.newcomer" in page
    assert mails(house)[-1]["name"] == "registration_waiting"
    assert house.provider.passwords.verify(PASSWORD, account["password_hash"])
    assert house.rows("SELECT serial_number FROM devices")[0]["serial_number"] == "CD123Z"
    assert registration_rows(house)[0]["password_hash"] == ""


def test_opening_a_link_changes_nothing(house: Lobby, nora: Applicant) -> None:
    """Scanners open links as often as they like, in any browser (RG-6)."""
    nora.register()
    link = newest_link(house)
    for browser in (nora, Applicant(house)):
        assert browser.get(link).status_code == 200
        assert browser.web.head(link).status_code == 200
    assert accounts_of(house) == []
    assert nora.confirm(link).status_code == 303


def test_another_browser_needs_the_password(house: Lobby, nora: Applicant) -> None:
    """The button alone is not enough where the registration was not sent from (RG-6)."""
    nora.register()
    phone, link = Applicant(house), newest_link(house)
    assert phone.confirm(link).status_code == 422
    assert phone.confirm(link, password="some other long words").status_code == 422
    assert accounts_of(house) == []
    done = phone.confirm(link, password=PASSWORD)
    assert done.status_code == 303
    assert "being reviewed" in phone.get(done.location).text


def test_code_and_new_password_take_the_registration_from_a_stranger(house: Lobby) -> None:
    """Whoever registered somebody else's address knows no password of the account, and loses its page (RG-4)."""
    stranger, owner = Applicant(house), Applicant(house)
    stranger.register()
    chosen = "a gentle river stone"
    done = owner.confirm(newest_link(house), code=newest_code(house).lower(), new_password=chosen)
    assert done.status_code == 303
    account = accounts_of(house)[0]
    assert house.provider.passwords.verify(chosen, account["password_hash"])
    assert not house.provider.passwords.verify(PASSWORD, account["password_hash"])
    assert stranger.get("/register/status").status_code == 404
    assert "being reviewed" in owner.get("/register/status").text


def test_the_code_confirms_in_the_browser_that_registered(house: Lobby, nora: Applicant) -> None:
    """The short code is the second way; case and blanks do not matter."""
    nora.register()
    code = newest_code(house)
    done = nora.send("/register/status", "/register/code", {"code": f" {code[:4].lower()}-{code[4:]} "})
    assert done.status_code == 303
    assert len(accounts_of(house)) == 1


def test_ten_wrong_codes_are_enough(house: Lobby, nora: Applicant) -> None:
    """After ten tries only a new mail helps (DESIGN, lifetimes)."""
    nora.register()
    code = newest_code(house)
    for _ in range(10):
        assert "not the code" in nora.send("/register/status", "/register/code", {"code": "BBBBBBBB"}).text
    assert "tried too often" in nora.send("/register/status", "/register/code", {"code": code}).text
    assert accounts_of(house) == []
    house.now += 61
    nora.send("/register/status", "/register/again", {"status": ""})
    assert nora.send("/register/status", "/register/code", {"code": newest_code(house)}).status_code == 303


def test_a_code_without_the_browser_does_nothing(house: Lobby, nora: Applicant) -> None:
    """A code alone, in a browser that registered nothing, confirms nobody."""
    nora.register()
    other = Applicant(house)
    answer = other.send("/register", "/register/code", {"code": newest_code(house)})
    assert answer.status_code == 303
    assert other.get(answer.location).status_code == 404
    assert accounts_of(house) == []


def test_a_taken_address_looks_like_any_other(house: Lobby, nora: Applicant) -> None:
    """The same page, the same wrong-code answers; only the owner's mail differs (EN-3)."""
    house.add_account("ada")
    taken, free = Applicant(house), nora
    first, second = taken.register(email="Ada@lab.example"), free.register()
    assert (first.status_code, first.location) == (second.status_code, second.location)
    pages = [browser.get("/register/status").text for browser in (taken, free)]
    assert _neutral(pages[0], "Ada@lab.example") == _neutral(pages[1], FORM["email"])
    answers = [b.send("/register/status", "/register/code", {"code": "BBBBBBBB"}).text for b in (taken, free)]
    assert _neutral(answers[0], "Ada@lab.example") == _neutral(answers[1], FORM["email"])
    assert [(mail["name"], mail["email"]) for mail in mails(house)] == [
        ("address_taken", "ada@lab.example"),
        ("confirm_registration", FORM["email"]),
    ]


def _neutral(page: str, email: str) -> str:
    """A page without what differs for everybody: tokens, nonces, references, the address itself."""
    page = page.replace(email, "EMAIL")
    page = re.sub(r'(nonce|value)="[^"]*"', r'\1=""', page)
    return re.sub(r"[BCDFGHJKMNPQRSTVWXYZ2-9]{4}-[BCDFGHJKMNPQRSTVWXYZ2-9]{4}", "REFERENCE", page)


def test_a_later_registration_makes_the_earlier_one_worthless(house: Lobby) -> None:
    """Link, password and page of the earlier one are void (RG-4); one account comes of it (RG-7)."""
    first, second = Applicant(house), Applicant(house)
    first.register(new_password="words of the first one")
    old_link = newest_link(house)
    house.now += 5
    second.register()
    dead = first.get(old_link)
    assert dead.status_code == 410
    assert "newer mail" in dead.text
    assert first.confirm(newest_link(house), password="words of the first one").status_code == 422
    assert second.confirm(newest_link(house)).status_code == 303
    assert first.get(old_link).status_code == 410
    account = accounts_of(house)[0]
    assert house.provider.passwords.verify(PASSWORD, account["password_hash"])


def test_send_again_replaces_the_link_after_a_pause(house: Lobby, nora: Applicant) -> None:
    """Once a minute; the older link says that there is a newer mail (F-1.6, F-1.7)."""
    nora.register()
    old = newest_link(house)
    early = nora.send("/register/status", "/register/again", {"status": ""})
    assert early.status_code == 429
    assert early.headers["Retry-After"] == "60"
    house.now += 61
    answer = nora.send("/register/status", "/register/again", {"status": ""})
    assert answer.status_code == 303
    assert "new mail is on its way" in nora.get(answer.location).text
    assert "newer mail" in nora.get(old).text
    assert nora.confirm(newest_link(house)).status_code == 303


def test_a_mailbox_gets_five_mails_an_hour(house: Lobby, nora: Applicant) -> None:
    """All forms together; the page does not tell (BF-7, EN-3)."""
    nora.register()
    for _ in range(7):
        house.now += 61
        assert nora.send("/register/status", "/register/again", {"status": ""}).status_code == 303
    assert len(mails(house)) == 5


def test_fourteen_days_by_the_clock(house: Lobby, nora: Applicant) -> None:
    """One second before the end it works, at the end it does not, with no clean-up in between (RG-5, F-1.5)."""
    nora.register()
    link = newest_link(house)
    house.now += 14 * DAY
    dead = nora.get(link)
    assert dead.status_code == 410
    assert "expired" in dead.text
    assert nora.send("/register", link, {}).status_code == 410
    assert accounts_of(house) == []
    house.now -= 1
    assert nora.confirm(link).status_code == 303


def test_an_expired_link_leads_to_a_new_mail(house: Lobby, nora: Applicant) -> None:
    """The button of the page starts the 14 days again while the registration is still there (F-1.7)."""
    nora.register()
    link = newest_link(house)
    house.now += 14 * DAY + 60
    forget_unconfirmed(house.provider)
    answer = nora.send(link, f"{link}/again", {})
    assert answer.status_code == 303
    assert "Check your mail" in nora.get(answer.location).text
    assert nora.confirm(newest_link(house)).status_code == 303


def test_what_was_not_confirmed_is_deleted(house: Lobby, nora: Applicant) -> None:
    """After 14 days marked, a day later blank; the reference stays, and the address is free (F-1.5, RG-11)."""
    nora.register()
    link = newest_link(house)
    house.now += 14 * DAY
    forget_unconfirmed(house.provider)
    assert registration_rows(house)[0]["state"] == "expired"
    house.now += DAY
    forget_unconfirmed(house.provider)
    row = registration_rows(house)[0]
    assert (row["email"], row["given_name"], row["serial_number"], row["password_hash"]) == ("", "", "", "")
    assert row["purged_at"] == house.now
    assert "deleted" in nora.get(link).text
    assert nora.get("/register/status").status_code == 200
    assert nora.register().status_code == 303
    assert nora.confirm(newest_link(house)).status_code == 303


def test_a_confirmed_registration_is_never_purged(house: Lobby, nora: Applicant) -> None:
    """What was once confirmed stays (DESIGN, states)."""
    nora.register()
    nora.confirm(newest_link(house))
    house.now += 30 * DAY
    forget_unconfirmed(house.provider)
    assert registration_rows(house)[0]["state"] == "confirmed"
    assert registration_rows(house)[0]["email"] == FORM["email"]


@pytest.mark.parametrize("change", ["cut", "longer", "case", "other", "nothing"])
def test_a_damaged_link_has_a_reference_and_a_way_on(house: Lobby, nora: Applicant, change: str) -> None:
    """One character changed, cut, added or re-cased (CO-12); staff find the reference (F-1.7)."""
    nora.register()
    token = newest_link(house).rpartition("/")[2]
    damaged = {
        "cut": token[:-1],
        "longer": token + "A",
        "case": token.swapcase(),
        "other": ("B" if token[0] != "B" else "C") + token[1:],
        "nothing": "",
    }[change]
    page = nora.get(f"/confirm/{damaged}")
    assert page.status_code == 404
    assert "not complete" in page.text
    reference = house.rows("SELECT reference FROM audit_events WHERE act = 'confirmation_link_damaged'")[0]["reference"]
    assert reference in page.text
    assert 'id="send-again"' in page.text


def test_a_used_link_is_good_news(house: Lobby, nora: Applicant) -> None:
    """Pressing twice, or coming back later, leads to the status page (F-1.7)."""
    nora.register()
    link = newest_link(house)
    nora.confirm(link)
    page = nora.get(link)
    assert page.status_code == 200
    assert "confirmed already" in page.text
    assert nora.send("/register", link, {}).status_code == 200
    assert len(accounts_of(house)) == 1


def test_another_purpose_is_no_confirmation(house: Lobby, nora: Applicant) -> None:
    """A confirmation link is no reset link, and the other way round (CO-13, RG-5)."""
    nora.register()
    token = newest_link(house).rpartition("/")[2]
    nora.get(f"/reset/{token}")
    assert nora.get("/reset").status_code == 404
    assert nora.get(newest_link(house)).status_code == 200


def test_a_rule_approves_and_the_page_says_so(house: Lobby, nora: Applicant) -> None:
    """A device of a family that a rule knows needs no staff (RG-9)."""
    with house.provider.database.transaction() as tx:
        add_rules(tx, Rule("family-cd", serial_families=frozenset({"CD"})), now=house.now)
    house.add_client("library")
    nora.register()
    done = nora.confirm(newest_link(house))
    page = nora.get(done.location).text
    assert "approved" in page
    assert "open to you now" in page
    assert mails(house)[-1]["name"] == "approved"


def test_the_status_link_opens_anywhere_and_nothing_else_does(house: Lobby, nora: Applicant) -> None:
    """By the 256-bit link of the mail or the browser's cookie, never by number or address."""
    nora.register()
    status = path_of(mails(house)[0]["status_link"])
    other = Applicant(house)
    assert other.get(status).status_code == 200
    assert FORM["email"] in other.get(status).text
    assert "code-submit" not in other.get(status).text
    assert other.get("/register/status").status_code == 404
    reference = registration_rows(house)[0]["reference"]
    assert other.get(f"/register/status/{reference}").status_code == 404


def test_the_page_says_that_a_mail_waits(house: Lobby, nora: Applicant) -> None:
    """A mail server that is down: the registration stands, the mail waits, the page says so."""
    nora.register()
    assert "delayed" not in nora.get("/register/status").text
    house.run("UPDATE outbox SET last_error = 'refused', attempts = 1")
    assert "delayed" in nora.get("/register/status").text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "", "Enter your e-mail address"),
        ("email", "nora", "Enter one e-mail address"),
        ("email", "a@b.example, c@d.example", "Enter one e-mail address"),
        ("email", "a" * 300 + "@x.example", "at most 254"),
        ("email", '"a b"@x.example', "Enter one e-mail address"),
        ("given_name", "", "Enter your given name"),
        ("given_name", "x" * 61, "at most 60"),
        ("given_name", "No\u202era", "invisible"),
        ("family_name", "New\x00comer", "invisible"),
        ("company", "Water\nworks", "invisible"),
        ("country", "", "Choose your country"),
        ("country", "XX", "one of the entries"),
        ("serial_number", "AB12", "two letters, three digits"),
        ("serial_number", "", "Enter the serial number"),
        ("new_password", "", "Choose a password"),
        ("new_password", "short", "at least 15"),
        ("new_password", "x" * 300, "at most 256"),
        ("new_password", "aaaaaaaaaaaaaaaaaaaa", "first that others would try"),
        ("new_password", "nora newcomer cd123z", "your own name"),
        ("user_name", "no@ra", "3 to 40 letters"),
        ("user_name", "аda", "3 to 40 letters"),
        ("user_name", "Administrator", "kept for our own use"),
        ("locale", "xx", "one of the entries"),
    ],
)
def test_a_wrong_field_says_why_and_keeps_the_rest(quiet_house: Lobby, field: str, value: str, words: str) -> None:
    """Field by field, with what was typed kept, the password excepted (F-1.3); nothing is stored (GO-9)."""
    answer = Applicant(quiet_house).register(**{field: value})
    assert answer.status_code == 422
    assert words in answer.text
    assert f'href="#{field}"' in answer.text
    for name in ("email", "given_name", "company", "serial_number"):
        if name != field:
            assert f'value="{FORM[name]}"' in answer.text
    assert PASSWORD not in answer.text
    assert registration_rows(quiet_house) == []
    assert mails(quiet_house) == []


@pytest.mark.parametrize("fault", ["missing", "doubled", "not_utf8", "raw_bytes", "control", "huge"])
def test_whatever_is_sent_gets_a_clear_page(quiet_house: Lobby, fault: str) -> None:
    """Missing, doubled, not UTF-8, control characters, far too long (IV-1, GO-1): a page, and nothing stored (GO-9)."""
    for field in FORM:
        if (field, fault) == ("user_name", "missing"):
            continue  # it may be
        rest = urlencode([(name, value) for name, value in FORM.items() if name != field]).encode()
        extra = {
            "missing": b"",
            "doubled": urlencode([(field, FORM[field]), (field, "other")]).encode(),
            "not_utf8": field.encode() + b"=%ff%fe%c3%28",
            "raw_bytes": field.encode() + b"=\xff\xfe\xc3(",
            "control": urlencode([(field, "a\x00b\x1bc\r\nd")]).encode(),
            "huge": urlencode([(field, "x" * 40000)]).encode(),
        }[fault]
        answer = Applicant(quiet_house).send("/register", "/register", rest + b"&" + extra)
        assert answer.status_code == 422, (field, answer.text[:300])
        assert f'href="#{field}"' in answer.text
        assert registration_rows(quiet_house) == []
        assert mails(quiet_house) == []


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", "x/y"])
def test_other_kinds_of_bodies_are_refused(house: Lobby, nora: Applicant, content_type: str) -> None:
    """Only a form changes something (WB-2)."""
    answer = nora.send("/register", "/register", b"{}", headers={"Content-Type": content_type})
    assert answer.status_code in (400, 415, 422)
    assert registration_rows(house) == []


def test_fields_that_the_form_does_not_list_are_not_read(house: Lobby, nora: Applicant) -> None:
    """Roles, states and dates cannot be set from outside (RG-2)."""
    nora.register(
        approval_status="approved", roles="administrator", state="confirmed", address_taken="1", account_id="x"
    )
    nora.confirm(newest_link(house), roles="administrator", approval_status="approved")
    account = accounts_of(house)[0]
    assert (account["approval_status"], account["roles"]) == ("pending", "")


def test_a_form_without_its_token_does_nothing(house: Lobby, nora: Applicant) -> None:
    """Every form is bound to its browser (WB-1)."""
    assert nora.web.post("/register", data=FORM).status_code == 400
    nora.register()
    link = newest_link(house)
    assert Applicant(house).web.post(link, data={}).status_code == 400
    assert accounts_of(house) == []


def test_a_network_registers_twenty_times_an_hour(house: Lobby) -> None:
    """More waits, with what was typed kept (BF-7)."""
    for number in range(20):
        assert Applicant(house).register(email=f"p{number}@waterworks.example").status_code == 303
    answer = Applicant(house).register()
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert 'value="Waterworks Basel"' in answer.text
    assert len(registration_rows(house)) == 20


def test_a_taken_user_name_is_told_after_the_confirmation(house: Lobby, nora: Applicant) -> None:
    """Not in the form (EN-5): a free one is made, and page and mail say it."""
    house.add_account("nora")
    nora.register(user_name="NORA")
    page = nora.get(nora.confirm(newest_link(house)).location).text
    assert accounts_of(house)[0]["user_name"] == "nora.newcomer"
    assert "was taken" in page


@pytest.mark.parametrize(
    ("user_name", "shown"), [("nora_n", "nora_n"), ("v1.2", "v1.2"), ("www.evil.example", ""), ("evil.com", "")]
)
def test_a_user_name_that_mail_programs_make_a_link_of_is_not_mailed(
    house: Lobby, nora: Applicant, user_name: str, shown: str
) -> None:
    """Whoever types somebody else's address has no link of their own sent there (RG-10, GO-4)."""
    nora.register(user_name=user_name)
    assert mails(house)[-1]["user_name"] == shown
    nora.confirm(newest_link(house))
    assert accounts_of(house)[0]["user_name"] == user_name


def test_an_address_that_got_an_account_meanwhile_is_not_taken_over(house: Lobby, nora: Applicant) -> None:
    """Uniqueness is the database's: the registration ends on a page that says what to do (RG-7)."""
    nora.register(email="ada@lab.example")
    link = newest_link(house)
    before = house.add_account("ada", password_hash="x")
    answer = nora.confirm(link)
    assert answer.status_code == 409
    assert "account already" in answer.text
    rows = accounts_of(house, "ada@lab.example")
    assert [(row["account_id"], row["password_hash"]) for row in rows] == [(before.account_id, "x")]
    assert registration_rows(house)[0]["state"] == "sent"
    assert house.rows("SELECT * FROM devices") == []


def test_confirming_signs_nobody_in(house: Lobby, nora: Applicant) -> None:
    """The way in is the sign-in page (RG-5)."""
    nora.register()
    nora.confirm(newest_link(house))
    assert house.rows("SELECT * FROM sessions") == []


def test_a_link_is_kept_as_a_hash_only(house: Lobby, nora: Applicant, tmp_path: Path) -> None:
    """Neither token, code nor password is found in the database (GO-7)."""
    nora.register()
    secrets = [newest_link(house).rpartition("/")[2], newest_code(house), PASSWORD]
    secrets.append(mails(house)[0]["status_link"].rpartition("/")[2])
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("idp.sqlite3*"))
    assert [secret for secret in secrets if secret.encode() in stored] == []


def change_settings(lobby: Lobby, **changes: object) -> None:
    """Other settings of registration for this application."""
    settings = lobby.provider.settings
    registration = settings.registration.model_copy(update=changes)
    lobby.provider = replace(lobby.provider, settings=settings.model_copy(update={"registration": registration}))
    lobby.app.extensions["idp"] = lobby.provider


def test_closed_registration_says_so(house: Lobby, nora: Applicant) -> None:
    """The page says whom to ask; a form that was open before is refused as well."""
    token = hidden_fields(nora.get("/register").text)["csrf_token"]
    change_settings(house, open=False)
    assert "closed at the moment" in nora.get("/register").text
    assert nora.web.post("/register", data={**FORM, "csrf_token": token}).status_code == 403
    assert registration_rows(house) == []


def test_a_taken_address_is_told_where_the_operator_wants_it(house: Lobby) -> None:
    """At the field, ten times an hour for each network; then the mail tells it (EN-5)."""
    house.add_account("ada")
    change_settings(house, tell_taken_address=True)
    for _ in range(10):
        answer = Applicant(house).register(email="ada@lab.example")
        assert answer.status_code == 422
        assert "account with this e-mail address already" in answer.text
    assert Applicant(house).register(email="ada@lab.example").status_code == 303
    assert [mail["name"] for mail in mails(house)] == ["address_taken"]


def test_terms_must_be_accepted_where_there_are_some(house: Lobby, nora: Applicant) -> None:
    """The box is there where the operator names terms."""
    change_settings(house, terms_url="https://lab.example/terms")
    assert "Accept the terms" in nora.register().text
    assert nora.register(terms="y").status_code == 303


def test_the_way_back_to_a_site_outlives_everything(house: Lobby, nora: Applicant) -> None:
    """Site and page are kept from the waiting request, and offered once the site is open to the customer."""
    page = "https://site.example/manuals?page=2"
    answer = nora.get("/oauth/authorize?" + urlencode(request_parameters(client_id="strict", target_link_uri=page)))
    handle = parse_qs(urlsplit(answer.location).query)["request"][0]
    form = nora.get(f"/register?request={handle}").text
    assert "Strict" in form
    nora.send(f"/register?request={handle}", f"/register?request={handle}", FORM)
    row = registration_rows(house)[0]
    assert (row["client_id"], row["target"]) == ("strict", page)
    house.now += 5 * DAY
    status = nora.get(nora.confirm(newest_link(house)).location).text
    assert "opens for you as soon as you are approved" in status
    assert "Continue to" not in status
    house.run("UPDATE accounts SET approval_status = 'approved'")
    status = nora.get("/register/status").text
    assert "Continue to Strict" in status
    assert f"https://site.example/sign-in?iss={quote('http://localhost:8000', safe='')}" in status
    assert quote(page, safe="") in status


def test_every_page_that_says_not_yet_names_the_reference(house: Lobby, nora: Applicant) -> None:
    """Status page, first page and the page before a site show the number that staff find (F-1.8)."""
    nora.register()
    status = nora.get(nora.confirm(newest_link(house)).location).text
    number = registration_rows(house)[0]["reference"]
    assert nora.send("/sign-in", "/sign-in", {"username": FORM["email"], "password": PASSWORD}).status_code == 303
    waiting = nora.get("/oauth/authorize?" + urlencode(request_parameters(client_id="strict")))
    for text in (status, nora.get("/").text, nora.get(waiting.location).text):
        assert number in text
    house.run("UPDATE accounts SET approval_status = 'approved'")
    assert number not in nora.get("/").text


def test_a_handle_of_another_browser_names_no_site(house: Lobby, nora: Applicant) -> None:
    """The waiting request belongs to one browser (RD-15)."""
    answer = nora.get("/oauth/authorize?" + urlencode(request_parameters(client_id="strict")))
    handle = parse_qs(urlsplit(answer.location).query)["request"][0]
    stranger = Applicant(house)
    assert "Strict" not in stranger.get(f"/register?request={handle}").text
    stranger.send("/register", f"/register?request={handle}", FORM)
    assert registration_rows(house)[0]["client_id"] is None


def test_changing_the_address_keeps_the_rest(house: Lobby, nora: Applicant) -> None:
    """The link "Change the address" opens the form with what was typed, the password excepted; only in this browser."""
    nora.register()
    page = nora.get("/register?change=1").text
    assert 'value="Waterworks Basel"' in page
    assert 'value="CD123Z"' in page
    assert PASSWORD not in page
    assert "Waterworks" not in Applicant(house).get("/register?change=1").text
    link = path_of(mails(house)[-1]["status_link"])
    assert "Change the address" in nora.get(link).text
    assert "Change the address" not in Applicant(house).get(link).text


def test_a_review_that_is_over_is_no_current_step(house: Lobby, nora: Applicant) -> None:
    """Rejected: the third step is finished, and says how (UX 2)."""
    nora.register()
    nora.confirm(newest_link(house))
    assert 'aria-current="step"' in nora.get("/register/status").text
    house.run("UPDATE accounts SET approval_status = 'rejected'")
    page = nora.get("/register/status").text
    assert "Review: not approved" in page
    assert 'aria-current="step"' not in page


def test_a_new_mail_by_address_is_the_same_for_all(house: Lobby, nora: Applicant) -> None:
    """Who asks learns nothing; the worker looks whether something waits (EN-3, EN-6)."""
    nora.register()
    house.now += 61
    pages = [
        nora.send("/register/mail", "/register/mail", {"email": email}).text
        for email in (FORM["email"], "nobody@waterworks.example")
    ]
    assert _neutral(pages[0], FORM["email"]) == _neutral(pages[1], "nobody@waterworks.example")
    assert len(mails(house)) == 1
    for row in house.rows("SELECT sealed, seal_identity FROM outbox WHERE kind = :kind", kind=DELIVERY):
        item = Item(0, DELIVERY, DELIVERY, row["seal_identity"], None, None, None, None, 1, 0, bytes(row["sealed"]))
        answer_mail_request(house.provider, item)
    assert [mail["email"] for mail in mails(house)] == [FORM["email"]] * 2
    assert nora.confirm(newest_link(house)).status_code == 303


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"password=%ff",
        b"password=a&password=b",
        b"password=" + b"x" * 30000,
        b"way=code",
        b"way=code&code=BBBBBBBB",
        b"way=code&new_password=words+of+a+long+song",
        b"way=code&code=%00&new_password=words+of+a+long+song",
        b"way=code&code=" + b"B" * 5000 + b"&new_password=words+of+a+long+song",
        b"way=code&way=x&code=B&code=C&new_password=x&new_password=y",
        b"way=code&code=BBBBBBBB&new_password=short",
    ],
)
def test_whatever_is_sent_to_a_link_confirms_nothing(house: Lobby, nora: Applicant, body: bytes) -> None:
    """Elsewhere than in the registering browser: a clear page for everything (GO-1, GO-9)."""
    nora.register()
    link = newest_link(house)
    assert Applicant(house).send(link, link, body).status_code == 422
    assert accounts_of(house) == []
    assert registration_rows(house)[0]["state"] == "sent"


@pytest.mark.parametrize("path", ["/register/again", "/register/code", "/register/mail"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"status=%ff&code=%ff&email=%ff",
        b"status=a&status=b&code=a&code=b&email=a&email=b",
        b"status=" + b"x" * 9000,
    ],
)
def test_whatever_is_sent_to_the_small_forms_gets_a_clear_page(house: Lobby, path: str, body: bytes) -> None:
    """Also without a registration (GO-1)."""
    answer = Applicant(house).send("/register", path, body)
    assert answer.status_code in (404, 422)
    assert "<h1" in answer.text
    assert mails(house) == []


@pytest.mark.parametrize("token", ["%00", "%ff", "a" * 3000, "..%2f..", "%E2%80%AE", "'\"<b>"])
def test_whatever_stands_in_the_address_gets_a_clear_page(house: Lobby, token: str) -> None:
    """Links of every shape are links that we never sent (GO-1, GO-4)."""
    for path in (f"/confirm/{token}", f"/register/status/{token}"):
        answer = Applicant(house).get(path)
        assert answer.status_code == 404
        assert "<b>" not in answer.text
    assert Applicant(house).get(f"/register?request={token}&change={token}").status_code == 200


def test_who_is_signed_in_sees_no_registration_of_somebody_else(house: Lobby, nora: Applicant) -> None:
    """One browser, two people, one after the other (SE-7)."""
    nora.register()
    nora.confirm(newest_link(house))
    assert FORM["email"] in nora.get("/register/status").text
    ada = house.add_account("ada")
    with house.provider.database.transaction() as tx:
        started = sessions.start_session(tx, account_id=ada.account_id, kept=False, lifetime=3600, now=house.now)
    nora.web.set_cookie("idp_session", started.secret)
    page = nora.get("/register/status")
    assert (page.status_code, page.headers["Location"]) == (303, "/")
    assert FORM["email"] not in page.text + nora.get("/").text


def test_all_that_is_wrong_is_told_at_once(house: Lobby, nora: Applicant) -> None:
    """A wrong serial number hides no short password, and the page says that the password is typed again (UX 4)."""
    assert "type the password again" not in nora.get("/register").text
    page = nora.register(serial_number="12", new_password="short").text
    assert "six characters from the name plate" in page
    assert "Choose a password of at least" in page
    assert "type the password again" in page
    page = nora.register(serial_number="12", new_password="Nora Newcomer Waterworks").text
    assert "made of your own name" in page
    page = nora.register(serial_number="12").text
    assert "Choose a password" not in page
    assert "type the password again" in page
    assert not registration_rows(house)


def test_one_registration_has_one_reference(house: Lobby, nora: Applicant) -> None:
    """The same in the mail, on the page behind its link, and on the status page; also after the link was used (UX 5)."""
    nora.register()
    number, link = registration_rows(house)[0]["reference"], newest_link(house)
    assert mails(house)[-1]["reference"] == number
    assert number in nora.get(link).text
    assert number in nora.get("/register/status").text
    nora.confirm(link)
    assert number in nora.get(link).text
