"""What docs/connect/ says, taken at its word: the blocks of a page become files, and a provider knows the page's client.

A block whose fence names a file (```` ```apache site.conf ````) is that file. `${NAME}` in it is filled in here, as a
reader would by hand; a name that nobody fills in fails.
"""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

from click.testing import CliRunner
from playwright.sync_api import Page

from idp.cli import main
from tests.support.processes import free_port, kill_group
from tests.support.server import CHECKOUT, serving, status_of
from tests.support.world import DEMO, PASSWORD, SECRETS, configuration

PAGES = CHECKOUT / "docs" / "connect"
CLIENTS = CHECKOUT / ".venv-clients"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_BLOCK = re.compile(r"^```\w+ (?P<file>[\w./-]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"\$\{([A-Z_]+)\}")


def read_blocks(page: str) -> dict[str, str]:
    """The files that a page of docs/connect shows, by name."""
    text = (PAGES / page).read_text(encoding="utf-8")
    return {match["file"]: match["text"] for match in _BLOCK.finditer(text)}


def change(files: dict[str, str], instead: Mapping[str, str]) -> dict[str, str]:
    """The files with other lines; a line that is in none of them fails."""
    for old, new in instead.items():
        assert any(old + "\n" in text for text in files.values()), f"no file has the line {old!r}"
        files = {name: text.replace(old + "\n", new + "\n") for name, text in files.items()}
    return files


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Put values into the places for them; a place without a value is a KeyError."""
    return _PLACE.sub(lambda match: values[match[1]], text)


@dataclass(frozen=True)
class Connection:
    """A provider that knows one site, and what the page says about the site."""

    folder: Path
    issuer: str
    site: str
    values: dict[str, str]
    files: dict[str, str]

    @property
    def port(self) -> int:
        """Where the site has to listen, on 127.0.0.1."""
        return int(self.site.rpartition(":")[2])

    def file(self, name: str, **more: str) -> str:
        """A block of the page, filled in."""
        return fill_in(self.files[name], {**self.values, **more})

    def count_refreshes(self) -> int:
        """How many refresh tokens were exchanged for their successors."""
        with closing(sqlite3.connect(self.folder / "idp.sqlite3")) as database:
            (count,) = database.execute("SELECT count(*) FROM refresh_tokens WHERE rotated_at IS NOT NULL").fetchone()
        return int(count)

    def write(self, name: str, **more: str) -> Path:
        """The same as a file in this connection's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.file(name, **more), encoding="utf-8")
        return path


@contextmanager
def connection(
    folder: Path, smtp_url: str, page: str, *, settings: str = "", instead: Mapping[str, str] | None = None
) -> Iterator[Connection]:
    """`idp serve` on SQLite with the demo's people and the client of this page, for the block.

    `settings`: more for the provider. `instead`: lines of the page and what stands there in this test.
    """
    ports = {"provider": free_port(), "library": free_port(), "portal": free_port()}
    issuer, site = f"http://localhost:{ports['provider']}", f"http://127.0.0.1:{ports['library']}"
    values = {
        "ISSUER": issuer,
        "SITE": site,
        "CLIENT_SECRET": "secret-of-a-client-that-nobody-here-wrote",
        "COOKIE_KEY": "0123456789abcdef0123456789abcdef",
    }
    made = Connection(folder, issuer, site, values, change(read_blocks(page), instead or {}))
    config = configuration(folder, f"sqlite:///{folder / 'idp.sqlite3'}", ports, smtp_url)
    config.write_text(config.read_text(encoding="utf-8") + settings, encoding="utf-8")
    demo = {
        "LIBRARY": "http://127.0.0.1:9",
        "PORTAL": "http://127.0.0.1:9",
        "LIBRARY_SECRET": SECRETS["library"],
        "PORTAL_SECRET": SECRETS["portal"],
        "SERVICE_SECRET": SECRETS["service"],
        "DEMO_PASSWORD": PASSWORD,
    }
    apply(config, folder / "demo.toml", Template(DEMO.read_text(encoding="utf-8")).safe_substitute(demo))
    apply(config, folder / "sites.toml", made.file("sites.toml"))
    url = f"http://127.0.0.1:{ports['provider']}"
    with serving(url, log=folder / "provider.log", config=config):
        yield made


def apply(config: Path, file: Path, text: str) -> None:
    """Put an apply file in through the command line."""
    file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(main, ["--config", str(config), "apply", str(file)])
    assert result.exit_code == 0, result.output


@contextmanager
def program(
    command: Sequence[str | Path],
    *,
    url: str,
    log: Path,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    seconds: float = 20,
) -> Iterator[subprocess.Popen[bytes]]:
    """A foreign program for the block, once it answers at the address; nothing of it is left afterwards."""
    variables = {"PATH": SYSTEM_PATH, "HOME": str(cwd), "LC_ALL": "C.UTF-8", **(environment or {})}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=variables,
            start_new_session=True,
        )
    try:
        found = f"an answer at {url}"
        wait_for(lambda: process.poll() is not None or status_of(url) is not None, found, log, seconds)
        assert process.poll() is None, f"{command[0]} ended with {process.returncode}:\n{read_end(log)}"
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        kill_group(process)


def wait_for(condition: Callable[[], bool], what: str, log: Path | None = None, seconds: float = 20) -> None:
    """Look again until it is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come in {seconds} s\n{read_end(log) if log else ''}"
        time.sleep(0.05)


def read_end(log: Path) -> str:
    """The end of a log."""
    return log.read_text(encoding="utf-8", errors="replace")[-4000:]


def find_program(name: str) -> str:
    """Where Debian keeps it, /usr/sbin included."""
    found = shutil.which(name, path=SYSTEM_PATH)
    assert found, f"{name} is not installed: run scripts/system_packages.sh"
    return found


def find_client(name: str) -> Path:
    """A program among those that `make clients` fetches and builds."""
    found = CLIENTS / "bin" / name
    assert found.exists(), f"{found} is not there: run make clients"
    return found


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        lines = [f"{name}: {value}" for name, value in sorted(self.headers.items()) if name.lower() != "cookie"]
        text = "\n".join([f"{self.command} {self.path}", *lines])
        body = f'<!doctype html><title>Application</title><pre id="seen">{text}</pre>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Write nothing."""


@contextmanager
def application() -> Iterator[str]:
    """What stands behind a proxy: a page with the headers that arrived, without cookies. Out: its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def sign_in(page: Page, username: str = "anna") -> None:
    """Fill in the provider's page that is open."""
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("#login-submit")
