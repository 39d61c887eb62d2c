"""The sections of the settings: one class for each table of the file, each setting documented beside its default."""

from __future__ import annotations

import re
import ssl
from datetime import UTC, date, datetime
from email.utils import getaddresses
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from idp.config.checks import contrast_with_white, is_loopback_host, is_plain_address, is_port

_PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]+")
_PLAIN_PATH = re.compile(r"(/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*/?")
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+|[0-9A-Fa-f:]+)(:[0-9]{1,5})?")

LEAST_MEMORY_KIB = 19456


class Section(BaseModel):
    """A table of the file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(Section):
    """`[server]`: where the provider is and how it is served."""

    issuer: str = Field("http://localhost:8000", description="The public base address; http only on loopback.")
    bind: str = Field("127.0.0.1:8000", description="Address and port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="Server processes; more than one needs PostgreSQL.")
    threads: int | None = Field(
        None, ge=1, le=64, description="Blocking threads of each process; left out: 16 on SQLite, 8 on PostgreSQL."
    )
    trusted_proxies: int = Field(0, ge=0, le=8, description="How many proxies in front set X-Forwarded-*.")
    front: bool = Field(True, description="Answer the usual requests of machines below Flask.")
    worker: bool = Field(True, description="Run the delivery worker inside `idp serve`.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an absolute http or https address, such as https://id.example.com")
        if (
            not is_port(parts.netloc)
            or not _PLAIN_HOST.fullmatch(parts.hostname)
            or not _PLAIN_PATH.fullmatch(parts.path)
        ):
            raise ValueError(
                "must be plain ASCII: a host name (xn--… for others), a port up to 65535, a path such as /id"
            )
        if parts.query or parts.fragment or "@" in parts.netloc or value.endswith("/"):
            raise ValueError("must have no query, fragment, user or closing slash")
        if parts.scheme == "http" and not is_loopback_host(parts.hostname):
            raise ValueError("must be https; http works only for localhost and loopback addresses")
        return value

    @field_validator("bind")
    @classmethod
    def _check_bind(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
            raise ValueError("must be an address and a port, such as 127.0.0.1:8000")
        return value


class DatabaseSettings(Section):
    """`[database]`: what we remember things in."""

    url: str = Field(
        "sqlite:///var/idp.sqlite3", repr=False, description="sqlite:///PATH or postgresql://USER@HOST/NAME."
    )
    durability: Literal["balanced", "full"] = Field(
        "balanced", description="SQLite: `balanced` commits token steps with synchronous=NORMAL, all else FULL."
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        if value.startswith("postgres://"):
            value = "postgresql://" + value.removeprefix("postgres://")
        if not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("must start with sqlite:/// or postgresql://")
        if value.startswith("sqlite:") and value.removeprefix("sqlite:///") in ("", ":memory:"):
            raise ValueError("must name a file, such as sqlite:///var/idp.sqlite3")
        return value

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded database is used."""
        return self.url.startswith("sqlite:")


class KeySettings(Section):
    """`[keys]`: what we sign and seal with."""

    directory: Path = Field(Path("keys"), description="Folder of the master key (master.key, mode 0600).")
    algorithms: tuple[Literal["RS256", "ES256", "PS256", "EdDSA"], ...] = Field(
        ("RS256", "ES256"), description="A signing key is kept for each; RS256 is the standard's default."
    )

    rotate_days: int = Field(90, ge=0, le=3650, description="Make the next signing key after so many days; 0: by hand.")
    publish_hours: int = Field(24, ge=0, le=720, description="So long a new key is published before it signs.")

    @field_validator("algorithms")
    @classmethod
    def _check_algorithms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "RS256" not in value:
            raise ValueError("must contain RS256, which OpenID Connect demands of every provider")
        return value


class MailSettings(Section):
    """`[mail]`: how messages leave."""

    url: str = Field(
        "mailbox:", repr=False, description="smtp://[USER:PASSWORD@]HOST[:PORT], smtps://…, or mailbox: (development)."
    )
    sender: str = Field("Customer account <no-reply@localhost.localdomain>", description="The From address.")
    customer_care: str = Field("customer-care@localhost.localdomain", description="Shown on pages and in mails.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        if value != "mailbox:" and not value.startswith(("smtp://", "smtps://")):
            raise ValueError("must be smtp://…, smtps://… or mailbox:")
        return value

    @field_validator("sender")
    @classmethod
    def _check_sender(cls, value: str) -> str:
        found = getaddresses([value])
        if len(found) != 1 or not is_plain_address(found[0][1]) or not value.isprintable():
            raise ValueError("must be one address, such as Customer account <no-reply@example.com>")
        return value

    @field_validator("customer_care")
    @classmethod
    def _check_customer_care(cls, value: str) -> str:
        if not is_plain_address(value):
            raise ValueError("must be an e-mail address, such as care@example.com")
        return value

    @property
    def is_mailbox(self) -> bool:
        """Whether mails go to the mailbox page instead of an SMTP server."""
        return self.url == "mailbox:"


class RegistrationSettings(Section):
    """`[registration]`: who may apply and what they are told."""

    open: bool = Field(True, description="Whether the form accepts registrations.")
    tell_taken_address: bool = Field(False, description="Tell in the form that an address has an account.")
    review_working_days: int = Field(
        2, ge=1, le=30, description="How long a review usually takes, as applicants are told."
    )
    review_reminder_hours: int = Field(
        6, ge=0, le=240, description="So long before a review's promise ends whoever may decide is reminded; 0: never."
    )
    automatic_per_hour: int = Field(500, ge=0, description="Approvals by rule in an hour; beyond, staff decide.")
    reminder_days: tuple[int, ...] = Field((3, 10, 13), description="Days after which a confirmation is reminded of.")
    terms_url: str = Field("", description="Address of the terms of use.")
    privacy_url: str = Field("", description="Address of the privacy notice.")

    @field_validator("reminder_days")
    @classmethod
    def _check_days(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(value) > 5 or len(set(value)) != len(value) or not all(1 <= day <= 60 for day in value):
            raise ValueError("must be at most five different days, each from 1 to 60; [] for no reminders")
        return value

    @field_validator("terms_url", "privacy_url")
    @classmethod
    def _check_page(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s\"'<>]+", value):
            raise ValueError("must be an http or https address, such as https://www.example.com/terms")
        return value


class StaffSettings(Section):
    """`[staff]`: how the desk works."""

    four_eyes: tuple[Literal["decisions", "roles"], ...] = Field(
        (),
        description="What takes effect only when a second person confirms it: approving and rejecting, giving roles.",
    )


class ClientSettings(Section):
    """`[clients]`: sites and services that register themselves (RFC 7591)."""

    registration: Literal["closed", "token", "open"] = Field(
        "closed", description="Who may register a client: nobody, whoever has an initial access token, or anybody."
    )
    secret_days: int = Field(
        0, ge=0, le=3650, description="The secret of such a client ends after so many days; 0: never."
    )
    require_pkce: bool = Field(
        True,
        description="False: such clients need no PKCE if they have a secret or key. For tests, never in production.",
    )


class PasswordSettings(Section):
    """`[passwords]`: argon2id (RFC 9106) and the rules of choosing one."""

    minimum_length: int = Field(15, ge=8, le=64, description="Characters; 15 where the password is the only factor.")
    memory_kib: int = Field(19456, ge=8, le=1048576, description="argon2id memory in KiB.")
    time_cost: int = Field(2, ge=1, le=10, description="argon2id passes.")
    queue: int = Field(64, ge=1, le=4096, description="Password checks that may wait; behind it the answer is 503.")
    breach_range_url: str = Field(
        "",
        max_length=200,
        description="Where new passwords are looked for in breaches; five digits of their hash are appended.",
    )

    @field_validator("breach_range_url")
    @classmethod
    def _check_range(cls, value: str) -> str:
        if value and not (value.startswith(("https://", "http://")) and value.endswith("/")):
            raise ValueError(
                'must be an https address that ends with "/", such as "https://api.pwnedpasswords.com/range/"'
            )
        return value


class OldPortalSettings(Section):
    """`[old_portal]`: customers that were imported (docs/old-portal.md)."""

    weak_hashes_end: date | None = Field(
        None, description="From this day (UTC) weak old hashes open nothing; a new password is chosen instead."
    )

    @property
    def ends_at(self) -> int | None:
        """The instant from which weak hashes are over."""
        end = self.weak_hashes_end
        return int(datetime(end.year, end.month, end.day, tzinfo=UTC).timestamp()) if end else None

    def has_ended(self, now: int) -> bool:
        """Whether weak hashes are over at this instant."""
        return self.ends_at is not None and now >= self.ends_at


class LifetimeSettings(Section):
    """`[lifetimes]`: in seconds."""

    session: int = Field(
        12 * 3600, ge=300, le=12 * 3600, description="A session ends this long after sign-in, never later."
    )
    idle: int = Field(2 * 3600, ge=60, description="A session that is not kept asks for the password after this.")
    staff_idle: int = Field(900, ge=60, description="Accounts with a role are asked again after this, kept or not.")
    fresh: int = Field(
        300, ge=60, le=3600, description="Steps that matter ask for the password again when it was given before that."
    )
    confirmation: int = Field(14 * 86400, ge=3600, description="Confirmation link and code.")
    reset: int = Field(3600, ge=300, le=86400, description="Password reset link.")
    unlock: int = Field(86400, ge=600, le=7 * 86400, description="Link that lets one browser in during an attack.")
    temporary_password: int = Field(
        86400, ge=600, le=86400, description="A temporary password that staff gave; a new one is chosen with it."
    )
    closing: int = Field(
        14 * 86400, ge=0, le=90 * 86400, description="A closed account can be opened again; then it is erased."
    )
    email_change: int = Field(86400, ge=600, le=7 * 86400, description="Link that confirms a new e-mail address.")
    email_undo: int = Field(
        7 * 86400, ge=86400, le=30 * 86400, description="Link at the old e-mail address that undoes a change."
    )
    device_offer: int = Field(
        7 * 86400, ge=86400, le=30 * 86400, description="Link with which somebody accepts a device that is handed on."
    )
    code: int = Field(60, ge=5, le=60, description="Authorization code.")
    pending_authorization: int = Field(1800, ge=60, description="Time to finish a sign-in that a site asked for.")
    access_token: int = Field(600, ge=60, le=3600)
    jwt_access_token: int = Field(
        300,
        ge=60,
        le=600,
        description="Access tokens that are JWTs: a service that does not ask learns of no end before.",
    )
    id_token: int = Field(3600, ge=60, le=12 * 3600)
    refresh_grace: int = Field(30, ge=0, le=60, description="The old refresh token gets the same successor again.")
    offline_idle: int = Field(30 * 86400, ge=3600, description="offline_access: refresh token unused.")
    offline_total: int = Field(180 * 86400, ge=3600, description="offline_access: in all.")


class TokenSettings(Section):
    """`[tokens]`: what access tokens look like."""

    jwt_resources: tuple[str, ...] = Field(
        (), description="Resource servers (as in `resources` of clients) whose access tokens are JWTs, whoever asks."
    )
    jwt_algorithms: dict[str, Literal["RS256", "ES256", "PS256", "EdDSA"]] = Field(
        {}, description="How they are signed for a resource server that can check other signatures than RS256."
    )


class LimitSettings(Section):
    """`[limits]`: bounds on what strangers may ask for."""

    enabled: bool = Field(
        True, description="False counts no tries at all: for tests of a provider, never in production."
    )

    body_bytes: int = Field(65536, ge=1024, le=16 * 1024 * 1024)
    code_tries: int = Field(10, ge=1, le=100, description="Tries of a short code; then only a new mail.")
    account_tries: int = Field(
        5, ge=3, le=20, description="Wrong passwords at one account in 5 minutes; then it waits."
    )
    network_tries: int = Field(10, ge=5, le=10000, description="Wrong passwords from one network in a minute.")
    tries_in_all: int = Field(
        600, ge=10, le=1000000, description="Wrong passwords from all unknown browsers together in a minute."
    )
    client_secret_tries: int = Field(
        60, ge=5, le=1000000, description="Wrong client credentials from one network in a minute; then 429."
    )
    mails_per_hour: int = Field(5, ge=1, le=100, description="Mails that forms may send to one mailbox in an hour.")
    client_registrations: int = Field(
        20, ge=1, le=100000, description="Clients that one network may register in an hour where anybody may."
    )
    mail_requests: int = Field(20, ge=5, le=10000, description="Mails that one network may ask for in an hour.")


class OutboundSettings(Section):
    """`[outbound]`: the requests that the provider itself makes."""

    allow_hosts: tuple[str, ...] = Field(
        (), description="host or host:port that may be private or loopback; on loopback also http."
    )
    ca_file: Path | None = Field(None, description="Extra certificate authorities, PEM.")

    @field_validator("allow_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _HOST_AND_PORT.fullmatch(host):
                raise ValueError(
                    f'must be host names, each "host" or "host:port" without a scheme; {host!r} is not one'
                )
        return value

    @field_validator("ca_file")
    @classmethod
    def _check_ca_file(cls, value: Path | None) -> Path | None:
        try:
            if value is not None:
                ssl.create_default_context(cafile=value)
        except OSError:
            raise ValueError(f"{value} cannot be read, or holds no certificates in PEM") from None
        return value


class BrandingSettings(Section):
    """`[branding]`: whose account this is."""

    name: str = Field("Customer account", min_length=1, max_length=60)
    company: str = Field("Example Instruments", min_length=1, max_length=80)
    accent: str = Field("#0b5fa5", pattern=r"^#[0-9a-fA-F]{6}$", description="Accent colour; 4.5:1 against white.")
    logo: Path | None = Field(None, description="SVG or PNG file.")
    templates: Path | None = Field(None, description="Folder whose templates override blocks of ours.")
    default_language: Literal["en", "de", "fr", "es"] = Field(
        "en", description="Spoken where a browser wishes none of ours."
    )
    time_zone: str = Field("UTC", description="The zone that pages and mails tell times in, such as Europe/Berlin.")

    @field_validator("logo")
    @classmethod
    def _check_logo(cls, value: Path | None) -> Path | None:
        if value is not None and not (value.suffix.lower() in (".svg", ".png") and value.is_file()):
            raise ValueError(f"{value} is no SVG or PNG file; a relative path begins where idp is started")
        return value

    @field_validator("templates")
    @classmethod
    def _check_templates(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError(f"{value} is no folder; a relative path begins where idp is started")
        return value

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, value: str) -> str:
        try:
            return "UTC" if value == "UTC" else ZoneInfo(value).key
        except (ValueError, OSError, KeyError):
            raise ValueError("is not a time zone of this machine; such as UTC or Europe/Berlin") from None

    @field_validator("accent")
    @classmethod
    def _check_accent(cls, value: str) -> str:
        if contrast_with_white(value) < 4.5:
            raise ValueError("is too light: white text on it needs a contrast of 4.5:1")
        return value
