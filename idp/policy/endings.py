"""What ends what: for each act, which sessions and tokens end and who is written to (DESIGN, "What ends what").

Data and no deed: `accounts.endings.apply_ending` reads it, pages show it before a click, the tests go through it cell by
cell. "Tokens" are refresh families with their access tokens and codes, and authorization requests that wait. "Offline"
families are those with `offline_access`, which outlive their session.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique


@unique
class Act(Enum):
    """What happened; the value is the word in the audit trail and in `revoke_reason`."""

    SIGN_OUT = "sign_out"
    SIGN_OUT_EVERYWHERE = "sign_out_everywhere"
    SESSION_EXPIRED = "session_expired"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET = "password_reset"
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_UNDONE = "email_change_undone"
    APPROVAL_WITHDRAWN = "approval_withdrawn"
    APPROVED = "approved"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_LOCKED = "account_locked"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CLIENT_DISABLED = "client_disabled"
    TOKEN_REPLAYED = "token_replayed"
    KEY_COMPROMISED = "key_compromised"


@unique
class Sessions(Enum):
    """Which of the account's sessions end."""

    NONE = "none"
    THIS = "this"
    OTHERS = "others"
    ALL = "all"


@unique
class Tokens(Enum):
    """Which tokens end."""

    NONE = "none"
    OF_ENDED_SESSIONS = "of_ended_sessions"
    OF_ENDED_SESSIONS_AND_OFFLINE = "of_ended_sessions_and_offline"
    ALL = "all"
    AT_CLIENTS_THAT_REQUIRE_APPROVAL = "at_clients_that_require_approval"
    AT_THAT_CLIENT = "at_that_client"
    OF_THAT_FAMILY = "of_that_family"
    SIGNED_WITH_THAT_KEY = "signed_with_that_key"


@unique
class Mail(Enum):
    """Who is written to; the act that calls sends it, in the same transaction."""

    NONE = "none"
    OWNER = "owner"
    OLD_AND_NEW_ADDRESS = "old_and_new_address"


@dataclass(frozen=True, slots=True)
class Ending:
    """A row of the table."""

    sessions: Sessions
    tokens: Tokens
    mail: Mail
    links_void: bool = False


ENDINGS: dict[Act, Ending] = {
    Act.SIGN_OUT: Ending(Sessions.THIS, Tokens.OF_ENDED_SESSIONS, Mail.NONE),
    Act.SIGN_OUT_EVERYWHERE: Ending(Sessions.ALL, Tokens.ALL, Mail.NONE),
    Act.SESSION_EXPIRED: Ending(Sessions.THIS, Tokens.OF_ENDED_SESSIONS, Mail.NONE),
    Act.PASSWORD_CHANGED: Ending(Sessions.OTHERS, Tokens.OF_ENDED_SESSIONS_AND_OFFLINE, Mail.OWNER),
    Act.PASSWORD_RESET: Ending(Sessions.ALL, Tokens.ALL, Mail.OWNER),
    Act.EMAIL_CHANGED: Ending(Sessions.NONE, Tokens.NONE, Mail.OLD_AND_NEW_ADDRESS, links_void=True),
    Act.EMAIL_CHANGE_UNDONE: Ending(Sessions.ALL, Tokens.ALL, Mail.OLD_AND_NEW_ADDRESS, links_void=True),
    Act.APPROVAL_WITHDRAWN: Ending(Sessions.NONE, Tokens.AT_CLIENTS_THAT_REQUIRE_APPROVAL, Mail.OWNER),
    Act.APPROVED: Ending(Sessions.NONE, Tokens.NONE, Mail.OWNER),
    Act.ACCOUNT_CLOSED: Ending(Sessions.ALL, Tokens.ALL, Mail.OWNER),
    Act.ACCOUNT_LOCKED: Ending(Sessions.NONE, Tokens.NONE, Mail.OWNER),
    Act.CONSENT_WITHDRAWN: Ending(Sessions.NONE, Tokens.AT_THAT_CLIENT, Mail.NONE),
    Act.CLIENT_DISABLED: Ending(Sessions.NONE, Tokens.AT_THAT_CLIENT, Mail.NONE),
    Act.TOKEN_REPLAYED: Ending(Sessions.NONE, Tokens.OF_THAT_FAMILY, Mail.NONE),
    Act.KEY_COMPROMISED: Ending(Sessions.NONE, Tokens.SIGNED_WITH_THAT_KEY, Mail.NONE),
}
"""The whole table; APPROVAL_WITHDRAWN is approved → pending, suspended and rejected."""
