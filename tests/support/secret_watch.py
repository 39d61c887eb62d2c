"""Every secret of a test is looked for where it must not be: log lines (DEBUG on), database, pages, other people's mails.

Secrets are taken where the provider makes or gets them: random values, derived tokens, passwords that are hashed or checked,
client secrets; and where test clients send or receive them: credentials, cookies and tokens. On for every test with
`--all-secrets` (`make secrets`), and else for those that ask for `secret_watch`.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
import pytest
import requests
import structlog
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event
from werkzeug.test import TestResponse

import idp.keys.secrets
from idp.accounts.hashing_worker import PasswordHasher
from idp.keys.master import MasterKey
from idp.protocol.refresh_token import SUCCESSOR
from idp.store import clients, outbox

SHORTEST = 8
SHORTEST_PASSWORD = 12
"""What is shorter could be found by chance: tests type names and words as wrong passwords."""

_DERIVED = ("status", SUCCESSOR)
_FIELDS = re.compile(
    r"password|client_secret|client_assertion$|refresh_token|access_token|id_token|code_verifier", re.IGNORECASE
)
_RANDOM = frozenset({32, 64})
_PG_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


class Watch:
    """What one test has made, sent and received, and what was written meanwhile."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.mails: list[tuple[str, str]] = []
        self.found: set[tuple[str, str]] = set()
        self.lines: list[str] = []
        self.engines: set[Engine] = set()

    def note(self, kind: str, secret: str) -> None:
        """Remember a secret."""
        shortest = SHORTEST_PASSWORD if kind == "password" else SHORTEST
        if len(secret) >= shortest and not secret.isspace():
            self.secrets.setdefault(secret, kind)

    def look_in(self, place: str, text: str) -> None:
        """Note which of the secrets stand in a text."""
        self.found |= {(place, kind) for secret, kind in self.secrets.items() if secret in text}

    def look_at_page(self, path: str, page: str) -> None:
        """A page may hold a form's own token; never a password, nor what a cookie holds."""
        for secret, kind in self.secrets.items():
            if kind in ("password", "cookie") and secret in page:
                self.found.add((f"page {path}", kind))

    def look_at_mails(self) -> None:
        """A mail's link and code go to one mailbox; no other secret goes by mail at all."""
        readers: dict[str, set[str]] = defaultdict(set)
        for recipient, text in self.mails:
            for secret, kind in self.secrets.items():
                if secret in text:
                    readers[secret].add(recipient)
                    if kind in ("password", "cookie", "token", "client secret"):
                        self.found.add(("mail", kind))
        self.found |= {("mail to somebody else", self.secrets[key]) for key, who in readers.items() if len(who) > 1}

    def look(self, *, databases: bool) -> set[tuple[str, str]]:
        """Look everywhere; out: places and kinds."""
        if self.secrets:
            self.look_in("log", "\n".join(self.lines))
            self.look_at_mails()
            if databases:
                for engine in self.engines:
                    self.look_in(f"{engine.dialect.name} database", dump(engine))
        return self.found


def dump(engine: Engine) -> str:
    """All that a database holds: the bytes of SQLite's files, every row of every table of PostgreSQL."""
    if engine.dialect.name == "sqlite":
        path = Path(engine.url.database or "")
        files = (path.with_name(path.name + end) for end in ("", "-wal"))
        return "\n".join(file.read_bytes().decode("latin-1") for file in files if file.is_file())
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        tables = [row[0] for row in connection.execute(_PG_TABLES).fetchall()]
        statements = [
            psycopg.sql.SQL("SELECT t::text FROM {} t").format(psycopg.sql.Identifier(name)) for name in tables
        ]
        return "\n".join(str(row[0]) for sql in statements for row in connection.execute(sql).fetchall())


class _Lines(logging.Handler):
    """Keeps each line as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        chain: list[Any] = [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ]
        self.setFormatter(structlog.stdlib.ProcessorFormatter(processors=chain))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        _current.lines.append(self.format(record))


_current = Watch()


class _TappedRandom:
    """The module `secrets`, as `idp.keys.secrets` sees it: values of a secret's length are noted."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_original_random, name)

    @staticmethod
    def token_urlsafe(size: int) -> str:
        """A random value."""
        made: str = _original_random.token_urlsafe(size)
        if size in _RANDOM:
            _current.note("secret", made)
        return made


_original_random: Any = idp.keys.secrets.secrets  # type: ignore[attr-defined]


def _tap(patch: pytest.MonkeyPatch, owner: Any, name: str, note: Callable[..., None]) -> None:
    """Call `note` with the arguments and the result of each call."""
    original = getattr(owner, name)

    def tapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        note(result, *args, **kwargs)
        return result

    tapped.__wrapped__ = original  # type: ignore[attr-defined]
    patch.setattr(owner, name, tapped)


def _note_password(_result: object, _hasher: object, password: str, *_rest: object) -> None:
    _current.note("password", password)


def _note_derived(made: str, _master: object, purpose: str, *_rest: object) -> None:
    if purpose in _DERIVED:
        _current.note("secret", made)


def _note_client_secret(_result: object, _tx: object, _client_id: str, secret: str, **_rest: object) -> None:
    _current.note("client secret", secret)


def _note_mail(
    _result: object, _tx: object, _master: object, *, kind: str, payload: Mapping[str, Any], **_rest: object
) -> None:
    if kind != outbox.MAIL:
        return
    values = payload.get("values") or {}
    if isinstance(values.get("code"), str):
        _current.note("short code", values["code"])
    _current.mails.append((str(payload.get("email", "")), json.dumps(payload, ensure_ascii=False)))


def note_exchange(sent: Mapping[str, Any] | str | bytes | None, authorization: str, cookies: Mapping[str, str]) -> None:
    """What a client sent, and the cookies that it was given."""
    if isinstance(sent, bytes):
        sent = sent.decode("latin-1")
    pairs = parse_qsl(sent) if isinstance(sent, str) else list((sent or {}).items())
    for name, value in pairs:
        if isinstance(value, str) and _FIELDS.search(str(name)):
            _current.note("password" if "password" in str(name) else "token", value)
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        _current.note("token", credentials)
    if scheme.lower() == "basic":
        try:
            secret = unquote(base64.b64decode(credentials).decode().partition(":")[2])
        except (binascii.Error, UnicodeDecodeError):
            return
        _current.note("client secret", secret)
    for name, value in cookies.items():
        if name.removeprefix("__Host-") in ("idp_session", "idp_device"):
            _current.note("cookie", value)


def note_answer(kind: str, body: Callable[[], str], path: str) -> None:
    """What a client got."""
    if kind.startswith("application/json") and path.startswith("/oauth/"):
        try:
            found = json.loads(body())
        except ValueError:
            return
        for name in ("access_token", "refresh_token", "id_token", "client_secret", "registration_access_token"):
            if isinstance(found, dict) and isinstance(found.get(name), str):
                _current.note("token", found[name])
    elif kind.startswith("text/html"):
        _current.look_at_page(path, body())


def _note_flask(answer: TestResponse, client: FlaskClient, *_args: object, **kwargs: Any) -> None:
    data, headers = kwargs.get("data"), dict(kwargs.get("headers") or {})
    cookies = {}
    for line in answer.headers.getlist("Set-Cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        cookies[name] = value
    sent = data if isinstance(data, dict | str | bytes) else None
    note_exchange(sent, str(headers.get("Authorization", "")), cookies)
    note_answer(answer.headers.get("Content-Type", ""), lambda: answer.get_data(as_text=True), answer.request.path)


def _note_requests(
    answer: requests.Response, _session: object, request: requests.PreparedRequest, **_rest: Any
) -> None:
    body = request.body if isinstance(request.body, str | bytes) else None
    note_exchange(body, str(request.headers.get("Authorization", "")), dict(answer.cookies.items()))
    note_answer(answer.headers.get("Content-Type", ""), lambda: answer.text, urlsplit(str(request.url)).path)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--all-secrets`."""
    parser.addoption("--all-secrets", action="store_true", help="look into the databases of every test")


def pytest_configure(config: pytest.Config) -> None:
    """The marker of tests that plant a secret themselves."""
    config.addinivalue_line("markers", "shows_secrets: the test writes a secret where it must not be, on purpose")


@pytest.fixture
def _secrets_are_tapped() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idp.keys.secrets, "secrets", _TappedRandom())
        _tap(patch, PasswordHasher, "hash", _note_password)
        _tap(patch, PasswordHasher, "verify", _note_password)
        _tap(patch, MasterKey, "derive_token", _note_derived)
        _tap(patch, clients, "set_client_secret", _note_client_secret)
        _tap(patch, outbox, "enqueue", _note_mail)
        _tap(patch, FlaskClient, "open", _note_flask)
        _tap(patch, requests.Session, "send", _note_requests)
        yield


def _note_engine(connection: Connection) -> None:
    _current.engines.add(connection.engine)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A watch of its own for each test; what wider fixtures make is watched in the test that asks for them first."""
    global _current  # noqa: PLW0603 - taps have no other way to know which test runs
    _current = Watch()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Look once the test is over, while its databases are still there; a find fails the test."""
    result = yield
    found = _current.look(databases=True)
    if found and item.get_closest_marker("shows_secrets") is None:
        pytest.fail("secrets stand in clear: " + ", ".join(sorted(f"{kind} in {place}" for place, kind in found)))
    return result


@pytest.fixture(autouse=True)
def _each_test_is_watched(request: pytest.FixtureRequest) -> Iterator[None]:
    event.listen(Engine, "engine_connect", _note_engine)  # an engine that is there already would not tell
    if request.config.getoption("--all-secrets"):
        request.getfixturevalue("secret_watch")
    yield
    event.remove(Engine, "engine_connect", _note_engine)


@pytest.fixture
def secret_watch(_secrets_are_tapped: None) -> Iterator[Watch]:
    """The watch of this test, its log lines included."""
    logger, lines = logging.getLogger("idp"), _Lines()
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(lines)
    yield _current
    logger.removeHandler(lines)
    logger.setLevel(level)
