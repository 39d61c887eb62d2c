"""Two server instances on one database, and this process as a third that puts things into it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from attacks.volley import Volley
from idp import create_app
from idp.config import load_settings
from idp.provider import Provider
from idp.store.database import Statement
from tests.support.processes import free_port
from tests.support.server import RunningServer, start_server

_DEADLOCKS = Statement("SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()")


@dataclass
class Stage:
    """What the tries are made against."""

    provider: Provider
    volley: Volley
    servers: list[RunningServer]
    form_cookie: dict[str, str] = field(default_factory=dict)
    form_token: str = ""

    def count_deadlocks(self) -> int:
        """How many deadlocks PostgreSQL has broken in this database; SQLite has none to break."""
        if self.provider.database.is_sqlite:
            return 0
        time.sleep(1.1)  # its statistics lag behind by a second
        with self.provider.database.reading() as tx:
            row = tx.one(_DEADLOCKS)
        return int(row["n"]) if row else 0


def write_configuration(folder: Path, database_url: str, port: int, *, extra: str = "") -> Path:
    """A provider without limits on tries, without delivery, with cheap hashes; out: the file."""
    path = folder / "config.toml"
    path.write_text(
        f"""
[server]
issuer = "http://localhost:{port}"
bind = "127.0.0.1:{port}"
threads = 16
worker = false
log_level = "warning"
[database]
url = "{database_url}"
[keys]
directory = "{folder / "keys"}"
[passwords]
memory_kib = 64
time_cost = 1
queue = 1000
[limits]
enabled = false
[clients]
registration = "token"
[registration]
automatic_per_hour = 1000000
[lifetimes]
fresh = 3600
{extra}""",
        encoding="utf-8",
    )
    return path


@contextmanager
def stage(
    folder: Path, database_url: str, *, tries: int, environment: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """Two instances for the block (`environment`: settings of theirs), and connections for so many tries at once."""
    port = free_port()
    config = write_configuration(folder, database_url, port)
    provider: Provider = create_app(load_settings(config)).extensions["idp"]
    is_sqlite = provider.database.is_sqlite
    urls = [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_port()}"]
    servers = []
    with ExitStack() as stack:
        stack.callback(provider.database.engine.dispose)
        for number, url in enumerate(urls):
            server = start_server(
                url,
                log=folder / f"server-{number}.log",
                config=config,
                arguments=("-m", "attacks.second_server") if number and is_sqlite else ("-m", "idp", "serve"),
                environment={"IDP_SERVER__BIND": url.removeprefix("http://"), **(environment or {})},
            )
            stack.callback(server.kill)
            server.wait_until_ready()
            servers.append(server)
        volley = Volley(urls, f"localhost:{port}", tries)
        stack.callback(volley.close)
        made = Stage(provider, volley, servers)
        made.form_cookie, made.form_token = open_form(urls[0], f"localhost:{port}")
        yield made


def open_form(url: str, host: str) -> tuple[dict[str, str], str]:
    """The form cookie of a browser, and the token of a form in it."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("GET", "/sign-in", headers={"Host": host})
    answer = connection.getresponse()
    page = answer.read().decode()
    cookie = re.search(r"idp_form=([^;]+)", answer.headers.get("Set-Cookie", ""))
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    connection.close()
    if cookie is None or token is None:
        raise AssertionError(f"no form at {url}/sign-in: {answer.status}")
    return {"idp_form": cookie[1]}, token[1]
