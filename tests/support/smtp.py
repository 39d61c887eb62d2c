"""A real SMTP server on 127.0.0.1 that keeps what it is given, and can refuse or be down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.processes import free_port


@dataclass(frozen=True)
class Mail:
    """A message as it arrived: the envelope's addresses, the parsed message and its bytes."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    content: bytes

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return str(self.message["Subject"])

    def text(self, kind: str = "plain") -> str:
        """The body as `plain` or `html`."""
        part = self.message.get_body((kind,))
        if part is None:
            raise AssertionError(f"the message has no {kind} part")
        return cast(str, part.get_content())


class SmtpServer:
    """The server and its inbox."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.inbox: list[Mail] = []
        self.refused = 0
        self._answers: dict[str, str] = {}
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        """The value for `mail.url`."""
        return f"smtp://{self.host}:{self.port}"

    def accept(self) -> None:
        """Take every message (the beginning)."""
        self._answers = {}

    def refuse(self, answer: str = "550 5.1.1 no such mailbox", *, at: str = "RCPT") -> None:
        """Answer so, permanently (5xx) or for now (4xx), to each `MAIL`, `RCPT` or `DATA`."""
        if at not in ("MAIL", "RCPT", "DATA"):
            raise ValueError(at)
        self._answers = {at: answer}

    def go_down(self) -> None:
        """Stop listening: connections are refused."""
        if self._controller:
            self._controller.stop()
            self._controller = None

    def come_up(self) -> None:
        """Listen, on the same port as before."""
        if self._controller is None:
            controller = Controller(_Handler(self), hostname=self.host, port=self.port, ready_timeout=10)
            controller.start()
            self._controller = controller

    def wait_for(self, count: int = 1, *, seconds: float = 10) -> list[Mail]:
        """Wait until so many messages have arrived; out: all of them."""
        end = time.monotonic() + seconds
        while len(self.inbox) < count:
            if time.monotonic() > end:
                raise AssertionError(f"{len(self.inbox)} of {count} messages arrived in {seconds} s")
            time.sleep(0.02)
        return list(self.inbox)

    def mails_to(self, address: str) -> list[Mail]:
        """The messages whose envelope names this recipient."""
        return [mail for mail in self.inbox if address in mail.recipients]


class _Handler:
    """aiosmtpd's hooks; their names are the library's."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    def _refusal(self, command: str) -> str | None:
        answer = self._server._answers.get(command)
        if answer:
            self._server.refused += 1
        return answer

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self._refusal("MAIL"):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self._refusal("RCPT"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if answer := self._refusal("DATA"):
            return answer
        content = cast(bytes, envelope.original_content)
        parsed = message_from_bytes(content, policy=policy.default)
        recipients = tuple(str(address) for address in envelope.rcpt_tos)
        self._server.inbox.append(Mail(str(envelope.mail_from or ""), recipients, parsed, content))
        return "250 OK"


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """A mail server of the test's own, listening."""
    server = SmtpServer()
    server.come_up()
    yield server
    server.go_down()
