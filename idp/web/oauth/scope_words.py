"""Scopes in the reader's words and values (UX: consent says what the site gets)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel import Locale

from idp.i18n import current_locale, format_clock, gettext, marked
from idp.protocol.claims import OPTIONAL_PROFILE, build_account_claims
from idp.web.interest_words import tell_interests

if TYPE_CHECKING:
    from idp.config.interests import InterestSettings
    from idp.store.accounts import Account
    from idp.store.end_users import EndUser

NAMES = {
    "openid": marked("That it is you"),
    "profile": marked("Your name, user name and language"),
    "email": marked("Your e-mail address"),
    "address": marked("Your postal address"),
    "phone": marked("Your phone number"),
    "approval": marked("Whether your account is approved"),
    "interests": marked("Your interests and region"),
    "session": marked("Until when you are signed in"),
    "staff.read": marked("What you may read as a member of staff"),
    "staff.write": marked("What you may do as a member of staff"),
    "offline_access": marked("All this also while you are away"),
}

STATUS = {
    "approved": marked("approved"),
    "pending": marked("being reviewed"),
    "rejected": marked("not approved"),
    "suspended": marked("suspended"),
}

_WAYS = (
    ("profile.page", marked("Change your profile (opens in a new tab)"), {"profile", "address", "phone"}),
    ("email.page", marked("Change your e-mail address (opens in a new tab)"), {"email"}),
    ("interests.page", marked("Change your interests (opens in a new tab)"), {"interests"}),
)


def name_scope(scope: str) -> str:
    """What a scope gives, in words."""
    return gettext(NAMES[scope]) if scope in NAMES else scope


def describe_scope(
    scope: frozenset[str], end_user: EndUser, account: Account, offered: InterestSettings
) -> list[tuple[str, str]]:
    """What the site gets, in words and in this person's values; what has no value is told as well, it may get one."""
    values = {
        "openid": gettext("a number that stands for your account"),
        "profile": _join(end_user.name, account.user_name, _language(account.locale)),
        "email": end_user.email,
        "address": end_user.address,
        "phone": end_user.phone_number,
        "approval": gettext(STATUS[end_user.approval_status]),
        "interests": _join(*tell_interests(offered, account)),
        "session": format_clock(end_user.session_expires_at),
        "staff.read": gettext("as your roles allow"),
        "staff.write": gettext("as your roles allow"),
        "offline_access": gettext("until you take it back"),
    }
    told = [(name_scope(name), values.get(name) or gettext("nothing entered yet")) for name in NAMES if name in scope]
    more = build_account_claims(account, OPTIONAL_PROFILE) if "profile" in scope else {}
    if more:
        told.append((gettext("More from your profile"), _join(*map(str, more.values()))))
    return told


def find_ways_to_change(scope: frozenset[str], offered: InterestSettings) -> list[tuple[str, str]]:
    """Where this person changes what the site gets: endpoints and words."""
    return [
        (endpoint, gettext(words))
        for endpoint, words, scopes in _WAYS
        if scopes & scope and (endpoint != "interests.page" or offered.products or offered.topics or offered.regions)
    ]


def _join(*values: str) -> str:
    return " · ".join(value for value in values if value)


def _language(code: str) -> str:
    return Locale.parse(code).get_display_name(current_locale()) or code
