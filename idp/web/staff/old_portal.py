"""`/staff/old-portal`: how far the customers of the old portal have come over, and until when weak hashes work (F-1.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from idp.accounts.old_portal import report_progress
from idp.i18n import marked
from idp.policy.staff import Permission
from idp.web.context import provider
from idp.web.pages import render
from idp.web.staff.access import permitted

if TYPE_CHECKING:
    from flask import Response

blueprint = Blueprint("staff_old_portal", __name__, url_prefix="/staff")

FORMAT_NAMES = {
    "bcrypt": "bcrypt",
    "pbkdf2": "PBKDF2",
    "scrypt": "scrypt",
    "django": "Django",
    "phpass": "phpass",
    "md5_crypt": "md5crypt",
    "sha_crypt": "SHA-crypt",
    "ldap": "LDAP SSHA",
    "argon2id": "argon2id",
    "none": marked("without a password"),
}


@blueprint.get("/old-portal")
@permitted(Permission.READ_ACCOUNTS)
def page() -> Response:
    """The counts; nothing is changed here."""
    settings = provider().settings.old_portal
    return render(
        "staff/old_portal.html",
        progress=report_progress(provider()),
        names=FORMAT_NAMES,
        ends_at=settings.ends_at,
        has_ended=settings.has_ended(provider().clock()),
    )
