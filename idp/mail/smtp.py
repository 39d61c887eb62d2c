"""Hand a message to an SMTP server (RFC 5321), over TLS where it can be had (RFC 8314, RFC 3207).

`smtps://` is TLS from the start. `smtp://` becomes TLS by STARTTLS where the server offers it; `?tls=required` insists on
it and `?tls=off` goes without. A password never travels without TLS, except on loopback.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from idp.config import is_loopback_host
from idp.errors import ConfigError, GiveUp, TryLater

TIMEOUT_SECONDS = 10
_PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mails are handed over; its representation hides the password."""

    host: str
    port: int
    implicit_tls: bool
    tls: Literal["offered", "required", "off"]
    user: str = ""
    password: str = field(default="", repr=False)


def parse_smtp_url(url: str) -> SmtpServer:
    """Read `[mail] url`. Raises `ConfigError` saying what would be right."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    tls = query.pop("tls", "offered")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise ConfigError("mail.url: must be smtp://[USER:PASSWORD@]HOST[:PORT] or smtps://…") from None
    if not parts.hostname or parts.path not in ("", "/"):
        raise ConfigError("mail.url: must be smtp://[USER:PASSWORD@]HOST[:PORT] or smtps://…, without a path")
    if query or tls not in ("offered", "required", "off"):
        raise ConfigError("mail.url: after the question mark only tls=required or tls=off can stand")
    return SmtpServer(
        host=parts.hostname,
        port=port,
        implicit_tls=parts.scheme == "smtps",
        tls=tls,  # type: ignore[arg-type]
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def send_by_smtp(server: SmtpServer, message: EmailMessage, recipient: str, *, ca_file: Path | None = None) -> None:
    """Hand over one message for one recipient.

    Raises `TryLater` for everything that may pass (no connection, 4xx) and `GiveUp` for what will not (5xx about this
    recipient or message). A refused password is the operator's to mend: the mail waits.
    """
    try:
        with connect(server, ca_file=ca_file) as session:
            session.send_message(message, from_addr=message["From"].addresses[0].addr_spec, to_addrs=[recipient])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        _refuse(code, text, "the mail server refuses the recipient")
    except smtplib.SMTPAuthenticationError as error:
        raise TryLater(f"the mail server refuses our user and password ({error.smtp_code})") from None
    except smtplib.SMTPSenderRefused as error:
        raise TryLater(f"the mail server refuses our sender address ({error.smtp_code})") from None
    except smtplib.SMTPNotSupportedError:
        raise GiveUp("the mail server cannot take an address with such characters (no SMTPUTF8)") from None
    except smtplib.SMTPResponseException as error:
        _refuse(error.smtp_code, error.smtp_error, "the mail server refuses the message")
    except ssl.SSLError as error:
        raise TryLater(f"the mail server's certificate or TLS does not hold ({error.reason})") from None
    except (smtplib.SMTPException, OSError) as error:
        raise TryLater(f"the mail server cannot be reached ({_reason(error)})") from None


def connect(server: SmtpServer, *, ca_file: Path | None = None) -> smtplib.SMTP:
    """A session that is ready to send. Raises what `smtplib` and `ssl` raise, and `TryLater` where TLS is missing."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    session: smtplib.SMTP
    if server.implicit_tls:
        session = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        session = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    try:
        _secure(session, server, context)
        if server.user:
            session.login(server.user, server.password)
    except BaseException:
        session.close()
        raise
    return session


def _secure(session: smtplib.SMTP, server: SmtpServer, context: ssl.SSLContext) -> None:
    session.ehlo_or_helo_if_needed()
    if server.implicit_tls:
        return
    if server.tls != "off" and session.has_extn("starttls"):
        session.starttls(context=context)
        session.ehlo_or_helo_if_needed()
        return
    if server.tls == "required":
        raise TryLater("the mail server offers no TLS, and mail.url demands it")
    if server.user and not is_loopback_host(server.host):
        raise TryLater("the mail server offers no TLS, and a password must not travel without")


def _refuse(code: int, text: bytes | str, what: str) -> None:
    """4xx may pass, 5xx will not (RFC 5321 §4.2.1); the server's words are kept without addresses."""
    reason = f"{what} ({code})"
    raise GiveUp(reason) if code >= 500 else TryLater(reason)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return type(error).__name__
