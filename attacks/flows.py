"""What people do while processes are killed, and what of it was acknowledged to them.

Each flow goes as far as it can; a kill may end it anywhere. The journal keeps what an answer promised, and each one-time
value from before it is first sent, so that both can be held against the database afterwards.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from attacks.people import PASSWORD, add_account, new_name, start_session
from idp.store import clients
from tests.support.flow import Code, TestClient, authorize, redeem, refresh, sign_in
from tests.support.visitor import Visitor

if TYPE_CHECKING:
    from attacks.ground import Ground
    from idp.store.accounts import Account

CLIENT = TestClient("site", "s" * 43, "https://site.example/cb", "openid profile")


@dataclass
class OneTime:
    """A value that wins once: how to try it, and whether an answer said that it won."""

    kind: str
    attempt: Callable[[], bool]
    is_used: bool = False


@dataclass
class Journal:
    """What was acknowledged; safe among threads, as lists and sets are only added to under the lock."""

    registered: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)
    tokens: list[tuple[Code, str]] = field(default_factory=list)
    decided: dict[str, str] = field(default_factory=dict)
    changed: dict[str, tuple[str, str]] = field(default_factory=dict)
    devices: set[tuple[str, str]] = field(default_factory=set)
    closed: dict[str, str] = field(default_factory=dict)
    one_time: list[OneTime] = field(default_factory=list)
    letters: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How many mails must come to an address, at least."""
    finished: Counter[str] = field(default_factory=Counter)
    interrupted: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def flows(self) -> int:
        """How many are over, to their end or by a kill."""
        return self.finished.total() + self.interrupted.total() + len(self.faults)

    @property
    def acknowledged(self) -> int:
        """How many changes were acknowledged."""
        kept = (self.registered, self.confirmed, self.tokens, self.decided, self.changed, self.devices, self.closed)
        return sum(len(some) for some in kept)


class Flows:
    """People enough for so many flows of each kind; `kinds` names them."""

    def __init__(self, ground: Ground, journal: Journal, flows: int, threads: int) -> None:
        self._ground = ground
        self._journal = journal
        self.kinds: dict[str, Callable[[int], None]] = {
            "registration": self.registration,
            "sign-in, code, refresh": self.sign_in_and_refresh,
            "approval": self.approval,
            "e-mail change": self.email_change,
            "device": self.device,
            "erasure": self.erasure,
        }
        each = flows // len(self.kinds) + 1
        provider = ground.provider
        password_hash, now = provider.passwords.hash(PASSWORD), provider.clock()
        details = {"redirect_uris": [CLIENT.redirect_uri], "grant_types": ["authorization_code", "refresh_token"]}
        with provider.database.transaction() as tx:
            clients.save_client(tx, "site", details, require_approval=False, first_party=True, now=now)
            clients.set_client_secret(tx, "site", CLIENT.secret, now=now)
            self._people = {
                kind: [add_account(provider, tx, password_hash=password_hash, status=status) for _ in range(each)]
                for kind, status in (
                    ("sign-in", "approved"),
                    ("approval", "pending"),
                    ("e-mail", "approved"),
                    ("device", "approved"),
                    ("erasure", "approved"),
                )
            }
            self._cookies = {
                one.account_id: start_session(provider, tx, one.account_id)
                for kind in ("e-mail", "device", "erasure")
                for one in self._people[kind]
            }
            staff = [add_account(provider, tx, roles="customer_care approver") for _ in range(threads)]
            self._desks = [start_session(provider, tx, one.account_id) for one in staff]

    def run(self, number: int) -> None:
        """One flow: they take turns by their number."""
        kinds = list(self.kinds)
        kind, turn = kinds[number % len(kinds)], number // len(kinds)
        self._ground.is_up.wait()
        epoch = self._ground.epoch
        journal = self._journal
        try:
            self.kinds[kind](turn)
        except (requests.RequestException, AssertionError, LookupError, ValueError) as error:
            with journal.lock:
                if epoch % 2 or self._ground.epoch != epoch:
                    journal.interrupted[kind] += 1
                else:
                    journal.faults.append(f"{kind}: {type(error).__name__}: {str(error)[:500]}")
            return
        with journal.lock:
            journal.finished[kind] += 1

    def _visitor(self, account: Account | None = None) -> Visitor:
        visitor = Visitor(self._ground.url)
        if account is not None:
            self._take(visitor, self._cookies[account.account_id])
        return visitor

    @staticmethod
    def _take(visitor: Visitor, cookies: dict[str, str]) -> None:
        for name, value in cookies.items():
            visitor.session.cookies.set(name, value)

    def registration(self, turn: int) -> None:
        """The form, the mail, the button behind its link."""
        visitor, journal, email = self._visitor(), self._journal, f"{new_name('new')}@lab.example"
        visitor.get("/register")
        page = visitor.submit(
            "register-submit",
            email=email,
            given_name="Pat",
            family_name="Person",
            company="Works",
            country="DE",
            serial_number=f"CD{turn % 1000:03d}X",
            new_password=PASSWORD,
        )
        assert page.status == 200 and "register-submit" not in page.ids, (page.status, page.text[:300])  # noqa: PT018
        with journal.lock:
            journal.registered.add(email)
            journal.letters[email] += 1
        link = self._ground.letters.wait_for_path(email, "/confirm/")
        value = self._one_time("confirmation link", lambda: self._wins(visitor, link))
        visitor.get(link)
        page = visitor.submit("confirm-submit")
        assert page.status == 200, page.status
        assert "/register/status/" in page.url, page.url
        with journal.lock:
            value.is_used = True
            journal.confirmed.add(email)
            journal.letters[email] += 1

    def sign_in_and_refresh(self, turn: int) -> None:
        """Sign-in at our page, a code for a site, its tokens, and a refresh."""
        visitor, endpoint = self._visitor(), f"{self._ground.url}/oauth/token"
        sign_in(visitor, self._people["sign-in"][turn].user_name, PASSWORD)
        code = authorize(visitor, CLIENT)
        value = self._one_time("authorization code", lambda: redeem(endpoint, CLIENT, code).status_code == 200)
        answer = redeem(endpoint, CLIENT, code)
        assert answer.status_code == 200, answer.text
        value.is_used = True
        token = answer.json()["refresh_token"]
        answer = refresh(endpoint, CLIENT, token)
        assert answer.status_code == 200, answer.text
        with self._journal.lock:
            self._journal.tokens.append((code, answer.json()["refresh_token"]))

    def approval(self, turn: int) -> None:
        """A member of staff approves or rejects."""
        person, visitor = self._people["approval"][turn], self._visitor()
        self._take(visitor, self._desks[turn % len(self._desks)])
        visitor.get(f"/staff/applications/{person.account_id}")
        if turn % 2:
            page = visitor.submit("decision-approve")
        else:
            page = visitor.submit("decision-reject", reason="The device was returned.")
        assert f"done={person.account_id}" in page.url, (page.status, page.url)
        with self._journal.lock:
            self._journal.decided[person.account_id] = "approved" if turn % 2 else "rejected"
            self._journal.letters[person.email] += 1

    def email_change(self, turn: int) -> None:
        """Asked for, and confirmed from the new mailbox."""
        person, journal, new = self._people["e-mail"][turn], self._journal, f"{new_name('other')}@lab.example"
        visitor = self._visitor(person)
        visitor.get("/account/email")
        page = visitor.submit("email-submit", email=new)
        assert "email=asked" in page.url, (page.status, page.url)
        with journal.lock:
            journal.letters[new] += 1
        link = self._ground.letters.wait_for_path(new, "/email/")
        value = self._one_time("e-mail change", lambda: self._wins(visitor, link))
        visitor.get(link)
        page = visitor.submit("confirm-submit")
        assert "email=changed" in page.url, (page.status, page.url)
        with journal.lock:
            value.is_used = True
            journal.changed[person.account_id] = (person.email, new)
            journal.letters[person.email] += 1

    def device(self, turn: int) -> None:
        """One's own device, with a nickname."""
        person, serial = self._people["device"][turn], f"EF{turn % 1000:03d}{chr(ord('A') + turn // 1000)}"
        visitor = self._visitor(person)
        visitor.get("/account/devices")
        page = visitor.submit("device-submit", serial_number=serial, nickname="Balance")
        assert "done=added" in page.url, (page.status, page.url)
        with self._journal.lock:
            self._journal.devices.add((person.account_id, serial))

    def erasure(self, turn: int) -> None:
        """The owner closes the account; the worker erases it later."""
        person = self._people["erasure"][turn]
        visitor = self._visitor(person)
        visitor.get("/account/data/close")
        page = visitor.submit("close-submit")
        assert urlsplit(page.url).path == "/closed", (page.status, page.url)
        with self._journal.lock:
            self._journal.closed[person.account_id] = person.email
            self._journal.letters[person.email] += 1

    def _one_time(self, kind: str, attempt: Callable[[], bool]) -> OneTime:
        value = OneTime(kind, attempt)
        with self._journal.lock:
            self._journal.one_time.append(value)
        return value

    @staticmethod
    def _wins(visitor: Visitor, path: str) -> bool:
        """Press the button behind a link, whether the page still shows it or not."""
        page = visitor.get("/forgot-password").html
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token is not None
        answer: Any = visitor.session.post(
            visitor.base + path, data={"csrf_token": token[1]}, allow_redirects=False, timeout=30
        )
        assert answer.status_code < 500, answer.status_code
        return bool(answer.status_code == 303)
