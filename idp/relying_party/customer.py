"""Who is signed in at the site, as the provider last told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Customer:
    """The customer behind a request; `claims` holds what the ID token and userinfo said (OpenID Connect Core §5.1)."""

    subject: str
    sid: str
    claims: Mapping[str, Any]
    session_expiry: int
    session_kept: bool

    @property
    def name(self) -> str:
        """A name to greet with: full name, else user name, else e-mail."""
        for key in ("name", "given_name", "preferred_username", "email"):
            if self.claims.get(key):
                return str(self.claims[key])
        return self.subject

    @property
    def email(self) -> str:
        """The confirmed e-mail address, or nothing."""
        return str(self.claims.get("email", ""))

    @property
    def approval_status(self) -> str:
        """`pending`, `approved`, `rejected` or `suspended`; at most a few seconds old."""
        return str(self.claims.get("approval_status", "pending"))

    @property
    def is_approved(self) -> bool:
        """Whether the exclusive part is open to this customer."""
        return self.approval_status == "approved"
