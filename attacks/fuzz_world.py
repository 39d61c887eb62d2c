"""A real server with people, sites and tokens in it, and the names under which requests find them.

Malformed requests that come near enough to valid ones change things: they sign people out, take roles away, spend codes.
`renew` puts the people back where they were, from beside the server.
"""

from __future__ import annotations

import base64
import itertools
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from click.testing import CliRunner

from attacks.fuzz_wire import NAME
from idp import create_app
from idp.cli import main
from idp.config import load_settings
from idp.keys.secrets import new_secret
from idp.protocol.pkce import make_challenge
from idp.provider import Provider
from idp.store import accounts, client_registration, clients, codes, links, sessions
from idp.store.database import Statement, Transaction
from tests.support.processes import free_port
from tests.support.server import RunningServer, start_server
from tests.support.world import PASSWORD, SECRETS, apply_demo, configuration

PEOPLE = {
    "anna": ("approved@example.com", "approved", ""),
    "willi": ("waiting@example.com", "pending", ""),
    "carla": ("care@example.com", "approved", "customer_care approver"),
    "audrey": ("audrey@example.com", "approved", "auditor"),
    "olga": ("olga@example.com", "approved", "administrator"),
}
"""Who is signed in: address, approval, roles."""

LINKS = ("confirm", "reset", "email_change", "email_undo", "migrate", "reopen")
TOOL, PUBLIC, SECRET = "desk-tool", "public-app", "s" * 43
CALLBACK = "https://tool.example/callback"
VERIFIER = "v" * 43
POOL = 150
_TRIES = 6
_AGAIN = Statement(
    "UPDATE accounts SET access = 'active', approval_status = :status, roles = :roles WHERE account_id = :id"
)
_FORM_COOKIE = re.compile(r"idp_form=([^;]+)")
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass
class World:
    """The server, its database from beside, and what names stand for."""

    folder: Path
    port: int
    server: RunningServer
    provider: Provider
    names: dict[str, bytes] = field(default_factory=dict)
    pools: dict[str, list[bytes]] = field(default_factory=dict)
    known: dict[bytes, str] = field(default_factory=dict)
    """What names have stood for, so that old requests can be filled in anew."""
    _drawn: Iterator[int] = field(default_factory=itertools.count)
    _renewing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def host(self) -> bytes:
        """The issuer's host and port."""
        return f"localhost:{self.port}".encode()

    @property
    def base(self) -> str:
        """The issuer."""
        return f"http://localhost:{self.port}"

    def fill(self, text: bytes) -> bytes:
        """Put what names stand for in their place; unknown ones stay."""
        return NAME.sub(self._find, text) if b"{{" in text else text

    def _find(self, match: re.Match[bytes]) -> bytes:
        name = match[1].decode()
        if pool := self.pools.get(name):
            return pool[next(self._drawn) % len(pool)]
        return self.names.get(name, match[0])

    def unfill(self, text: bytes) -> bytes:
        """Put names where what they stand for was: the longest first."""
        self._remember()
        for value, name in sorted(self.known.items(), key=lambda pair: -len(pair[0])):
            if value in text:
                text = text.replace(value, b"{{" + name.encode() + b"}}")
        return text

    def _remember(self) -> None:
        pairs = list(self.names.items()) + [(name, value) for name, pool in self.pools.items() for value in pool]
        self.known.update({value: name for name, value in pairs if len(value) > 12})

    def renew(self, *, pools: bool = True) -> None:
        """Everybody is signed in and has their roles again; `pools`: codes, tokens and links that work are there as well."""
        with self._renewing:
            self._remember()
            with self.provider.database.transaction() as tx:
                for name in PEOPLE:
                    self._seat(tx, name)
                if pools:
                    self._issue(tx)
            if not pools:
                return
            for _ in range(_TRIES):
                refresh, access = self._redeem("code", 12)
                _, staff_access = self._redeem("staff_code", 6)
                if access and staff_access:
                    self.pools |= {"refresh": refresh, "access": access, "staff_access": staff_access}
                    return
                self._restore_clients()  # somebody pressed "New secret", switched the site off, or signed Anna out
            raise AssertionError("no token is to be had any more")

    def _seat(self, tx: Transaction, name: str) -> None:
        email, status, roles = PEOPLE[name]
        account = accounts.find_by_email(tx, email)
        if account is None and f"{name}.id" not in self.names:
            account = accounts.insert_account(
                tx,
                email=email,
                user_name=name,
                given_name=name.title(),
                family_name="Fuzz",
                now=self.provider.clock(),
                email_verified_at=self.provider.clock(),
            )
        account_id = account.account_id if account else self.names[f"{name}.id"].decode()
        if accounts.find_account(tx, account_id) is None:
            return
        tx.run(_AGAIN, status=status, roles=roles, id=account_id)
        started = sessions.start_session(
            tx, account_id=account_id, kept=True, lifetime=12 * 3600, now=self.provider.clock()
        )
        self.names[f"{name}.id"] = account_id.encode()
        self.names[f"{name}.session"] = started.secret.encode()
        self.names[f"{name}.sid"] = started.session.sid.encode()
        self.names[f"{name}.cookies"] = b"; ".join(
            [
                b"idp_session=" + self.names[f"{name}.session"],
                b"idp_form=" + self.names["form"],
                b"idp_browser=" + self.names["browser"],
            ]
        )

    def _issue(self, tx: Transaction) -> None:
        self.pools["code"] = [self._code(tx, "anna", "download-library", self.callback) for _ in range(POOL)]
        scope = "openid staff.read staff.write"
        self.pools["staff_code"] = [self._code(tx, "olga", TOOL, CALLBACK, scope) for _ in range(POOL // 3)]
        for purpose in LINKS:
            self.pools[f"link.{purpose}"] = [
                links.issue_link(
                    tx,
                    purpose=purpose,
                    email=PEOPLE["anna"][0],
                    lifetime=3600,
                    now=self.provider.clock(),
                    master=self.provider.master,
                    account_id=self.names["anna.id"].decode(),
                    replaces=False,
                ).token.encode()
                for _ in range(10)
            ]
        initial = new_secret()
        client_registration.add_initial_token(
            tx, initial, initial[:12], uses=None, expires_at=None, now=self.provider.clock()
        )
        self.names["initial_token"] = initial.encode()

    @property
    def callback(self) -> str:
        """The redirect URI of the download library."""
        return self.names["callback"].decode()

    def _code(self, tx: Transaction, who: str, client_id: str, callback: str, scope: str = "") -> bytes:
        now = self.provider.clock()
        family = codes.begin_family(
            tx,
            account_id=self.names[f"{who}.id"].decode(),
            client_id=client_id,
            scope=scope or "openid profile email approval session",
            nonce="n",
            sid=self.names[f"{who}.sid"].decode(),
            auth_time=now,
            amr="pwd",
            kept=True,
            session_expires_at=now + 12 * 3600,
            offline=False,
            expires_at=now + 12 * 3600,
            now=now,
        )
        return codes.issue_code(
            tx, family, redirect_uri=callback, code_challenge=make_challenge(VERIFIER), lifetime=3600, now=now
        ).encode()

    def _restore_clients(self) -> None:
        now = self.provider.clock()
        with self.provider.database.transaction() as tx:
            for client_id, secret in (("download-library", SECRETS["library"]), (TOOL, SECRET)):
                clients.set_client_disabled(tx, client_id, False, now)
                clients.set_client_secret(tx, client_id, secret, now=now)
            for name in PEOPLE:
                self._seat(tx, name)
            self._issue(tx)
        time.sleep(1.2)  # the server's own list of clients is never older than a second

    def _redeem(self, pool: str, count: int) -> tuple[list[bytes], list[bytes]]:
        staff = pool == "staff_code"
        client = (TOOL, SECRET) if staff else ("download-library", SECRETS["library"])
        refresh, access = [], []
        for _ in range(count):
            form = {
                "grant_type": "authorization_code",
                "code": self.pools[pool].pop().decode(),
                "redirect_uri": CALLBACK if staff else self.callback,
                "code_verifier": VERIFIER,
            }
            answer = requests.post(f"{self.base}/oauth/token", data=form, auth=client, timeout=30)
            if answer.status_code != 200:
                break
            refresh.append(answer.json()["refresh_token"].encode())
            access.append(answer.json()["access_token"].encode())
        return refresh, access


def basic(client_id: str, secret: str) -> bytes:
    """The Basic scheme."""
    return b"Basic " + base64.b64encode(f"{client_id}:{secret}".encode())


@contextmanager
def fuzz_world(folder: Path, database_url: str, *, front: bool) -> Iterator[World]:
    """A server for the block, with everybody in it; nothing of it is left afterwards."""
    ports = {"provider": free_port(), "library": free_port(), "portal": free_port()}
    config = _configure(folder, database_url, ports, front=front)
    apply_demo(config, ports, folder)
    made = CliRunner().invoke(main, ["--config", str(config), "accounts", "generate", "120", "--waiting", "60"])
    assert made.exit_code == 0, made.output
    provider: Provider = create_app(load_settings(config)).extensions["idp"]
    _add_clients(provider, f"http://localhost:{ports['provider']}")
    server = start_server(
        f"http://127.0.0.1:{ports['provider']}",
        log=folder / "server.log",
        config=config,
        arguments=("-m", "attacks.fuzz_server"),
        environment={"IDP_SERVER__LOG_LEVEL": os.environ.get("FUZZ_LOG_LEVEL", "error")},
    )
    try:
        server.wait_until_ready()
        world = World(folder, ports["provider"], server, provider)
        world.names["callback"] = f"http://127.0.0.1:{ports['library']}/account/sign-in/callback".encode()
        world.names["password"] = PASSWORD.encode()
        _open_form(world)
        world.renew()
        yield world
    finally:
        server.stop()
        provider.database.engine.dispose()


def _configure(folder: Path, database_url: str, ports: dict[str, int], *, front: bool) -> Path:
    config = configuration(folder, database_url, ports, "mailbox:")
    text = config.read_text(encoding="utf-8")
    text = re.sub(r"front = \w+", f"front = {str(front).lower()}", text)
    text = text.replace("[limits]\n", "[limits]\nenabled = false\n").replace('url = "mailbox:"', 'url = "mailbox:"')
    text += '\n[clients]\nregistration = "open"\n[lifetimes]\nfresh = 3600\nstaff_idle = 7200\n'
    config.write_text(text, encoding="utf-8")
    return config


def _add_clients(provider: Provider, issuer: str) -> None:
    grants = {"redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"]}
    now = provider.clock()
    with provider.database.transaction() as tx:
        scope = {"scope": "openid profile staff.read staff.write"}
        clients.save_client(tx, TOOL, {**grants, **scope}, resources=[f"{issuer}/api"], now=now)
        clients.set_client_secret(tx, TOOL, SECRET, now=now)
        clients.save_client(tx, PUBLIC, {**grants, "token_endpoint_auth_method": "none"}, now=now)


def _open_form(world: World) -> None:
    """The form cookie of a browser, and the token of a form in it: both work as long as the server's master key does."""
    answer = requests.get(f"{world.base}/sign-in", timeout=30)
    cookie, token = _FORM_COOKIE.search(answer.headers.get("Set-Cookie", "")), _TOKEN.search(answer.text)
    assert cookie, answer.headers
    assert token, answer.text
    world.names.update(form=cookie[1].encode(), csrf=token[1].encode(), browser=new_secret().encode())
