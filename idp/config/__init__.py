"""Typed settings from a TOML file and the environment, checked at start.

Each setting is documented beside its default (`sections`). `IDP_SERVER__ISSUER=…` in the environment wins over the file. A
key that is not known, or a value that cannot work, raises `ConfigError` with the file, the key and what would be right.
"""

from idp.config.checks import contrast_with_white, is_loopback_host, is_plain_address
from idp.config.loading import ENVIRONMENT_PREFIX, load_settings
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
    TokenSettings,
)
from idp.config.settings import Settings

LANGUAGES = ("en", "de", "fr", "es")

__all__ = [
    "ENVIRONMENT_PREFIX",
    "LANGUAGES",
    "LEAST_MEMORY_KIB",
    "BrandingSettings",
    "ClientSettings",
    "DatabaseSettings",
    "KeySettings",
    "LifetimeSettings",
    "LimitSettings",
    "MailSettings",
    "OldPortalSettings",
    "OutboundSettings",
    "PasswordSettings",
    "RegistrationSettings",
    "Section",
    "Server",
    "Settings",
    "TokenSettings",
    "contrast_with_white",
    "is_loopback_host",
    "is_plain_address",
    "load_settings",
]
