"""Who exists makes no difference in what a form does: the same statements, hashes and rows for the worker (EN-1 to EN-3, EN-6).

How long that takes is measured by `make timing` (docs/security/timing.md); here what is done is counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from attacks.meter import shape_of
from attacks.timing_people import FORMS, KINDS, TEMPORARY, Browser, Probe, make_probes
from idp import mail
from idp.accounts.hashing_worker import PasswordHasher
from idp.mail.outgoing import AT_LEISURE
from idp.signals.worker import drain_once
from idp.store import announcements
from idp.store.database import Database, Statement, Transaction
from tests.support.applicant import Applicant
from tests.support.lobby import Lobby, hidden_fields

LATER = 3600
ALL_KINDS = (*KINDS, TEMPORARY)


class Work:
    """What requests do: transactions, statements and hashes in their order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        execute, compute = Transaction._execute, PasswordHasher._do

        def note_statement(tx: Transaction, statement: Statement, values: Mapping[str, Any]) -> Any:
            self.done.append(statement.sqlite)
            return execute(tx, statement, values)

        def note_hash(hasher: PasswordHasher, work: Any) -> Any:
            self.done.append("hash")
            return compute(hasher, work)

        monkeypatch.setattr(Transaction, "_execute", note_statement)
        monkeypatch.setattr(PasswordHasher, "_do", note_hash)
        for name in ("transaction", "reading"):
            self._note_opening(monkeypatch, name)

    def _note_opening(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        opened = getattr(Database, name)

        def note(database: Database, *values: Any, **more: Any) -> Any:
            self.done.append(name)
            return opened(database, *values, **more)

        monkeypatch.setattr(Database, name, note)

    def of(self, web: Any, probe: Probe) -> tuple[list[str], str]:
        """Send a probe's request; out: what was done for it, and the shape of the answer."""
        for name, value in probe.request.cookies.items():
            web.set_cookie(name, value)
        self.done.clear()
        response = web.open(
            probe.request.path,
            method=probe.request.method,
            data=probe.request.body,
            content_type=probe.request.content_type,
            environ_overrides={"REMOTE_ADDR": probe.request.headers["X-Forwarded-For"]},
        )
        done = list(self.done)
        headers = [f"{key}: {value}" for key, value in response.headers if key.lower() != "x-request-id"]
        return done, shape_of("\n".join([response.status, *headers, response.text]), probe.name)


def make_probe(lobby: Lobby, form: str, kind: str) -> Probe:
    """A request of this form about somebody new of this kind."""
    web = lobby.app.test_client()
    token = hidden_fields(web.get("/sign-in").text)["csrf_token"]
    cookie = web.get_cookie("idp_form")
    assert cookie is not None
    browser = Browser({"idp_form": cookie.value}, token)
    return make_probes(lobby.provider, browser, 1, forms=[form], kinds=[kind])[0][0]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_does_and_says_the_same_for_everybody(lobby: Lobby, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """The answer differs in nothing either; what the mails say is the worker's or is sealed (EN-1, EN-2, EN-3, EN-6)."""
    first = make_probe(lobby, form, "unknown")
    probes = [make_probe(lobby, form, kind) for kind in ALL_KINDS]
    lobby.now += LATER
    work = Work(monkeypatch)
    work.of(lobby.app.test_client(), first)  # what is read once in a process is read
    rings: list[str] = []
    announcements.listen(lobby.provider.database, announcements.OUTBOX, lambda: rings.append(form))
    found = {probe.kind: work.of(lobby.app.test_client(), probe) for probe in probes}
    assert rings == []  # the worker looks later: beside the answer, what it does would show
    nothing = found["unknown"]
    assert nothing[0]
    assert nothing[1].startswith(("200", "303", "422"))
    assert {kind: done for kind, (done, _shape) in found.items() if done != nothing[0]} == {}
    other_lines = {kind: set(shape.splitlines()) ^ set(nothing[1].splitlines()) for kind, (_, shape) in found.items()}
    assert other_lines == {key: set() for key in found}


def test_only_owners_are_told_that_their_account_waits(lobby: Lobby) -> None:
    """The request leaves a row for everybody; the worker writes mails to those whom there are (BF-4, EN-2)."""
    web = lobby.app.test_client()
    nobody, known = (make_probe(lobby, "last try", kind) for kind in ("unknown", "known"))
    lobby.now += LATER
    for probe in (nobody, known):
        for name, value in probe.request.cookies.items():
            web.set_cookie(name, value)
        web.post("/sign-in", data=probe.request.body, content_type=probe.request.content_type)
    assert [row["kind"] for row in lobby.rows("SELECT kind FROM outbox")] == ["lock_notice"] * 2
    drain_once(lobby.provider)
    (written,) = lobby.rows(
        "SELECT o.name, a.email FROM outbox o JOIN accounts a ON a.account_id = o.account_id WHERE o.kind = 'mail'"
    )
    assert (written["name"], written["email"]) == ("account_locked", f"{known.name}@lab.example")


@pytest.mark.parametrize(
    ("write", "rings"), [(mail.email_in_use, 0), (mail.address_taken, 0), (mail.password_changed, 1)]
)
def test_mails_to_addresses_that_were_typed_wait_for_the_worker(
    lobby: Lobby, write: Callable[..., int], rings: int
) -> None:
    """Those to whoever is signed in go out at once (EN-6)."""
    heard: list[int] = []
    announcements.listen(lobby.provider.database, announcements.OUTBOX, lambda: heard.append(1))
    owner = lobby.add_account()
    with lobby.provider.database.transaction() as tx:
        write(lobby.provider, tx, to=mail.to_account(owner))
    assert len(heard) == rings
    assert [row["name"] for row in lobby.rows("SELECT name FROM outbox")] == [write.__name__]


def test_what_waits_for_the_worker_is_a_mail() -> None:
    """A misspelled name would ring."""
    assert set(mail.__all__) >= AT_LEISURE


@pytest.fixture
def house_of_ada(lobby: Lobby) -> Lobby:
    """A provider where only Ada has an account."""
    lobby.add_account("ada", password_hash=lobby.provider.passwords.hash("a walk along the old river"))
    return lobby


@pytest.mark.parametrize("first", ["forgot", "locked"])
def test_how_many_mails_a_mailbox_got_is_the_same_whoever_has_it(house_of_ada: Lobby, first: str) -> None:
    """EN-3, BF-7: forms that use up a mailbox's mails do so for free addresses as well, or the next form told it."""
    seen = {}
    for name in ("ada", "nobody"):
        email = f"{name}@lab.example"
        applicant = Applicant(house_of_ada)
        for _ in range(5):
            if first == "forgot":
                assert applicant.send("/forgot-password", "/forgot-password", {"email": email}).status_code == 200
            else:
                applicant.send("/sign-in", "/sign-in", {"username": email, "password": "wrong horse"})
        drain_once(house_of_ada.provider)
        pages = []
        for _ in range(5):
            sent = applicant.register(email=email)
            assert sent.status_code == 303
            page = applicant.get("/register/status").text
            pages.append(
                re.sub(r"[A-Z0-9]{4}-[A-Z0-9]{4}|nonce-?[^ >]*|value=\"[^\"]*\"", "", page.replace(name, "NAME"))
            )
            house_of_ada.now += 1
        seen[name] = pages
    assert seen["ada"] == seen["nobody"]
