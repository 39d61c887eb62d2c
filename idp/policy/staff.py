"""What members of staff may do: permissions by role, and on whom (AD-1, AD-2).

An account's `roles` decide; without a role nothing is permitted. Nobody acts on an account of their own, and only an
administrator acts on an account that has a role itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import Enum, unique


@unique
class Permission(Enum):
    """What a page or button of the desk needs; the value is the word in the audit trail."""

    READ_QUEUE = "read_queue"
    DECIDE = "decide"
    WRITE_NOTES = "write_notes"
    EDIT_REASONS = "edit_reasons"
    SUSPEND = "suspend"
    READ_REGISTRATIONS = "read_registrations"
    RESEND_CONFIRMATION = "resend_confirmation"
    READ_ACCOUNTS = "read_accounts"
    SEND_RESET_LINK = "send_reset_link"
    GIVE_TEMPORARY_PASSWORD = "give_temporary_password"
    CHANGE_EMAIL = "change_email"
    CLOSE_ACCOUNT = "close_account"
    WITHDRAW_CONSENT = "withdraw_consent"
    READ_MAIL = "read_mail"
    RETRY_DELIVERY = "retry_delivery"
    SEND_TEST_MAIL = "send_test_mail"
    READ_SITES = "read_sites"
    EDIT_SITES = "edit_sites"
    READ_RULES = "read_rules"
    EDIT_RULES = "edit_rules"
    BLOCK = "block"
    READ_AUDIT = "read_audit"
    GIVE_ROLES = "give_roles"


_HELP = {
    Permission.READ_QUEUE,
    Permission.WRITE_NOTES,
    Permission.READ_REGISTRATIONS,
    Permission.RESEND_CONFIRMATION,
    Permission.READ_ACCOUNTS,
    Permission.SEND_RESET_LINK,
    Permission.GIVE_TEMPORARY_PASSWORD,
    Permission.CHANGE_EMAIL,
    Permission.CLOSE_ACCOUNT,
    Permission.WITHDRAW_CONSENT,
    Permission.READ_MAIL,
    Permission.READ_SITES,
    Permission.RETRY_DELIVERY,
}

ROLES: dict[str, frozenset[Permission]] = {
    "customer_care": frozenset(_HELP),
    "approver": frozenset(
        {
            Permission.READ_QUEUE,
            Permission.DECIDE,
            Permission.WRITE_NOTES,
            Permission.EDIT_REASONS,
            Permission.SUSPEND,
            Permission.READ_REGISTRATIONS,
            Permission.READ_ACCOUNTS,
            Permission.READ_MAIL,
            Permission.READ_SITES,
            Permission.READ_RULES,
            Permission.BLOCK,
        }
    ),
    "auditor": frozenset({Permission.READ_AUDIT}),
    "administrator": frozenset(Permission),
}
"""The roles that exist; an auditor reads the trail and can do nothing else (LG-3)."""


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """Everything these roles permit together; unknown roles permit nothing."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))


def is_permitted(roles: Iterable[str], permission: Permission) -> bool:
    """Whether one of the roles permits it."""
    return permission in permissions_of(roles)


def is_staff(roles: Iterable[str]) -> bool:
    """Whether the account belongs to somebody who works at the desk."""
    return bool(permissions_of(roles))


def is_at_work(access: str, approval_status: str) -> bool:
    """Whether somebody's roles count at all: not while the account is closed, suspended or rejected (AD-2).

    A session survives a suspension, for the owner's own pages only.
    """
    return access == "active" and approval_status not in ("suspended", "rejected")


def may_act_on(actor_id: str, actor_roles: Iterable[str], account_id: str, account_roles: Iterable[str]) -> bool:
    """Whether a member of staff may act on an account: never on their own, on colleagues only as an administrator.

    Nobody acts on a role equal to or above theirs, so an administrator does not act on another one either (AD-2, RG-8).
    """
    if actor_id == account_id:
        return False
    targets = set(account_roles)
    if not is_staff(targets):
        return True
    return "administrator" in set(actor_roles) and "administrator" not in targets


def is_within_limits(
    families: Collection[str], countries: Collection[str], *, serials: Collection[str], country: str
) -> bool:
    """Whether an approver with these limits decides about somebody: empty limits let everything through.

    Where families are limited, every device counts: an approval opens the sites for all of them.
    """
    if countries and country not in countries:
        return False
    return not families or (bool(serials) and all(serial[:2] in families for serial in serials))
