"""Whether a customer may enter a site, as the portal's page says it and the authorization endpoint does it."""

from __future__ import annotations

import pytest

from idp.policy.site_access import SiteAccess, decide_site_access


@pytest.mark.parametrize(
    ("require_approval", "approval_status", "access"),
    [
        (True, "approved", SiteAccess.OPEN),
        (True, "pending", SiteAccess.WAITS_FOR_REVIEW),
        (True, "rejected", SiteAccess.REJECTED),
        (True, "suspended", SiteAccess.SUSPENDED),
        (False, "pending", SiteAccess.OPEN),
        (False, "rejected", SiteAccess.OPEN),
        (False, "suspended", SiteAccess.OPEN),
    ],
)
def test_only_sites_that_require_approval_look_at_it(
    require_approval: bool, approval_status: str, access: SiteAccess
) -> None:
    """Where the answer is no, it says why."""
    assert decide_site_access(require_approval=require_approval, approval_status=approval_status) is access


def test_a_status_that_nobody_knows_opens_nothing() -> None:
    """A new status has to be thought of here before anybody enters with it."""
    with pytest.raises(ValueError, match="invented"):
        decide_site_access(require_approval=True, approval_status="invented")
