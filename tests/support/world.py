"""The provider and the two example sites in this process: real HTTP on loopback, real mail, a clock that tests move.

Everything else is as in life: the demo's data goes in through `idp apply`, the worker runs, the sites are the ones in
`examples/`. Where processes matter (kills, two servers) tests start `idp serve` instead.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from unittest.mock import patch

from click.testing import CliRunner
from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from examples.download_library.app import create_app as create_library
from examples.training_portal.app import create_app as create_portal
from idp import create_app
from idp.cli import main
from idp.config import load_settings
from idp.provider import Provider
from idp.signals.worker import Worker
from tests.support.databases import has_front
from tests.support.processes import free_port
from tests.support.smtp import Mail, SmtpServer
from tests.support.visitor import Visitor

PASSWORD = "journey-through-the-alps"
SECRETS = {
    "library": "library-secret-of-the-tests",
    "portal": "portal-secret-of-the-tests",
    "service": "service-secret-of-the-tests",
}
DEMO = Path(__file__).resolve().parents[2] / "examples" / "demo.toml"


class MovedClock:
    """The time of day and what a test added to it, in whole seconds."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return int(time.time()) + self.ahead

    def move(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass."""
        self.ahead += int(hours * 3600 + minutes * 60 + seconds)


class QuietHandler(WSGIRequestHandler):
    """Does not write a line for each request."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Write nothing."""


@dataclass
class World:
    """Addresses and handles of one running world."""

    folder: Path
    provider_url: str
    library_url: str
    portal_url: str
    clock: MovedClock
    smtp: SmtpServer
    app: Flask
    servers: list[BaseWSGIServer] = field(default_factory=list)

    @property
    def provider(self) -> Provider:
        """The provider's parts, to look behind the pages."""
        found: Provider = self.app.extensions["idp"]
        return found

    def visitor(self) -> Visitor:
        """A new browser without scripts."""
        return Visitor(self.provider_url)

    def mail_to(self, address: str, *, containing: str = "", after: int = 0, seconds: float = 15) -> Mail:
        """Wait for a mail to this address whose text contains something; `after` skips that many."""
        limit = time.monotonic() + seconds
        while True:
            found = [mail for mail in self.smtp.mails_to(address) if containing in mail.text()][after:]
            if found:
                return found[-1]
            if time.monotonic() > limit:
                subjects = [mail.subject for mail in self.smtp.mails_to(address)]
                raise AssertionError(f"no such mail to {address}; there are: {subjects}")
            time.sleep(0.05)

    def link_in(self, mail: Mail, path: str) -> str:
        """The link in a mail that leads below a path of the provider."""
        match = re.search(re.escape(self.provider_url + path) + r"[\w./?=&%-]*", mail.text())
        assert match, f"no link to {path} in:\n{mail.text()}"
        return match.group(0)


def configuration(
    folder: Path, database_url: str, ports: dict[str, int], smtp_url: str, *, issuer_path: str = ""
) -> Path:
    """Write the provider's configuration; out: its path."""
    path = folder / "config.toml"
    sites = {name.upper(): f"http://127.0.0.1:{ports[name]}" for name in ("library", "portal")}
    interests = Template((DEMO.parent / "interests.toml").read_text(encoding="utf-8")).substitute(sites)
    path.write_text(
        f"""
[server]
issuer = "http://localhost:{ports["provider"]}{issuer_path}"
bind = "127.0.0.1:{ports["provider"]}"
front = {str(has_front(database_url)).lower()}
[database]
url = "{database_url}"
[keys]
directory = "{folder / "keys"}"
[mail]
url = "{smtp_url}"
sender = "Example Instruments <account@example.com>"
customer_care = "care@example.com"
[passwords]
memory_kib = 64
time_cost = 1
[outbound]
allow_hosts = ["127.0.0.1:{ports["library"]}", "127.0.0.1:{ports["portal"]}"]
[limits]
account_tries = 20
network_tries = 10000
mails_per_hour = 100
mail_requests = 10000
{interests}""",
        encoding="utf-8",
    )
    return path


def apply_demo(config: Path, ports: dict[str, int], folder: Path) -> None:
    """Put the demo's clients, rules and people in through the command line."""
    values = {
        "LIBRARY": f"http://127.0.0.1:{ports['library']}",
        "PORTAL": f"http://127.0.0.1:{ports['portal']}",
        "LIBRARY_SECRET": SECRETS["library"],
        "PORTAL_SECRET": SECRETS["portal"],
        "SERVICE_SECRET": SECRETS["service"],
        "DEMO_PASSWORD": PASSWORD,
    }
    file = folder / "apply.toml"
    file.write_text(Template(DEMO.read_text(encoding="utf-8")).safe_substitute(values), encoding="utf-8")
    result = CliRunner().invoke(main, ["--config", str(config), "apply", str(file)])
    assert result.exit_code == 0, result.output


@contextmanager
def running_world(folder: Path, database_url: str, smtp: SmtpServer, *, issuer_path: str = "") -> Iterator[World]:
    """A world for the block; nothing of it is left afterwards. `issuer_path`: of an issuer that has one ("/id")."""
    ports = {"provider": free_port(), "library": free_port(), "portal": free_port()}
    config = configuration(folder, database_url, ports, smtp.url, issuer_path=issuer_path)
    apply_demo(config, ports, folder)
    clock = MovedClock()
    app = create_app(load_settings(config), clock=clock)
    world = World(
        folder,
        f"http://localhost:{ports['provider']}{issuer_path}",
        f"http://127.0.0.1:{ports['library']}",
        f"http://127.0.0.1:{ports['portal']}",
        clock,
        smtp,
        app,
    )
    worker = Worker(world.provider)
    worker.start()
    try:
        _serve(world, app, ports["provider"])
        _serve(world, _site(world, create_library, "library", world.library_url, world.portal_url), ports["library"])
        _serve(world, _site(world, create_portal, "portal", world.portal_url, world.library_url), ports["portal"])
        yield world
    finally:
        for server in world.servers:
            server.shutdown()
            server.server_close()
        worker.stop()


def _site(world: World, create: object, name: str, url: str, other: str) -> Flask:
    assert callable(create)
    environment = {
        "IDP_ISSUER": world.provider_url,
        "CLIENT_SECRET": SECRETS[name],
        "SITE_KEY": f"key-of-the-{name}-for-its-cookies",
        "SITE_URL": url,
        "OTHER_SITE_URL": other,
        "SITE_DATA": str(world.folder / name),
    }
    with patch.dict("os.environ", environment):
        app: Flask = create(world.clock)
    return app


def _serve(world: World, app: Flask, port: int) -> None:
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler)
    world.servers.append(server)
    threading.Thread(target=server.serve_forever, name=f"http-{port}", daemon=True).start()
