"""Redeem an authorization code (RFC 6749 §4.1.3, OpenID Connect Core §3.1.3): spend first, then mint.

The family's row is locked before anything else, so that parallel redemptions come one after the other: the first spends
the code and mints, each later one is a replay and ends what was minted (CO-1, CO-2). A code whose check fails stays spent:
the refusal comes back as a value, and the transaction commits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp.errors import ProtocolError
from idp.keys.secrets import new_secret
from idp.protocol.access_token import Issuing, get_account, issue_tokens
from idp.protocol.endpoint import require
from idp.protocol.pkce import is_verified
from idp.protocol.refresh_token import refresh_expiry
from idp.protocol.resource_indicators import find_audience, parse_resources
from idp.store import codes, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.store.accounts import Account
    from idp.store.clients import RegisteredClient
    from idp.store.codes import Family, SpentCode
    from idp.store.database import Transaction


@dataclass(frozen=True, slots=True)
class CodeRedemption:
    """The parameters of the request."""

    code: str = field(repr=False)
    redirect_uri: str
    code_verifier: str | None = field(repr=False)
    resources: tuple[str, ...] = ()


def parse_code_redemption(form: Mapping[str, str]) -> CodeRedemption:
    """The redirect URI is required: the authorization request always has one (OpenID Connect Core §3.1.2.1)."""
    return CodeRedemption(
        require(form, "code"),
        require(form, "redirect_uri"),
        form.get("code_verifier"),
        parse_resources(form.get("resource")),
    )


def redeem_code(
    tx: Transaction, issuing: Issuing, client: RegisteredClient, redemption: CodeRedemption, now: int
) -> dict[str, Any] | ProtocolError:
    """Exchange the code for tokens, or say why not; either way the caller commits."""
    family = codes.lock_family_of_code(tx, redemption.code, client.client_id)
    if family is None:
        return _invalid_grant("unknown code, or another client's")
    spent = codes.spend_code(tx, redemption.code, now)
    if spent is None:
        return _refuse_unspendable(tx, issuing, family, redemption.code, now)
    try:
        _check_binding(family, spent, redemption, now)
        account = get_account(tx, family.account_id, client)
        find_audience(redemption.resources, parse_resources(family.resources), client)
    except ProtocolError as refusal:
        return refusal
    return _mint(tx, issuing, client, family, account, redemption.resources, now)


def _refuse_unspendable(tx: Transaction, issuing: Issuing, family: Family, code: str, now: int) -> ProtocolError:
    """Too old, revoked, or used before; the last ends the family, however long ago it was."""
    if not codes.is_spent(tx, code):
        return _invalid_grant("code expired or revoked")
    tokens.count_incident(tx, family.family_id, "code_replay", now)
    issuing.end_family(tx, family, kind="code_replay", now=now)
    return _invalid_grant("code replayed")


def _check_binding(family: Family, spent: SpentCode, redemption: CodeRedemption, now: int) -> None:
    """Session, redirect URI and challenge are those of the authorization request (CO-4)."""
    if not family.is_live(now):
        raise _invalid_grant("family ended")
    if redemption.redirect_uri != spent.redirect_uri:
        raise _invalid_grant("redirect_uri differs")
    if not is_verified(spent.code_challenge, redemption.code_verifier):
        raise _invalid_grant("code_verifier does not match")


def _mint(
    tx: Transaction,
    issuing: Issuing,
    client: RegisteredClient,
    family: Family,
    account: Account,
    resources: tuple[str, ...],
    now: int,
) -> dict[str, Any]:
    refresh_token = None
    if "refresh_token" in client.grant_types:
        refresh_token = new_secret()
        expires_at = refresh_expiry(family, issuing.lifetimes, now)
        tokens.insert_refresh_token(tx, family, refresh_token, predecessor=None, now=now, expires_at=expires_at)
    scopes = frozenset(family.scope.split())
    return issue_tokens(
        tx,
        issuing,
        family,
        account,
        client,
        scopes,
        resources=resources,
        refresh_token=refresh_token,
        is_first=True,
        now=now,
    )


def _invalid_grant(detail: str) -> ProtocolError:
    return ProtocolError("invalid_grant", "the code is not valid, or not for this request", detail=detail)
