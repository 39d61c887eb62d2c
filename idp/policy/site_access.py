"""Whether a customer may enter a site as they stand now; the same values as the authorization endpoint looks at."""

from __future__ import annotations

from enum import Enum, unique

from idp.policy.interaction import APPROVED


@unique
class SiteAccess(Enum):
    """The answer, with its reason where it is no."""

    OPEN = "open"
    WAITS_FOR_REVIEW = "pending"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


def decide_site_access(*, require_approval: bool, approval_status: str) -> SiteAccess:
    """A site that requires approval is open to approved customers; the others are open to everybody signed in."""
    if not require_approval or approval_status == APPROVED:
        return SiteAccess.OPEN
    return SiteAccess(approval_status)
