"""A provider with a customer, a session and clients, for tests of the token side; runs on both databases."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from idp import create_app
from idp.config import DatabaseSettings, KeySettings, LimitSettings, Server, Settings
from idp.protocol.pkce import make_challenge
from idp.provider import Provider
from idp.store import accounts, clients, codes, sessions
from idp.store.accounts import Account
from idp.store.database import Statement
from idp.store.sessions import Session
from tests.support.databases import FreshDatabase, has_front

NOW = 1_800_000_000
SECRET = "s" * 43
VERIFIER = "v" * 43
CALLBACK = "https://site.example/cb"
ISSUER = "http://localhost"
FORM = "application/x-www-form-urlencoded"

SCOPE = "openid profile email approval session"


@dataclass
class MovableClock:
    """Seconds that a test moves."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


@dataclass
class House:
    """The provider, its customer Anna, her session, and how to speak to the endpoints."""

    app: Flask
    provider: Provider
    clock: MovableClock
    anna: Account
    session: Session

    def code(self, client_id: str = "site", **changes: Any) -> str:
        """A code for Anna's session."""
        code: dict[str, Any] = {"redirect_uri": CALLBACK, "code_challenge": make_challenge(VERIFIER), "lifetime": 60}
        code |= {name: changes.pop(name) for name in code if name in changes}
        family: dict[str, Any] = {
            "account_id": self.anna.account_id,
            "client_id": client_id,
            "scope": SCOPE,
            "nonce": "n-1",
            "sid": self.session.sid,
            "auth_time": self.session.auth_time,
            "amr": "pwd",
            "kept": True,
            "session_expires_at": self.session.expires_at,
            "offline": False,
            "expires_at": self.session.expires_at,
            "now": self.clock.now,
        }
        family |= changes
        with self.provider.database.transaction() as tx:
            return codes.issue_code(tx, codes.begin_family(tx, **family), now=family["now"], **code)

    def post(self, path: str, form: Any, client_id: str | None = "site", **headers: str) -> TestResponse:
        """A form, with Basic credentials unless `client_id` is None."""
        sent = {"Authorization": basic(client_id, SECRET)} if client_id else {}
        body = form if isinstance(form, bytes) else urlencode(form)
        return self.app.test_client().post(path, data=body, content_type=FORM, headers={**sent, **headers})

    def set_claims(self, **claims: Any) -> None:
        """Give Anna standard claims."""
        with self.provider.database.transaction() as tx:
            accounts.set_claims(tx, self.anna.account_id, claims, self.anna.updated_at)

    def redeem(self, code: str, client_id: str = "site", **changes: str) -> TestResponse:
        """The code at the token endpoint."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.post("/oauth/token", {**form, **changes}, client_id)

    def refresh(self, token: str, client_id: str = "site", **changes: str) -> TestResponse:
        """The refresh token at the token endpoint."""
        return self.post("/oauth/token", {"grant_type": "refresh_token", "refresh_token": token, **changes}, client_id)

    def introspect(self, token: str, client_id: str = "site") -> dict[str, Any]:
        """What introspection says."""
        answer = self.post("/oauth/introspect", {"token": token}, client_id)
        assert answer.status_code == 200
        return dict(answer.get_json())

    def userinfo(self, token: str) -> TestResponse:
        """Userinfo with the token in the header."""
        return self.app.test_client().get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})

    def tokens(self, client_id: str = "site", **changes: Any) -> dict[str, Any]:
        """The tokens of a new code."""
        answer = self.redeem(self.code(client_id, **changes), client_id)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return dict(answer.get_json())

    def count(self, table: str, where: str = "1 = 1") -> int:
        """How many rows."""
        with self.provider.database.reading() as tx:
            row = tx.one(Statement(f"SELECT count(*) AS n FROM {table} WHERE {where}"))  # noqa: S608
        return int(row["n"]) if row else 0

    def revoke(self, token: str, client_id: str | None = "site", **form: str) -> TestResponse:
        """The token at the revocation endpoint."""
        return self.post("/oauth/revoke", {"token": token, **form}, client_id)

    def set_approval(self, status: str) -> None:
        """Write the row alone, as if the ending had been forgotten."""
        statement = Statement(
            "UPDATE accounts SET approval_status = :status, approval_updated_at = :now WHERE email_key = :key"
        )
        with self.provider.database.transaction() as tx:
            tx.run(statement, status=status, now=self.clock.now, key=self.anna.email_key)


def basic(client_id: str, secret: str) -> str:
    """The Basic scheme."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def claims_of(jwt: str) -> dict[str, Any]:
    """The claims without a look at the signature."""
    payload = jwt.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


@pytest.fixture(scope="session")
def house_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the master key, the same for every copy of the template."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def prepare_house(house_keys: Path) -> Callable[[str], None]:
    """Fills the template database: schema and signing keys."""

    def prepare(url: str) -> None:
        app = make_app(url, house_keys, MovableClock())
        app.extensions["idp"].database.engine.dispose()

    return prepare


def make_app(url: str, keys: Path, clock: MovableClock, issuer: str = ISSUER, *, front: bool | None = None) -> Flask:
    """An application on this database, as every instance would make it; the front is open on PostgreSQL unless told."""
    settings = Settings(
        server=Server(issuer=issuer, front=has_front(url) if front is None else front),
        database=DatabaseSettings(url=url),
        keys=KeySettings(directory=keys, algorithms=("RS256", "ES256", "PS256", "EdDSA")),
        limits=LimitSettings(client_secret_tries=100000),  # tables of refused requests stand still in time
    )
    return create_app(settings, clock=clock)


@pytest.fixture
def house_url(fresh_database: FreshDatabase, prepare_house: Callable[[str], None]) -> str:
    """A database with schema and signing keys."""
    return fresh_database(prepare_house)


@pytest.fixture
def house(house_url: str, house_keys: Path) -> House:
    """The provider with Anna and the usual clients, on each kind of database."""
    return furnish(house_url, house_keys)


@pytest.fixture(scope="session")
def still_house(tmp_path_factory: pytest.TempPathFactory, house_keys: Path) -> House:
    """One for tables of requests that are refused before a row is changed: made once, on SQLite."""
    return furnish(f"sqlite:///{tmp_path_factory.mktemp('still')}/idp.sqlite3", house_keys)


def furnish(url: str, keys: Path) -> House:
    """An application with Anna, her session and the clients."""
    return settle(make_app(url, keys, MovableClock()))


def settle(app: Flask) -> House:
    """Anna, her session and the clients move into an application with a `MovableClock`."""
    provider: Provider = app.extensions["idp"]
    with provider.database.transaction() as tx:
        anna = accounts.insert_account(
            tx,
            email="anna@lab.example",
            user_name="anna",
            given_name="Anna",
            family_name="Approved",
            email_verified_at=NOW,
            approval_status="approved",
            now=NOW - 100,
        )
        session = sessions.start_session(tx, account_id=anna.account_id, kept=True, lifetime=12 * 3600, now=NOW).session
    add_client(provider, "site", resources=["site"])
    add_client(provider, "portal", require_approval=False, resources=["portal"])
    add_client(provider, "other")
    add_client(provider, "service", may_introspect=["site", "portal"], grant_types=[])
    add_client(provider, "public", token_endpoint_auth_method="none")
    return House(app, provider, cast(MovableClock, provider.clock), anna, session)


def add_client(provider: Provider, client_id: str, **changes: Any) -> None:
    """A client; what is no setting of ours is metadata."""
    ours = (
        "require_approval",
        "first_party",
        "pkce_exempt",
        "disabled",
        "resources",
        "may_introspect",
        "access_token_format",
    )
    settings = {name: changes.pop(name) for name in ours if name in changes}
    details = {"redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"], **changes}
    with provider.database.transaction() as tx:
        clients.save_client(tx, client_id, details, **settings, now=NOW)
        if details.get("token_endpoint_auth_method") != "none":
            clients.set_client_secret(tx, client_id, SECRET, now=NOW)
