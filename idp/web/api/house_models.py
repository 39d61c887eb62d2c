"""What goes in and out of the interface where staff look at mails, sites, sign-outs and the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from idp.web.api.models import Model, Moment, Text


class MailSearch(Model):
    """Mails in one state where that is asked for; `before` is `next` of the page before."""

    state: Literal["", "done", "waiting", "sending", "dead"] = ""
    before: int | None = Field(None, ge=1, le=2**53)


class Delivery(Model):
    """What became of a mail or a signal."""

    number: int
    kind: str
    name: str
    state: Literal["waiting", "sending", "done", "dead"]
    account_id: str | None
    client_id: str | None
    created_at: datetime
    attempts: int
    next_try_at: datetime | None
    done_at: datetime | None
    last_error: str | None


class DeliveryList(Model):
    """Mails, newest first; `dead`: how many were given up."""

    items: list[Delivery]
    dead: int
    next: int | None


class TestMail(Model):
    """Where a test mail goes."""

    __test__ = False

    email: Text = Field(min_length=3, max_length=254)
    language: Literal["en", "de", "fr", "es"] = "en"


class Written(Model):
    """The number of the mail that was written."""

    number: int


class Site(Model):
    """A site: its registration, and what goes on there."""

    client_id: str
    client_name: str
    redirect_uris: list[str]
    require_approval: bool
    first_party: bool
    disabled: bool
    last_sign_in_at: datetime | None
    signed_in: int = Field(description="Sign-ins that hold tokens now.")
    dead_deliveries: int


class SiteList(Model):
    """All sites by name."""

    items: list[Site]


class AddSite(Model):
    """Registration metadata (RFC 7591, OpenID Connect Registration), and our policy for the site."""

    metadata: dict[str, Any]
    require_approval: bool = True
    first_party: bool = False


class NewSite(Model):
    """A site that was just registered; its secret is told this once, empty where it has none."""

    client_id: str
    client_secret: str


class NewSecret(Model):
    """A new secret, told this once; the old one works for a day more."""

    client_secret: str


class Switch(Model):
    """Whether the site is to be off."""

    off: bool


class AuditSearch(Model):
    """Lines of one act, about or by one, in a time; `before` is `next` of the page before."""

    act: str = Field("", pattern=r"^[a-z_]{0,64}$")
    about: Text = Field("", max_length=254)
    since: Moment | None = None
    until: Moment | None = None
    before: int | None = Field(None, ge=1, le=2**53)


class AuditEvent(Model):
    """A line of the audit trail."""

    number: int
    at: datetime
    act: str
    actor_kind: str
    actor: str
    actor_name: str
    account_id: str | None
    registration_id: str | None
    client_id: str | None
    reference: str | None
    address: str
    details: dict[str, Any]


class AuditPage(Model):
    """Lines, newest first; that they were read is a line as well."""

    items: list[AuditEvent]
    next: int | None


class SignOutSearch(Model):
    """Of one site, in one state; where the page begins."""

    site: Text = Field("", max_length=255)
    state: Literal["", "done", "waiting", "dead", "asked"] = ""
    after: str | None = Field(None, pattern=r"^[0-9]{1,12}\.[A-Za-z0-9_-]{1,64}$")


class SignOut(Model):
    """How a site was told of a sign-out."""

    at: datetime
    channel: str
    client_id: str
    client_name: str
    account_id: str | None
    state: str
    attempts: int
    last_error: str | None


class SignOutList(Model):
    """Sign-outs, newest first."""

    items: list[SignOut]
    next: str | None
