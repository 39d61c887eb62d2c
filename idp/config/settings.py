"""All settings together, and what holds between them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from idp.config.checks import is_loopback_host
from idp.config.interests import DeviceSettings, InterestSettings
from idp.config.sections import (
    LEAST_MEMORY_KIB,
    BrandingSettings,
    ClientSettings,
    DatabaseSettings,
    KeySettings,
    LifetimeSettings,
    LimitSettings,
    MailSettings,
    OldPortalSettings,
    OutboundSettings,
    PasswordSettings,
    RegistrationSettings,
    Section,
    Server,
    StaffSettings,
    TokenSettings,
)
from idp.config.terms import TermsSettings


class Settings(Section):
    """All settings; `source` is the file they came from, for messages."""

    server: Server = Server()
    database: DatabaseSettings = DatabaseSettings()
    keys: KeySettings = KeySettings()
    mail: MailSettings = MailSettings()
    registration: RegistrationSettings = RegistrationSettings()
    terms: TermsSettings = TermsSettings()
    staff: StaffSettings = StaffSettings()
    clients: ClientSettings = ClientSettings()
    passwords: PasswordSettings = PasswordSettings()
    old_portal: OldPortalSettings = OldPortalSettings()
    lifetimes: LifetimeSettings = LifetimeSettings()
    tokens: TokenSettings = TokenSettings()
    limits: LimitSettings = LimitSettings()
    outbound: OutboundSettings = OutboundSettings()
    branding: BrandingSettings = BrandingSettings()
    devices: DeviceSettings = DeviceSettings()
    interests: InterestSettings = InterestSettings()
    source: Annotated[str, Field(exclude=True)] = "defaults"

    @property
    def test_settings(self) -> dict[str, str]:
        """What is switched on for tests and has no place in production: setting, and what it means."""
        found = {}
        if not self.limits.enabled:
            found["limits.enabled"] = "nothing counts wrong passwords; anybody may guess without end"
        if not self.clients.require_pkce:
            found["clients.require_pkce"] = "clients that register themselves work without PKCE; a stolen code would do"
        if self.passwords.memory_kib < LEAST_MEMORY_KIB or self.passwords.time_cost < 2:
            found["passwords"] = "argon2id is cheaper than 19456 KiB and 2 passes; stolen hashes would be guessed soon"
        return found

    @model_validator(mode="after")
    def _check_together(self) -> Settings:
        if self.terms.directory and self.registration.terms_url:
            raise ValueError("registration.terms_url: terms.directory has the terms already; set one of the two")
        if self.database.is_sqlite and self.server.workers > 1:
            raise ValueError(
                "server.workers: more than one process needs PostgreSQL; set 1, or database.url = 'postgresql://…'"
            )
        return self

    @property
    def threads(self) -> int:
        """How many threads of a process answer requests.

        On SQLite 16 answer more than 4 do (fewer hand-overs between the server software's threads and ours); on PostgreSQL
        the number changes little, and some must be left while others wait for a password to be checked.
        """
        return self.server.threads or (16 if self.database.is_sqlite else 8)

    @property
    def issuer_is_loopback(self) -> bool:
        """Whether the provider can only be reached from this machine (mailbox page, demo passwords)."""
        return is_loopback_host(urlsplit(self.server.issuer).hostname or "")

    @property
    def is_https(self) -> bool:
        """Whether cookies are `Secure` and named `__Host-…`."""
        return self.server.issuer.startswith("https://")
