"""Mails on their way: to the SMTP server or the mailbox, whole, once if possible, never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp.config import DatabaseSettings, MailSettings, Settings
from idp.errors import ConfigError, TryLater
from idp.mail import smtp
from idp.mail.mailbox import find_mail, read_mailbox
from idp.mail.outgoing import own_link
from idp.mail.smtp import SmtpServer as Server
from idp.mail.smtp import parse_smtp_url
from idp.signals.worker import MAIL_LANE, drain_once
from idp.store.database import Statement
from tests.support.post import NOW, PostOffice
from tests.support.smtp import SmtpServer


@pytest.fixture
def post(tmp_path: Path, smtp_server: SmtpServer) -> PostOffice:
    """A provider whose mails go to the test's own server."""
    return PostOffice(tmp_path, mail_url=smtp_server.url)


def test_a_mail_arrives_with_both_parts_and_honest_headers(post: PostOffice, smtp_server: SmtpServer) -> None:
    """One recipient, text before HTML, replies go to customer care (RG-10)."""
    post.write_mail()
    drain_once(post.provider)
    (mail,) = smtp_server.inbox
    assert (mail.sender, mail.recipients) == ("account@example.com", ("anna@example.com",))
    assert mail.message["To"] == "anna@example.com"
    assert mail.message["From"] == "Account <account@example.com>"
    assert mail.message["Reply-To"] == "care@example.com"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["Content-Language"] == "en"
    assert mail.subject == "Choose a new password"
    assert [part.get_content_type() for part in mail.message.iter_parts()] == ["text/plain", "text/html"]
    link = "http://localhost:8000/reset/the-secret-of-the-link"
    assert link in mail.text()
    assert f'href="{link}"' in mail.text("html")
    assert max(len(line) for line in mail.content.splitlines()) <= 78


def test_a_repeated_mail_has_the_same_message_id(post: PostOffice, smtp_server: SmtpServer) -> None:
    """Sent, but the worker died before it was marked: the reader's program sees one message twice (RL-2)."""
    post.write_mail()
    drain_once(post.provider)
    with post.provider.database.reading() as tx:
        row = tx.one(Statement("SELECT seal_identity FROM outbox"))
    assert row is not None
    assert smtp_server.inbox[0].message["Message-ID"] == f"<{row['seal_identity']}@localhost>"


def test_a_server_that_is_down_delays_a_mail(post: PostOffice, smtp_server: SmtpServer) -> None:
    """The row waits, says why, and goes out when the server is back (RL-2)."""
    smtp_server.go_down()
    post.write_mail()
    drain_once(post.provider)
    (fate,) = post.fates()
    assert (fate.state, fate.last_error) == ("waiting", "the mail server cannot be reached (connection refused)")
    smtp_server.come_up()
    post.now += MAIL_LANE.waits[0] * 2
    drain_once(post.provider)
    assert post.state() == "done"
    assert len(smtp_server.inbox) == 1


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
def test_a_refusal_for_now_is_tried_again(post: PostOffice, smtp_server: SmtpServer, at: str) -> None:
    """4xx may pass (RFC 5321 §4.2.1)."""
    smtp_server.refuse("451 4.3.0 later", at=at)
    post.write_mail()
    drain_once(post.provider)
    assert post.state() == "waiting"
    smtp_server.accept()
    post.now += MAIL_LANE.waits[0] * 2
    drain_once(post.provider)
    assert post.state() == "done"


@pytest.mark.parametrize("at", ["RCPT", "DATA"])
def test_a_refusal_for_good_is_a_dead_letter(post: PostOffice, smtp_server: SmtpServer, at: str) -> None:
    """5xx will not pass; staff see the code and no address."""
    smtp_server.refuse("550 5.1.1 no mailbox anna@example.com", at=at)
    post.write_mail()
    drain_once(post.provider)
    (fate,) = post.fates()
    assert fate.state == "dead"
    assert "(550)" in (fate.last_error or "")
    assert "anna" not in (fate.last_error or "")


def test_a_link_that_expired_meanwhile_is_not_sent(post: PostOffice, smtp_server: SmtpServer) -> None:
    """A mail of no use any more becomes a dead letter instead."""
    post.write_mail(expires_at=NOW + 3600)
    post.now += 3600
    drain_once(post.provider)
    assert smtp_server.inbox == []
    assert post.state() == "dead"


def test_a_password_does_not_travel_without_tls() -> None:
    """Credentials need TLS, except on loopback (RFC 8314)."""
    server = Server("mail.example.com", 25, implicit_tls=False, tls="offered", user="u", password="hidden")

    class Plain:
        def ehlo_or_helo_if_needed(self) -> None:
            """Say hello."""

        def has_extn(self, _name: str) -> bool:
            return False

    with pytest.raises(TryLater, match="must not travel"):
        smtp._secure(Plain(), server, None)  # type: ignore[arg-type]
    assert "hidden" not in repr(server)


def test_settings_show_no_password() -> None:
    """Representations hide what addresses carry (LG-4)."""
    settings = Settings(
        mail=MailSettings(url="smtp://u:hidden@m.example.com"),
        database=DatabaseSettings(url="postgresql://u:hidden@db.example.com/idp"),
    )
    assert "hidden" not in repr(settings)


def test_required_tls_is_required(post: PostOffice, smtp_server: SmtpServer, tmp_path: Path) -> None:
    """`?tls=required` sends nothing to a server that offers none."""
    strict = PostOffice(tmp_path / "strict", mail_url=smtp_server.url + "?tls=required")
    strict.write_mail()
    drain_once(strict.provider)
    (fate,) = strict.fates()
    assert (fate.state, fate.last_error) == ("waiting", "the mail server offers no TLS, and mail.url demands it")
    assert smtp_server.inbox == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", Server("mail.example.com", 25, False, "offered")),
        ("smtps://mail.example.com", Server("mail.example.com", 465, True, "offered")),
        (
            "smtp://u%40x:p%3A%2Fw@m.example.com:587?tls=required",
            Server("m.example.com", 587, False, "required", "u@x", "p:/w"),
        ),
    ],
)
def test_addresses_of_mail_servers(url: str, server: Server) -> None:
    """Scheme, port, user and password."""
    assert parse_smtp_url(url) == server


@pytest.mark.parametrize(
    "url",
    ["smtp://", "smtp://host:port", "smtp://host/path", "smtp://host?tls=maybe", "smtp://host?x=1", "http://host"],
)
def test_wrong_addresses_of_mail_servers_stop_the_start(url: str) -> None:
    """A value that cannot work is told with its key."""
    with pytest.raises(ConfigError, match=r"mail\.url"):
        parse_smtp_url(url)


@pytest.mark.parametrize(
    "link", ["https://evil.example/reset/x", "//evil.example/x", "http://localhost:8000.evil.example/x", "reset/x", ""]
)
def test_mails_link_to_the_issuer_only(tmp_path: Path, link: str) -> None:
    """Host and scheme of a link come from the configuration (RG-10, RS-4)."""
    post = PostOffice(tmp_path)
    with pytest.raises(ValueError, match="only to pages of the issuer"):
        own_link(post.provider, link)


def test_the_mailbox_keeps_mails_sealed(tmp_path: Path) -> None:
    """The development mailbox shows what was sent, and the database shows nothing (GO-7)."""
    post = PostOffice(tmp_path)
    post.write_mail(name="Jörg Müller")
    drain_once(post.provider)
    (kept,) = read_mailbox(post.provider)
    assert (kept.to, kept.subject) == ("anna@example.com", "Choose a new password")
    assert "http://localhost:8000/reset/the-secret-of-the-link\n" in kept.text
    assert "Jörg Müller" in kept.html
    assert find_mail(post.provider, kept.message_id) == kept
    assert find_mail(post.provider, "other") is None
    with post.provider.database.reading() as tx:
        row = tx.one(Statement("SELECT sealed FROM mailbox"))
    assert row is not None
    assert b"the-secret-of-the-link" not in bytes(row["sealed"])
