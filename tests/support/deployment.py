"""Real server processes (`idp serve`) with the demo's data, for tests that kill them or need two at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.flow import TestClient
from tests.support.processes import free_port
from tests.support.server import RunningServer, start_server
from tests.support.world import SECRETS, apply_demo, configuration


@dataclass
class Deployment:
    """One or more servers on one database, all under the issuer of the first."""

    folder: Path
    config: Path
    issuer: str
    servers: list[RunningServer] = field(default_factory=list)

    @property
    def client(self) -> TestClient:
        """The download library, as a client that does not run."""
        return TestClient("download-library", SECRETS["library"], self.redirect_uri)

    redirect_uri: str = ""

    @property
    def host_header(self) -> dict[str, str]:
        """The issuer's host, for requests to the other servers."""
        return {"Host": self.issuer.removeprefix("http://")}

    def start(self, number: int = 0) -> RunningServer:
        """Start (or start again) a server."""
        port = int(self.issuer.rpartition(":")[2]) if number == 0 else free_port()
        url = f"http://127.0.0.1:{port}"
        server = start_server(
            url,
            log=self.folder / f"server-{number}.log",
            config=self.config,
            environment={"IDP_SERVER__BIND": f"127.0.0.1:{port}"},
        )
        self.servers.append(server)
        return server

    def kill(self) -> None:
        """End what still runs."""
        for server in self.servers:
            server.kill()


@contextmanager
def deployment(
    folder: Path, database_url: str, smtp_url: str, *, servers: int = 1, settings: str = ""
) -> Iterator[Deployment]:
    """Servers for the block, ready to answer; nothing of them is left afterwards."""
    ports = {"provider": free_port(), "library": free_port(), "portal": free_port()}
    config = configuration(folder, database_url, ports, smtp_url)
    config.write_text(config.read_text(encoding="utf-8") + settings, encoding="utf-8")
    apply_demo(config, ports, folder)
    made = Deployment(folder, config, f"http://localhost:{ports['provider']}")
    made.redirect_uri = f"http://127.0.0.1:{ports['library']}/account/sign-in/callback"
    with ExitStack() as stack:
        stack.callback(made.kill)
        for number in range(servers):
            made.start(number).wait_until_ready()
        yield made
        for server in made.servers:
            if server.process.poll() is None:
                server.stop()
