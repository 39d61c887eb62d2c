"""Which claims a scope stands for, and their values now (OpenID Connect Core §5.1, §5.4).

`approval`, `session` and `interests` are ours. A claim without a value is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from idp.store.accounts import Account

_OPTIONAL_PROFILE = ("middle_name", "nickname", "profile", "picture", "website", "gender", "birthdate", "zoneinfo")

SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "openid": ("sub",),
    "profile": (
        "name",
        "given_name",
        "family_name",
        "preferred_username",
        "locale",
        "updated_at",
        *_OPTIONAL_PROFILE,
    ),
    "email": ("email", "email_verified"),
    "approval": ("approval_status", "approval_updated_at"),
    "session": ("session_expiry", "session_kept"),
    "interests": ("interests", "region"),
}


def build_userinfo_claims(account: Account, scopes: Iterable[str]) -> dict[str, Any]:
    """The account's claims for these scopes; those of the session belong to the token and are added by the caller."""
    claims: dict[str, Any] = {}
    for scope, build in _BUILDERS.items():
        if scope in scopes:
            claims.update(build(account))
    return {name: value for name, value in claims.items() if value not in (None, "")} | {"sub": account.account_id}


def build_approval_claims(status: str, updated_at: int) -> dict[str, Any]:
    """The approval status from its one row: ID token, userinfo and introspection say the same."""
    return {"approval_status": status, "approval_updated_at": updated_at}


def build_session_claims(expires_at: int | None, kept: bool) -> dict[str, Any]:
    """When the session ends and whether the end-user asked to stay signed in; nothing where there is no session."""
    return {} if expires_at is None else {"session_expiry": expires_at, "session_kept": kept}


def _profile(account: Account) -> dict[str, Any]:
    return {
        **{name: account.claims.get(name) for name in _OPTIONAL_PROFILE},
        "name": account.name,
        "given_name": account.given_name,
        "family_name": account.family_name,
        "preferred_username": account.user_name,
        "locale": account.locale,
        "updated_at": account.updated_at,
    }


def _email(account: Account) -> dict[str, Any]:
    return {"email": account.email, "email_verified": account.email_verified_at is not None}


def _approval(account: Account) -> dict[str, Any]:
    return build_approval_claims(account.approval_status, account.approval_updated_at)


def _interests(account: Account) -> dict[str, Any]:
    return {name: account.claims.get(name) for name in SCOPE_CLAIMS["interests"]}


_BUILDERS: Mapping[str, Callable[[Account], dict[str, Any]]] = {
    "profile": _profile,
    "email": _email,
    "approval": _approval,
    "interests": _interests,
}
