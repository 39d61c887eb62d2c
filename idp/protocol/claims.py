"""Which claims a scope stands for, which were asked for one by one, and their values now (OpenID Connect Core §5.1, §5.4, §5.5).

`approval`, `session` and `interests` are ours. A claim without a value is left out.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from idp.store.accounts import Account

Place = Literal["id_token", "userinfo"]

OPTIONAL_PROFILE = ("middle_name", "nickname", "profile", "picture", "website", "gender", "birthdate", "zoneinfo")
"""What `profile` tells besides name, user name and language, where it is there (§5.1)."""

SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "openid": ("sub",),
    "profile": (
        "name",
        "given_name",
        "family_name",
        "preferred_username",
        "locale",
        "updated_at",
        *OPTIONAL_PROFILE,
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
    "approval": ("approval_status", "approval_updated_at"),
    "session": ("session_expiry", "session_kept"),
    "interests": ("interests", "region"),
}
# Kept in the account's row as they are told.
_KEPT = (*OPTIONAL_PROFILE, "address", "phone_number", "interests", "region")


def claims_of_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """The names of the claims that these scopes stand for (§5.4)."""
    return frozenset(name for scope in scopes for name in SCOPE_CLAIMS.get(scope, ()))


def scopes_of_claims(names: Collection[str]) -> frozenset[str]:
    """The scopes that claims belong to: who asks for `email` alone asks for something that the scope `email` stands for."""
    return frozenset(scope for scope, claims in SCOPE_CLAIMS.items() if not set(claims).isdisjoint(names))


def read_requested_claims(text: str | None, place: Place) -> frozenset[str]:
    """The names that the `claims` parameter wants in this place (§5.5); it was checked when the request came."""
    wanted = json.loads(text).get(place) if text else None
    return frozenset(wanted) if isinstance(wanted, dict) else frozenset()


def find_wanted_claims(
    scopes: Collection[str], requested: str | None, place: Place, registered: Collection[str]
) -> frozenset[str]:
    """The claims for one place: those of the scopes that are told there, and those asked for one by one.

    What belongs to a scope that the client is not registered for is not told (`registered` is empty where all are).
    """
    asked = read_requested_claims(requested, place)
    if registered:
        asked &= claims_of_scopes(registered)
    return asked | claims_of_scopes(scopes)


def build_account_claims(account: Account, names: Collection[str]) -> dict[str, Any]:
    """The account's claims of these names; those of the session belong to the token and are added by the caller."""
    values: dict[str, Any] = {
        **{name: account.claims.get(name) for name in _KEPT},
        "name": account.name,
        "given_name": account.given_name,
        "family_name": account.family_name,
        "preferred_username": account.user_name,
        "locale": account.locale,
        "updated_at": account.updated_at,
        "email": account.email,
        "email_verified": account.email_verified_at is not None,
        **build_approval_claims(account.approval_status, account.approval_updated_at),
    }
    if account.claims.get("phone_number"):
        values["phone_number_verified"] = account.claims.get("phone_number_verified") is True
    return {name: value for name, value in values.items() if name in names and value not in (None, "", {})}


def build_approval_claims(status: str, updated_at: int) -> dict[str, Any]:
    """The approval status from its one row: ID token, userinfo and introspection say the same."""
    return {"approval_status": status, "approval_updated_at": updated_at}


def build_interest_claims(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Interests and region of an account's row, where they were chosen; introspection tells them with their scope."""
    return {name: kept[name] for name in SCOPE_CLAIMS["interests"] if kept.get(name)}


def build_session_claims(expires_at: int | None, kept: bool, names: Collection[str]) -> dict[str, Any]:
    """When the session ends and whether the end-user asked to stay signed in; nothing where there is no session."""
    if expires_at is None:
        return {}
    values = {"session_expiry": expires_at, "session_kept": kept}
    return {name: value for name, value in values.items() if name in names}
