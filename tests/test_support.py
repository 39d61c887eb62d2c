"""What the tests stand on holds: each helper does what it says, and its guard can fail."""

from __future__ import annotations

import secrets
import smtplib
import socket
import subprocess
import sys
import urllib.request
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy

from tests.support import browser as browser_module
from tests.support.network import NetworkIsOff, is_local
from tests.support.processes import free_port
from tests.support.server import ServerDidNotStart, serving, start_server

PREPARED: list[str] = []


def engine_of(url: str) -> sqlalchemy.Engine:
    """An engine that keeps no connection open."""
    driver = url.replace("postgresql://", "postgresql+psycopg://")
    return sqlalchemy.create_engine(driver, poolclass=sqlalchemy.NullPool)


def prepare_table(url: str) -> None:
    """Fill a template."""
    PREPARED.append(url)
    with engine_of(url).begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE prepared (n INTEGER)"))
        connection.execute(sqlalchemy.text("INSERT INTO prepared VALUES (7)"))


def test_database_is_empty_and_writable(database_url: str, database_kind: str) -> None:
    """The same test runs on both databases, on a database that has no table."""
    engine = engine_of(database_url)
    assert engine.dialect.name == database_kind
    assert sqlalchemy.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE t (n INTEGER)"))


def test_prepared_databases_are_copies(fresh_database: Any) -> None:
    """A template is filled once; what one copy changes the next does not see."""
    first, second = fresh_database(prepare_table), fresh_database(prepare_table)
    assert first != second
    with engine_of(first).begin() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM prepared"))
    with engine_of(second).begin() as connection:
        assert connection.execute(sqlalchemy.text("SELECT n FROM prepared")).scalars().all() == [7]
    kind = first.partition(":")[0]
    assert sum(url.startswith(kind) for url in PREPARED) == 1


def test_durable_cluster_recovers_what_was_committed(durable_postgresql: Any) -> None:
    """A killed cluster starts again with what it acknowledged."""
    url = durable_postgresql.new_database()
    with psycopg.connect(url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        connection.execute("CREATE TABLE kept (n INTEGER)")
    durable_postgresql.kill()
    durable_postgresql.start()
    with psycopg.connect(durable_postgresql.url(url.rpartition("/")[2])) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_cluster_is_only_for_this_machine(postgresql_cluster: Any) -> None:
    """Its addresses are loopback, whoever owns the files."""
    with psycopg.connect(postgresql_cluster.url("postgres")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)


def mail(subject: str = "Ein schöner Tag") -> EmailMessage:
    """A message with a text and an HTML part."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "idp@example.com", "eve@example.com", subject
    message.set_content("Plain €")
    message.add_alternative("<p>Rich €</p>", subtype="html")
    return message


def test_smtp_server_collects(smtp_server: Any) -> None:
    """A message arrives as it was sent."""
    with smtplib.SMTP(smtp_server.host, smtp_server.port) as client:
        client.send_message(mail())
    (received,) = smtp_server.wait_for(1)
    assert (received.subject, received.recipients) == ("Ein schöner Tag", ("eve@example.com",))
    assert "Plain €" in received.text()
    assert "Rich €" in received.text("html")
    assert smtp_server.mails_to("eve@example.com") == [received]


@pytest.mark.parametrize(
    ("at", "answer", "error"),
    [
        ("MAIL", "421 4.3.2 closing", smtplib.SMTPSenderRefused),
        ("RCPT", "550 5.1.1 no such mailbox", smtplib.SMTPRecipientsRefused),
        ("DATA", "451 4.7.1 try again later", smtplib.SMTPDataError),
    ],
)
def test_smtp_server_refuses_and_accepts_again(smtp_server: Any, at: str, answer: str, error: type[Exception]) -> None:
    """Each command can be refused, for now or for good."""
    smtp_server.refuse(answer, at=at)
    with smtplib.SMTP(smtp_server.host, smtp_server.port) as client, pytest.raises(error):
        client.send_message(mail())
    assert (smtp_server.inbox, smtp_server.refused) == ([], 1)
    smtp_server.accept()
    with smtplib.SMTP(smtp_server.host, smtp_server.port) as client:
        client.send_message(mail())
    assert len(smtp_server.inbox) == 1


def test_smtp_server_goes_down_and_comes_up(smtp_server: Any) -> None:
    """It refuses connections, and is back on the same port."""
    smtp_server.go_down()
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP(smtp_server.host, smtp_server.port)
    smtp_server.come_up()
    smtplib.SMTP(smtp_server.host, smtp_server.port).quit()


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("site.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", True),
        (None, True),
        (b"localhost", True),
        ("example.com", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("localhost.example.com", False),
        ("2001:db8::1", False),
    ],
)
def test_what_is_local(host: object, local: bool) -> None:
    """Only this machine is local."""
    assert is_local(host) is local


@pytest.mark.parametrize(
    "leave",
    [
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=0.2),
        lambda: socket.getaddrinfo("example.com", 443),
        lambda: urllib.request.urlopen("http://example.com/", timeout=0.2),
    ],
    ids=["connect", "lookup", "urlopen"],
)
def test_network_is_off(network_attempts: list[str], leave: Any) -> None:
    """Leaving this machine is stopped and recorded."""
    with pytest.raises(NetworkIsOff):
        leave()
    assert network_attempts
    network_attempts.clear()


def test_datagrams_do_not_leave(network_attempts: list[str]) -> None:
    """UDP has no connect; its address is checked as well."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(NetworkIsOff):
        sender.sendto(b"x", ("192.0.2.1", 53))
    network_attempts.clear()


def test_browser_renders_and_photographs(page: Any, shoot: Any) -> None:
    """Chromium draws a page without any server."""
    page.goto("data:text/html;charset=utf-8,<title>Hello</title><h1>Grüße</h1>")
    assert page.locator("h1").inner_text() == "Grüße"
    picture = shoot(page, "hello")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.is_relative_to(browser_module.SCREENSHOTS)


def test_a_port_is_not_given_to_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same number drawn again before its server listens is passed over, in this process and in another one."""
    first = free_port() - 20_000
    drawn = iter([first, first, first + 1, first + 2, first + 3, first + 4])
    monkeypatch.setattr(secrets, "randbelow", lambda _: next(drawn))
    assert free_port() != first + 20_000
    program = "import socket, sys; socket.socket(type=socket.SOCK_DGRAM).bind(('127.0.0.1', int(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", program, str(first + 20_000)], capture_output=True, check=False)
    assert b"Address already in use" in done.stderr


def test_server_helper_runs_a_process_with_the_network_off(tmp_path: Path) -> None:
    """The process answers, cannot leave this machine, and is gone afterwards."""
    port = free_port()
    program = (
        "import socket, http.server\n"
        "try: socket.getaddrinfo('example.com', 80)\n"
        "except RuntimeError as error: print(error, flush=True)\n"
        f"http.server.test(http.server.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    )
    url = f"http://127.0.0.1:{port}"
    with serving(url, ready="/", log=tmp_path / "log", arguments=("-c", program), cwd=tmp_path) as server:
        assert "tests stay on this machine" in server.log
    assert server.process.returncode is not None


def test_server_that_ends_is_reported_with_its_log(tmp_path: Path) -> None:
    """A start that fails says why."""
    program = "raise SystemExit('no such setting')"
    server = start_server(f"http://127.0.0.1:{free_port()}", log=tmp_path / "log", arguments=("-c", program))
    with pytest.raises(ServerDidNotStart, match="no such setting"):
        server.wait_until_ready()


def test_servers_are_started_on_this_machine_only(tmp_path: Path) -> None:
    """Another address is refused before anything starts."""
    with pytest.raises(ValueError, match="not on this machine"):
        start_server("http://192.0.2.1:80", log=tmp_path / "log")


FAILING = {
    "a hidden attempt to leave": (
        "import socket\ndef test_it():\n    try: socket.getaddrinfo('example.com', 1)\n    except Exception: pass\n",
        "tried to leave this machine",
    ),
    "a warning": ("import warnings\ndef test_it():\n    warnings.warn('old')\n", "UserWarning: old"),
    "a page that asks outside": (
        "def test_it(page):\n    page.set_content('<img src=\"http://example.com/x.png\">')\n",
        "asked for something outside",
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_guards_fail_a_test(name: str, tmp_path: Path) -> None:
    """Each guard turns a test red, even one whose own body passes."""
    source, message = FAILING[name]
    checkout = Path(__file__).resolve().parent.parent
    file = tmp_path / "test_guard.py"
    file.write_text(source, encoding="utf-8")
    places = [f"--rootdir={checkout}", "--config-file=pyproject.toml", f"--confcutdir={tmp_path}"]
    plugins = ["-p", "no:cacheprovider", "-p", "tests.support.network", "-p", "tests.support.browser"]
    command = [sys.executable, "-m", "pytest", *places, *plugins, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=checkout, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert message in done.stdout
