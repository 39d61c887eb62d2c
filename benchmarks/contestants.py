"""Who is measured: our provider and node-oidc-provider, set up alike, each with a signed-in customer and live tokens.

Both keep their state in the same kind of store with the same durability, know the same five clients, and have the
customer's consent. Ours has its account and session put in by the store's own functions, before the server starts.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from benchmarks.load import Load
from benchmarks.machine import Process
from idp import create_app
from idp.config import DatabaseSettings, KeySettings, Server, Settings
from idp.store import accounts, grants, sessions
from tests.support.postgresql import PostgresqlCluster

ROOT = Path(__file__).resolve().parents[1]
PEER = Path(__file__).parent / "peer"
MODULES = ROOT / ".bench" / "peer" / "package.json"
SECRET = "a-secret-of-this-benchmark-0123456789"
CALLBACK = "https://client.example/cb"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""The example of RFC 7636, Appendix B."""

PASSWORD = "seven quiet lighthouses"
FORM = "application/x-www-form-urlencoded"
RESOURCES = {"ES256": "https://api.example/es256", "RS256": "https://api.example/rs256"}
TOKENS = 300
REFRESH_TOKENS = 400

_CLIENTS = f"""
[[clients]]
client_id = "machine"
client_secret = "{SECRET}"
grant_types = ["client_credentials"]
redirect_uris = []
response_types = []
scope = "api:read"
resources = ["https://api.example/"]

[[clients]]
client_id = "machine-jwt"
client_secret = "{SECRET}"
grant_types = ["client_credentials"]
redirect_uris = []
response_types = []
scope = "api:read"
resources = ["{RESOURCES["ES256"]}", "{RESOURCES["RS256"]}"]

[[clients]]
client_id = "resource"
client_secret = "{SECRET}"
grant_types = []
redirect_uris = []
response_types = []
may_introspect = ["https://api.example/"]
"""
_WEB_CLIENT = f"""
[[clients]]
client_id = "{{}}"
client_secret = "{SECRET}"
grant_types = [{{}}]
redirect_uris = ["{CALLBACK}"]
scope = "openid profile email"
require_approval = true
resources = ["https://api.example/"]
id_token_signed_response_alg = "{{}}"
"""
WEB_CLIENTS = {
    "web-es256": ('"authorization_code"', "ES256"),
    "web-rs256": ('"authorization_code"', "RS256"),
    "app": ('"authorization_code", "refresh_token"', "ES256"),
}


@dataclass(frozen=True, slots=True)
class Store:
    """What state is kept in: `sqlite` with `synchronous` NORMAL or FULL, or `postgresql`, which waits for its disk."""

    kind: str
    synchronous: str = "NORMAL"

    def __str__(self) -> str:
        return "PostgreSQL" if self.kind == "postgresql" else f"SQLite {self.synchronous}"


@dataclass
class Contestant:
    """A running provider and what is needed to load it."""

    name: str
    process: Process
    base: str
    paths: Mapping[str, str]
    cookie: str
    folder: Path
    database: str
    pool: int = 0
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, HTTPMessage, str]:
        """One request on a connection that is kept; out: status, headers, body."""
        for _ in range(2):
            connection = self._connection or http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=30)
            self._connection = connection
            try:
                connection.request(
                    method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
                )
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read().decode()
            except (http.client.HTTPException, ConnectionError):
                connection.close()
                self._connection = None
        raise RuntimeError(f"{self.name} closes connections")

    def run_flow(self, client_id: str) -> dict[str, Any]:
        """One authorization code flow; out: the token response."""
        status, headers, body = self.ask("GET", self.authorize(client_id), Cookie=self.cookie)
        codes = parse_qs(urlsplit(headers.get("Location", "")).query).get("code")
        if not codes:
            raise RuntimeError(f"{self.name}: no code: {status} {headers.get('Location')} {body[:300]}")
        form = urlencode({**_redemption(), "code": codes[0]})
        status, _, body = self.ask(
            "POST", self.paths["token"], form, Authorization=f"Basic {basic(client_id)}", Content_Type=FORM
        )
        if status != 200:
            raise RuntimeError(f"{self.name}: no tokens: {status} {body[:300]}")
        tokens: dict[str, Any] = json.loads(body)
        return tokens

    def authorize(self, client_id: str) -> str:
        """Path and query of an authorization request."""
        query = {
            "client_id": client_id,
            "response_type": "code",
            "scope": "openid profile email",
            "redirect_uri": CALLBACK,
            "state": "af0ifjsldkj",
            "nonce": "n-0S6_WzA2Mj",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return f"{self.paths['authorize']}?{urlencode(query)}"

    def make_loads(self) -> dict[str, Load]:
        """The scenarios by name."""
        access = [self.run_flow("web-es256")["access_token"] for _ in range(TOKENS)]
        form = f"Content-Type: {FORM}"
        ask = f"Authorization: Basic {basic('resource')}|{form}"
        own, jwt = (f"Authorization: Basic {basic(name)}|{form}" for name in ("machine", "machine-jwt"))
        token, grant = self.paths["token"], "grant_type=client_credentials&scope=api%3Aread"
        loads = {
            "discovery": self._requests("discovery", ["GET\t/.well-known/openid-configuration\t\t"], "issuer"),
            "jwks": self._requests("jwks", [f"GET\t{self.paths['jwks']}\t\t"], '"keys"'),
            "introspection": self._requests(
                "introspection",
                [f"POST\t{self.paths['introspect']}\t{ask}\ttoken={one}" for one in access],
                '"active":true',
            ),
            "userinfo": self._requests(
                "userinfo", [f"GET\t{self.paths['userinfo']}\tAuthorization: Bearer {one}\t" for one in access], '"sub"'
            ),
            "client_credentials": self._requests("cc", [f"POST\t{token}\t{own}\t{grant}"], "access_token"),
        }
        for alg, resource in RESOURCES.items():
            body = f"{grant}&{urlencode({'resource': resource})}"
            loads[f"client_credentials {alg}"] = self._requests(alg, [f"POST\t{token}\t{jwt}\t{body}"], "eyJ")
        pool = self.folder / "refresh-tokens"
        pool.write_text("".join(self.run_flow("app")["refresh_token"] + "\n" for _ in range(REFRESH_TOKENS)))
        loads["refresh"] = Load("refresh.lua", {"POOL": str(pool), "BASIC": basic("app"), "TOKEN": token})
        for alg in ("ES256", "RS256"):
            client_id = f"web-{alg.lower()}"
            parameters = {
                "AUTHORIZE": self.authorize(client_id),
                "COOKIE": self.cookie,
                "TOKEN": token,
                "BASIC": basic(client_id),
                "BODY": urlencode(_redemption()) + "&code=",
            }
            loads[f"code flow {alg}"] = Load("flow.lua", parameters)
        return loads

    def _requests(self, name: str, lines: Iterable[str], expect: str) -> Load:
        file = self.folder / f"{name}.tsv"
        file.write_text("\n".join(lines) + "\n")
        return Load("requests.lua", {"REQUESTS": str(file), "EXPECT": expect})


def start_ours(
    folder: Path,
    port: int,
    store: Store,
    cluster: PostgresqlCluster,
    *,
    workers: int = 1,
    threads: int | None = None,
    cores: str | None = None,
    settings: str = "",
) -> Contestant:
    """`idp serve` with five clients, an approved customer who is signed in, and their consent."""
    folder.mkdir(parents=True, exist_ok=True)
    base = f"http://127.0.0.1:{port}"
    url = cluster.new_database() if store.kind == "postgresql" else f"sqlite:///{folder / 'idp.sqlite3'}"
    config = folder / "config.toml"
    durability = "full" if store.synchronous == "FULL" else "balanced"
    own_threads = f"threads = {threads}" if threads else ""
    config.write_text(
        f'[server]\nissuer = "{base}"\nbind = "127.0.0.1:{port}"\nworkers = {workers}\n{own_threads}\nlog_level = "warning"\n'
        f'[database]\nurl = "{url}"\ndurability = "{durability}"\n[keys]\ndirectory = "{folder / "keys"}"\n'
        f"[tokens]\njwt_resources = {json.dumps(list(RESOURCES.values()))}\n"
        f'[tokens.jwt_algorithms]\n"{RESOURCES["ES256"]}" = "ES256"\n[limits]\nenabled = false\n{settings}',
        encoding="utf-8",
    )
    entries = folder / "clients.toml"
    web = "".join(_WEB_CLIENT.format(name, *rest) for name, rest in WEB_CLIENTS.items())
    entries.write_text(_CLIENTS + web, encoding="utf-8")
    idp = [sys.executable, "-m", "idp", "--config", str(config)]
    subprocess.run([*idp, "apply", str(entries)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    cookie = _sit_down(
        Settings(
            server=Server(issuer=base), database=DatabaseSettings(url=url), keys=KeySettings(directory=folder / "keys")
        )
    )
    environment = {"PYTHONPATH": str(ROOT)}
    process = Process(
        [*idp, "serve"], f"{base}/.well-known/openid-configuration", folder / "log", environment, cores=cores
    )
    paths = {name: f"/oauth/{name}" for name in ("authorize", "token", "introspect", "userinfo", "jwks")}
    return Contestant("ours", process, base, paths, cookie, folder, url)


def start_peer(folder: Path, port: int, store: Store, cluster: PostgresqlCluster) -> Contestant:
    """node-oidc-provider, signed in and consented through its own pages."""
    folder.mkdir(parents=True, exist_ok=True)
    base = f"http://127.0.0.1:{port}"
    database = cluster.new_database() if store.kind == "postgresql" else str(folder / "peer.sqlite3")
    environment = {
        "PORT": str(port),
        "STORE": store.kind,
        "DATABASE": database,
        "SYNCHRONOUS": store.synchronous,
        "MODULES": str(MODULES),
        "CLIENT_SECRET": SECRET,
        "NODE_ENV": "production",
    }
    command = ["node", str(PEER / "server.mjs")]
    process = Process(command, f"{base}/.well-known/openid-configuration", folder / "log", environment)
    paths = {
        "authorize": "/auth",
        "token": "/token",
        "introspect": "/token/introspection",
        "userinfo": "/me",
        "jwks": "/jwks",
    }
    made = Contestant("peer", process, base, paths, "", folder, database)
    made.cookie = _sign_in_at_peer(made)
    return made


def start_bare(folder: Path, port: int) -> Contestant:
    """A bare Flask view on the server software that serves ours."""
    folder.mkdir(parents=True, exist_ok=True)
    base = f"http://127.0.0.1:{port}"
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command = [
        *granian,
        "--workers",
        "1",
        "--blocking-threads",
        "16",
        "--no-ws",
        "--log-level",
        "error",
        "benchmarks.bare:app",
    ]
    process = Process(command, f"{base}/bare", folder / "log", {"PYTHONPATH": str(ROOT)})
    return Contestant("bare Flask", process, base, {}, "", folder, "")


def bare_load(folder: Path) -> Load:
    """Its one request."""
    file = folder / "bare.tsv"
    file.write_text("GET\t/bare\t\t\n")
    return Load("requests.lua", {"REQUESTS": str(file), "EXPECT": "world"})


def basic(client_id: str) -> str:
    """The value of HTTP Basic authentication."""
    return b64encode(f"{client_id}:{SECRET}".encode()).decode()


def _redemption() -> dict[str, str]:
    return {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}


def _sit_down(settings: Settings) -> str:
    """Put in the customer, a session and consents; out: the browser's cookies."""
    provider = create_app(settings).extensions["idp"]
    now = provider.clock()
    hashed = provider.passwords.hash(PASSWORD)
    with provider.database.transaction() as tx:
        ada = accounts.insert_account(
            tx,
            email="ada@example.com",
            user_name="ada",
            password_hash=hashed,
            approval_status="approved",
            email_verified_at=now,
            given_name="Ada",
            family_name="Lovelace",
            company="Analytical Engines",
            country="GB",
            now=now,
        )
        started = sessions.start_session(tx, account_id=ada.account_id, kept=True, lifetime=43200, now=now)
        for client_id in WEB_CLIENTS:
            grants.save_grant(tx, ada.account_id, client_id, frozenset({"openid", "profile", "email"}), now)
    provider.database.engine.dispose()
    return f"idp_session={started.secret}; idp_browser={'b' * 43}"


class _StaysHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _sign_in_at_peer(peer: Contestant) -> str:
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), _StaysHere())
    for client_id in WEB_CLIENTS:
        address = peer.base + peer.authorize(client_id)
        for _ in range(12):
            try:
                browser.open(address)
                raise RuntimeError(f"the peer shows a page at {address}")
            except urllib.error.HTTPError as answer:
                address = urljoin(peer.base, answer.headers.get("Location") or "")
            if address.startswith(CALLBACK):
                break
        if "code=" not in address:
            raise RuntimeError(f"the peer's sign-in ended at {address}")
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar if cookie.path == "/")


def has_peer() -> bool:
    """Whether the peer's packages are installed."""
    return (MODULES.parent / "node_modules" / "oidc-provider").exists()
