"""The tables. Models describe them for migrations and pages; protocol steps speak to them in plain statements."""

from idp.store.models.approval import (
    ApprovalDecision,
    ApprovalRule,
    ApproverLimit,
    Proposal,
    ReasonText,
    ReviewAssignment,
    ReviewLook,
    ReviewNote,
    ReviewReminder,
    ScheduledDecision,
    SerialNumber,
)
from idp.store.models.base import Base
from idp.store.models.clients import Client, ClientSecret, ConsentGrant, InitialAccessToken
from idp.store.models.house import (
    AuditEvent,
    AuditHead,
    MailboxMessage,
    Note,
    OutboxItem,
    SigningKey,
)
from idp.store.models.news import NewsFeed, NewsItem
from idp.store.models.old_portal import OldAccount, OldImport
from idp.store.models.people import (
    Account,
    BrowserSession,
    Device,
    Link,
    Registration,
    SessionClient,
)
from idp.store.models.search import SearchPart, SearchPosting, SearchStale, SearchWord
from idp.store.models.sign_in import KeptInput, KnownBrowser, TemporaryPassword, TryCounter
from idp.store.models.tokens import (
    AccessToken,
    AuthorizationCode,
    PendingAuthorization,
    RefreshToken,
    TokenFamily,
    TokenIncident,
    UsedAssertion,
)

__all__ = [
    "AccessToken",
    "Account",
    "ApprovalDecision",
    "ApprovalRule",
    "ApproverLimit",
    "AuditEvent",
    "AuditHead",
    "AuthorizationCode",
    "Base",
    "BrowserSession",
    "Client",
    "ClientSecret",
    "ConsentGrant",
    "Device",
    "InitialAccessToken",
    "KeptInput",
    "KnownBrowser",
    "Link",
    "MailboxMessage",
    "NewsFeed",
    "NewsItem",
    "Note",
    "OldAccount",
    "OldImport",
    "OutboxItem",
    "PendingAuthorization",
    "Proposal",
    "ReasonText",
    "RefreshToken",
    "Registration",
    "ReviewAssignment",
    "ReviewLook",
    "ReviewNote",
    "ReviewReminder",
    "ScheduledDecision",
    "SearchPart",
    "SearchPosting",
    "SearchStale",
    "SearchWord",
    "SerialNumber",
    "SessionClient",
    "SigningKey",
    "TemporaryPassword",
    "TokenFamily",
    "TokenIncident",
    "TryCounter",
    "UsedAssertion",
]
