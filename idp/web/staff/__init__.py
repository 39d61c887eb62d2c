"""The staff desk: the queue first, then registrations, accounts, mails, rules and the audit trail.

Every route names the permission it needs (`access.permitted`); the blueprint refuses a route that names none (AD-1). Lists
keep their filter in the address and page by key. Routes: `queue` `/staff` and `/staff/applications/…`; `proposals`
`…/proposals/…` there and at the roles; `review_work`
`…/assignment` and `…/notes`; `bulk`
`/staff/decisions…`; `reasons` `/staff/reasons…`; `people` `/staff/accounts…` and `/staff/registrations…`; `email`
`/staff/accounts/…/email`; `devices` `…/devices`; `device_claims` `/staff/devices…`;
`closing` `…/close` and `…/reopen`; `mails` `/staff/mail…`;
`old_portal` `/staff/old-portal`;
`records` `/staff/sign-outs`; `rules` `/staff/rules…`; `trail` `/staff/audit`; `roles` `/staff/roles`;
`sites` `/staff/sites…`; `connecting` `/staff/sites/…/connect/…`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def install(app: Flask) -> None:
    """Hang the desk into the application."""
    from idp.web.staff import (
        access,
        bulk,
        closing,
        connecting,
        device_claims,
        devices,
        email,
        mails,
        old_portal,
        people,
        proposals,
        queue,
        reasons,
        records,
        review_work,
        roles,
        rules,
        sites,
        trail,
        words,
    )

    access.install(app)
    words.install(app)
    for room in (
        queue,
        review_work,
        proposals,
        bulk,
        reasons,
        people,
        closing,
        device_claims,
        devices,
        email,
        mails,
        old_portal,
        records,
        rules,
        roles,
        sites,
        connecting,
        trail,
    ):
        app.register_blueprint(room.blueprint)
