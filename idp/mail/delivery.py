"""Send one mail from the outbox: open, render, build the message, hand it to the transport.

The Message-ID is the row's own, so that a mail that went out twice after a crash is recognised as one. A mail that is of
no use any more (its link has expired) is given up instead of sent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from idp.errors import GiveUp
from idp.mail.mailbox import put_into_mailbox
from idp.mail.recipient import check_address
from idp.mail.render import Rendered, render
from idp.mail.smtp import parse_smtp_url, send_by_smtp

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.provider import Provider
    from idp.store.outbox import Item


def deliver_mail(provider: Provider, item: Item) -> None:
    """Send one mail; raises `TryLater` or `GiveUp` with the reason."""
    payload = open_payload(provider, item)
    not_after = payload.get("not_after")
    if not_after is not None and provider.clock() >= not_after:
        raise GiveUp("the mail could not go out before its link expired")
    rendered = render(
        provider.settings, item.name, name=payload["name"], locale=payload["locale"], values=payload["values"]
    )
    message = build_message(provider.settings, payload["email"], payload["locale"], rendered, item)
    if reply_to := payload.get("reply_to"):
        check_address(reply_to)
        message.replace_header("Reply-To", reply_to)
    if provider.settings.mail.is_mailbox:
        put_into_mailbox(provider, item.identity, message)
    else:
        server = parse_smtp_url(provider.settings.mail.url)
        send_by_smtp(server, message, payload["email"], ca_file=provider.settings.outbound.ca_file)


def check_transport(settings: Settings) -> None:
    """Raise `ConfigError` where `[mail] url` cannot be used."""
    if not settings.mail.is_mailbox:
        parse_smtp_url(settings.mail.url)


def open_payload(provider: Provider, item: Item) -> dict[str, Any]:
    """The values of the row. Raises `GiveUp` where the master key does not open it."""
    try:
        return item.open(provider.master)
    except ValueError:
        raise GiveUp("the row does not open with this master key") from None


def build_message(settings: Settings, email: str, locale: str, rendered: Rendered, item: Item) -> EmailMessage:
    """The message with its headers; one recipient, and no header can carry a line break (RG-10)."""
    check_address(email)
    host = urlsplit(settings.server.issuer).hostname or "localhost"
    message = EmailMessage(policy=SMTP)
    message["From"] = sender_address(settings.mail.sender)
    message["To"] = email
    message["Reply-To"] = settings.mail.customer_care
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(item.created_at, UTC))
    message["Message-ID"] = f"<{item.identity}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = locale
    return message


def sender_address(sender: str) -> Address:
    """The From address of `[mail] sender`: `Name <address>` or an address alone."""
    name, address = getaddresses([sender])[0]
    return Address(display_name=name, addr_spec=address)
