"""`idp demo`: the provider, two sites and a start page on loopback, with ready-made customers; Ctrl-C ends all of it.

Everything it makes stays below one folder and is found again at the next start. Ports are remembered; one that is taken
is replaced, and the sites are registered anew under their new addresses.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from string import Template

import click

from idp import resources
from idp.accounts.passwords import DEMO_PASSWORD

FIRST_PORTS = {"provider": 8000, "library": 8001, "portal": 8002, "start": 8003}
_START_SECONDS = 60
_STOP_SECONDS = 12


class DemoError(Exception):
    """The demo cannot start; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Demo:
    """One demo installation: its folder, ports and secrets."""

    folder: Path
    ports: dict[str, int]
    secrets: dict[str, str]
    is_new: bool
    moved: bool

    def address(self, part: str) -> str:
        """Where a part listens: the provider on `localhost`, the sites on `127.0.0.1`, so that they are other sites."""
        host = "localhost" if part == "provider" else "127.0.0.1"
        return f"http://{host}:{self.ports[part]}"


def prepare(folder: Path) -> Demo:
    """Find or make the demo's folder, choose free ports, write the configuration."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    state_file = folder / "demo.json"
    known = json.loads(state_file.read_text(encoding="utf-8")) if state_file.exists() else {}
    is_new = not known.get("filled")
    _check_not_running(known)
    wanted = {**FIRST_PORTS, **known.get("ports", {})}
    ports = _free_ports(wanted)
    names = ("library_secret", "portal_secret", "service_secret", "library_key", "portal_key")
    values = known.get("secrets") or {name: secrets.token_urlsafe(32) for name in names}
    demo = Demo(folder, ports, values, is_new, moved=not is_new and ports != known.get("filled"))
    _write_private(folder / "config.toml", _configuration(demo))
    _remember(demo, filled=known.get("filled"))
    return demo


def _remember(demo: Demo, *, filled: dict[str, int] | None) -> None:
    """Write the state; `filled` are the ports that the database knows the sites by, None before it has them."""
    state = {"ports": demo.ports, "secrets": demo.secrets, "pid": os.getpid(), "filled": filled}
    _write_private(demo.folder / "demo.json", json.dumps(state))


def fill(demo: Demo) -> None:
    """Put clients, rules and customers into the new database; later only the sites' addresses, if they moved."""
    text = (resources.examples_folder() / "demo.toml").read_text(encoding="utf-8")
    if not demo.is_new:
        if not demo.moved:
            return
        text = text.split("[[approval_rules]]")[0]
    filled = Template(text).safe_substitute(
        ISSUER=demo.address("provider"),
        LIBRARY=demo.address("library"),
        PORTAL=demo.address("portal"),
        LIBRARY_SECRET=demo.secrets["library_secret"],
        PORTAL_SECRET=demo.secrets["portal_secret"],
        SERVICE_SECRET=demo.secrets["service_secret"],
        DEMO_PASSWORD=DEMO_PASSWORD,
    )
    _write_private(demo.folder / "apply.toml", filled)
    command = [sys.executable, "-m", "idp", "apply", str(demo.folder / "apply.toml")]
    done = subprocess.run(command, env=_environment(demo), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoError(f"the demo's data could not be put in:\n{done.stdout}{done.stderr}")
    _remember(demo, filled=demo.ports)


@click.command("demo")
@click.option("--data", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True)
def command(data: Path) -> None:
    """Try everything on this machine: the provider, two sites, a mailbox and ready-made customers."""
    if not (resources.examples_folder() / "demo.toml").is_file():
        raise click.ClickException("the demo needs a checkout with its examples/ folder")
    try:
        demo = prepare(data)
        click.echo("Preparing the demo …" if demo.is_new else "Starting the demo with the data of last time …")
        fill(demo)
        run(demo)
    except DemoError as error:
        raise click.ClickException(str(error)) from None


def run(demo: Demo) -> None:
    """Start all parts, wait until they answer, print the link, and stay until Ctrl-C or until a part ends."""
    stop = _Stop()
    parts = start_parts(demo)
    try:
        for name, process in parts.items():
            _wait_until_ready(demo, name, process, stop)
        if not stop.asked:
            click.echo(f"\nThe demo runs. Open this page:\n\n    {demo.address('start')}/\n")
            click.echo("Ctrl-C ends it; the data stays. `make demo-reset` starts over.")
        while not stop.asked:
            ended = [name for name, process in parts.items() if process.poll() is not None]
            if ended:
                raise DemoError(f"{ended[0]} ended by itself; its log: {demo.folder / (ended[0] + '.log')}")
            time.sleep(0.2)
    finally:
        stop_parts(parts)
    click.echo("The demo has ended.")


def start_parts(demo: Demo) -> dict[str, subprocess.Popen[bytes]]:
    """Start the four processes, each with its log file."""
    python = [sys.executable, "-m"]
    site = {"IDP_ISSUER": demo.address("provider")}
    library = {
        "CLIENT_SECRET": demo.secrets["library_secret"],
        "SITE_KEY": demo.secrets["library_key"],
        "SITE_URL": demo.address("library"),
        "START_URL": demo.address("start"),
        "OTHER_SITE_URL": demo.address("portal"),
    }
    portal = {
        "CLIENT_SECRET": demo.secrets["portal_secret"],
        "SITE_KEY": demo.secrets["portal_key"],
        "SITE_URL": demo.address("portal"),
        "START_URL": demo.address("start"),
        "OTHER_SITE_URL": demo.address("library"),
    }
    start = {
        "LIBRARY_URL": demo.address("library"),
        "PORTAL_URL": demo.address("portal"),
        "DEMO_PASSWORD": DEMO_PASSWORD,
    }
    commands = {
        "provider": ([*python, "idp", "serve"], {}),
        "library": ([*python, "examples.download_library"], {**site, **library}),
        "portal": ([*python, "examples.training_portal"], {**site, **portal}),
        "start": ([*python, "examples.start_page"], {**site, **start}),
    }
    parts = {}
    for name, (command, words) in commands.items():
        extra = {**words, "SITE_PORT": str(demo.ports[name]), "SITE_DATA": str(demo.folder / name)}
        with (demo.folder / f"{name}.log").open("ab") as log:
            parts[name] = subprocess.Popen(
                command,
                env={**_environment(demo), **extra},
                cwd=resources.examples_folder().parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            )
    return parts


def stop_parts(parts: dict[str, subprocess.Popen[bytes]]) -> None:
    """End all parts by their process id, gently first."""
    for process in parts.values():
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    limit = time.monotonic() + _STOP_SECONDS
    for process in parts.values():
        try:
            process.wait(max(limit - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class _Stop:
    """Whether the person asked for the end (Ctrl-C, or a signal)."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: object) -> None:
        self.asked = True


def _wait_until_ready(demo: Demo, name: str, process: subprocess.Popen[bytes], stop: _Stop) -> None:
    path = "/readyz" if name == "provider" else "/healthz"
    limit = time.monotonic() + _START_SECONDS
    while not stop.asked:
        if process.poll() is not None or time.monotonic() > limit:
            tail = (demo.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-2000:]
            raise DemoError(f"{name} did not start; the end of its log:\n{tail}")
        try:
            with urllib.request.urlopen(demo.address(name) + path, timeout=2) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)


def _check_not_running(known: dict[str, object]) -> None:
    pid = known.get("pid")
    if not isinstance(pid, int) or pid == os.getpid():
        return
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return
    if b"demo" in command and b"idp" in command:
        raise DemoError(f"this demo runs already (process {pid}); end it with Ctrl-C there, or: kill {pid}")


def _free_ports(wanted: dict[str, int]) -> dict[str, int]:
    """The wanted ports where they are free, else others."""
    ports: dict[str, int] = {}
    for name, port in wanted.items():
        candidate = port
        while candidate in ports.values() or not _is_free(candidate):
            candidate += len(wanted)
            if candidate > 65000:
                raise DemoError("no free port was found on this machine")
        ports[name] = candidate
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _configuration(demo: Demo) -> str:
    interests = Template((resources.examples_folder() / "interests.toml").read_text(encoding="utf-8")).substitute(
        LIBRARY=demo.address("library"), PORTAL=demo.address("portal")
    )
    hosts = ", ".join(f'"127.0.0.1:{demo.ports[name]}"' for name in ("library", "portal"))
    return f"""\
# Written by `idp demo` at each start.
[server]
issuer = "{demo.address("provider")}"
bind = "127.0.0.1:{demo.ports["provider"]}"

[database]
url = "sqlite:///{demo.folder / "idp.sqlite3"}"

[keys]
directory = "{demo.folder / "keys"}"

[mail]
url = "mailbox:"
sender = "Example Instruments <account@example.com>"
customer_care = "care@example.com"

[terms]
directory = "{resources.examples_folder() / "terms"}"
ask_everybody = false

[outbound]
allow_hosts = [{hosts}]

{interests}"""


def _environment(demo: Demo) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}
    return {**kept, "IDP_CONFIG": str(demo.folder / "config.toml")}


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def _die_with_parent() -> None:
    """Ask Linux to end this child when the demo itself is killed (PR_SET_PDEATHSIG)."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
