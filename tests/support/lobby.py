"""A provider on an empty database with people, sites and browsers in it, for tests of protocol and pages."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from idp import create_app
from idp.config import DatabaseSettings, KeySettings, Server, Settings
from idp.provider import Provider
from idp.store import accounts, sessions
from idp.store.accounts import Account
from idp.store.clients import save_client
from idp.store.database import Row, Statement
from tests.support.databases import FreshDatabase, has_front
from tests.support.postgresql import Prepare

NOW = 1_800_000_000
SITE = "https://site.example"
CALLBACK = f"{SITE}/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def lobby_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the master key that the databases of all lobbies are sealed with."""
    return tmp_path_factory.mktemp("lobby-keys")


@pytest.fixture(scope="session")
def prepare_lobby(lobby_keys: Path) -> Prepare:
    """Schema, signing keys and three sites: `site` asks for consent, `own` does not, `strict` wants approved customers."""

    def prepare(database_url: str) -> None:
        lobby = Lobby(database_url, lobby_keys)
        lobby.add_client("site", require_approval=False)
        lobby.add_client("own", require_approval=False, first_party=True)
        lobby.add_client("strict", require_approval=True, first_party=True)
        lobby.provider.database.engine.dispose()

    return prepare


@pytest.fixture
def lobby(fresh_database: FreshDatabase, prepare_lobby: Prepare, lobby_keys: Path) -> Lobby:
    """A provider with three sites and nobody in it, on SQLite and on PostgreSQL."""
    return Lobby(fresh_database(prepare_lobby), lobby_keys)


class Lobby:
    """The application, a clock that tests move, and short ways to make things."""

    def __init__(self, database_url: str, keys: Path) -> None:
        self.now = NOW
        settings = Settings(
            server=Server(front=has_front(database_url)),
            database=DatabaseSettings(url=database_url),
            keys=KeySettings(directory=keys),
        )
        self.app: Flask = create_app(settings, clock=lambda: self.now)
        self.app.testing = True
        self.provider: Provider = self.app.extensions["idp"]

    def add_account(self, name: str = "ada", *, status: str = "approved", **values: Any) -> Account:
        """A customer whose password is nobody's business here."""
        with self.provider.database.transaction() as tx:
            return accounts.insert_account(
                tx,
                email=f"{name}@lab.example",
                user_name=name,
                given_name=name.title(),
                family_name="Test",
                country="DE",
                approval_status=status,
                email_verified_at=self.now,
                now=self.now,
                **values,
            )

    def add_client(self, client_id: str = "site", *, origin: str = SITE, **values: Any) -> None:
        """A site; `details` are laid over the usual ones."""
        details = {
            "client_name": client_id.title(),
            "client_uri": f"{origin}/",
            "redirect_uris": [f"{origin}/callback"],
            "post_logout_redirect_uris": [f"{origin}/signed-out"],
            "initiate_login_uri": f"{origin}/sign-in",
            "backchannel_logout_uri": f"{origin}/logout",
            "grant_types": ["authorization_code", "refresh_token"],
            **values.pop("details", {}),
        }
        with self.provider.database.transaction() as tx:
            save_client(tx, client_id, details, now=self.now, **values)

    def run(self, sql: str, **values: Any) -> int:
        """A statement in a transaction of its own."""
        with self.provider.database.transaction() as tx:
            return tx.run(Statement(sql), **values)

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """What a query finds."""
        with self.provider.database.reading() as tx:
            return list(tx.all(Statement(sql), **values))

    def browser(self) -> Browser:
        """A browser without cookies."""
        return Browser(self)


class Browser:
    """A browser: its cookies, and the answers that it got."""

    def __init__(self, lobby: Lobby) -> None:
        self.lobby = lobby
        self.web: FlaskClient = lobby.app.test_client()
        self.sid = ""

    def sign_in(self, account: Account, *, kept: bool = False) -> str:
        """Sit down signed in; the sign-in page is not what is tested here."""
        with self.lobby.provider.database.transaction() as tx:
            started = sessions.start_session(
                tx, account_id=account.account_id, kept=kept, lifetime=12 * 3600, now=self.lobby.now
            )
        self.web.set_cookie("idp_session", started.secret)
        self.sid = started.session.sid
        return self.sid

    def sign_in_again(self) -> None:
        """The same person authenticates again: new secret and auth_time, same sid."""
        with self.lobby.provider.database.transaction() as tx:
            renewed = sessions.renew_session(tx, sessions.get_session(tx, self.sid), now=self.lobby.now)
        assert renewed is not None
        self.web.set_cookie("idp_session", renewed.secret)

    def get(self, path: str, **values: Any) -> Any:
        """GET, redirects not followed."""
        return self.web.get(path, **values)

    def post(self, path: str, data: Any = None, **values: Any) -> Any:
        """POST a form, redirects not followed."""
        return self.web.post(path, data=data, **values)

    def authorize(self, **changes: str | None) -> Any:
        """The usual authorization request, changed: None takes a parameter away."""
        return self.get("/oauth/authorize?" + urlencode(request_parameters(**changes)))


def request_parameters(**changes: str | None) -> dict[str, str]:
    """The parameters of a good authorization request, changed."""
    usual: dict[str, str | None] = {
        "response_type": "code",
        "client_id": "site",
        "redirect_uri": CALLBACK,
        "scope": "openid profile",
        "state": "st",
        "nonce": "no",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def answer_of(response: Any) -> dict[str, str]:
    """The parameters that a redirect to the client carries."""
    assert response.status_code == 303, response.status
    location = response.headers["Location"]
    assert location.startswith(CALLBACK), location
    parts = urlsplit(location)
    return {name: values[0] for name, values in parse_qs(parts.fragment or parts.query).items()}


def hidden_fields(html: str) -> dict[str, str]:
    """The hidden inputs of the first form."""
    fields = {}
    for tag in re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", html):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            fields[name.group(1)] = value.group(1) if value else ""
    return fields
