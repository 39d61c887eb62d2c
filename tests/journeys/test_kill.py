"""`kill -9` of the server in the middle of work: nothing acknowledged is missing, every mail goes out (RL-1, RL-2)."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from sqlalchemy import create_engine, text

from idp.store.database import driver_url
from tests.support.deployment import deployment
from tests.support.flow import TestClient, authorize, introspect, redeem, refresh, sign_in
from tests.support.smtp import SmtpServer
from tests.support.visitor import Visitor
from tests.support.world import PASSWORD

REGISTRATIONS = int(os.environ.get("IDP_TEST_REGISTRATIONS", "200"))
TOKENS = int(os.environ.get("IDP_TEST_TOKENS", "200"))

pytestmark = pytest.mark.timeout(400)


class Work:
    """What was asked for and what was acknowledged before the server died."""

    def __init__(self, issuer: str, client: TestClient) -> None:
        self.issuer = issuer
        self.client = client
        self.registered: list[str] = []
        self.tokens: list[dict[str, str]] = []
        self._lock = threading.Lock()

    def done(self) -> int:
        """How much was acknowledged."""
        return len(self.registered) + len(self.tokens)

    def register(self, number: int) -> None:
        """One registration, as a person without scripts sends it."""
        address = f"person{number}@example.net"
        visitor = Visitor(self.issuer)
        try:
            visitor.get("/register")
            page = visitor.submit(
                "register-submit",
                email=address,
                given_name="Pat",
                family_name="Person",
                company="Works",
                country="DE",
                serial_number=f"CD{number % 1000:03d}X",
                new_password="nineteen-green-bottles",
            )
        except (requests.RequestException, AssertionError):
            return
        if page.status == 200 and "register-submit" not in page.ids:
            with self._lock:
                self.registered.append(address)

    def get_tokens(self, visitor: Visitor) -> None:
        """One code flow and one refresh."""
        try:
            answer = redeem(self.issuer + "/oauth/token", self.client, authorize(visitor, self.client))
            tokens = answer.json()
            answer = refresh(self.issuer + "/oauth/token", self.client, tokens["refresh_token"])
            tokens = answer.json()
        except (requests.RequestException, AssertionError, ValueError, KeyError):
            return
        if answer.status_code == 200:
            with self._lock:
                self.tokens.append(tokens)


def test_nothing_acknowledged_is_lost(
    tmp_path: Path,
    database_url: str,
    smtp_server: SmtpServer,
    record_property: Callable[[str, object], None],
) -> None:
    """200 registrations and 200 token requests, the server killed somewhere in between, then started again."""
    with deployment(tmp_path, database_url, smtp_server.url) as made:
        work = Work(made.issuer, made.client)
        visitors = [Visitor(made.issuer) for _ in range(4)]
        for visitor in visitors:
            sign_in(visitor, "anna", PASSWORD)
        total = REGISTRATIONS + TOKENS
        kill_at = random.randint(total // 5, total * 4 // 5)  # noqa: S311 - a moment, not a secret
        with ThreadPoolExecutor(8) as pool:
            for number in range(max(REGISTRATIONS, TOKENS)):
                if number < REGISTRATIONS:
                    pool.submit(work.register, number)
                if number < TOKENS:
                    pool.submit(work.get_tokens, visitors[number % 4])
            limit = time.monotonic() + 120
            while work.done() < kill_at and time.monotonic() < limit:
                time.sleep(0.005)
            made.servers[0].kill()
        registered, tokens = list(work.registered), list(work.tokens)
        assert len(registered) + len(tokens) >= kill_at
        assert registered
        assert tokens

        made.start().wait_until_ready()
        engine = create_engine(driver_url(database_url))
        with engine.connect() as connection:
            kept = set(connection.execute(text("SELECT email FROM registrations")).scalars())
        engine.dispose()
        assert [address for address in registered if address not in kept] == []
        for token in tokens:
            assert introspect(made.issuer, made.client, token["access_token"])["active"] is True
            assert refresh(made.issuer + "/oauth/token", made.client, token["refresh_token"]).status_code == 200

        limit = time.monotonic() + 60
        missing = kept
        while missing and time.monotonic() < limit:
            missing = {address for address in kept if not smtp_server.mails_to(address)}
            time.sleep(0.1)
        assert missing == set()
        record_property("killed_after", kill_at)
        record_property("acknowledged", f"{len(registered)} registrations, {len(tokens)} token requests")
