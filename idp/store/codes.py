"""Authorization codes and the token families they begin.

Lock order: whoever spends, rotates or ends takes the family's row first. So redemption, replay, refresh and ending of one
family happen one after the other on both databases, and nothing is minted from a family that has ended (CO-1, RF-7).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idp.keys.secrets import hash_secret, new_identifier, new_secret
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Row, Transaction

PURPOSE = "code"

_INSERT_FAMILY = Statement(
    "INSERT INTO token_families (family_id, account_id, client_id, sid, scope, nonce, auth_time, amr, acr, claims, resources,"
    " offline, kept, session_expires_at, created_at, expires_at) VALUES (:family_id, :account_id, :client_id, :sid, :scope,"
    " :nonce, :auth_time, :amr, :acr, :claims, :resources, :offline, :kept, :session_expires_at, :created_at, :expires_at)"
)
_INSERT_CODE = Statement(
    "INSERT INTO codes (code_hash, family_id, client_id, redirect_uri, code_challenge, created_at, expires_at)"
    " VALUES (:code_hash, :family_id, :client_id, :redirect_uri, :code_challenge, :now, :expires_at)"
)
# An update that changes nothing locks the row on PostgreSQL; on SQLite the transaction is the only writer anyway.
_LOCK_FAMILY = Statement(
    "UPDATE token_families SET kept = kept WHERE family_id ="
    " (SELECT family_id FROM codes WHERE code_hash = :code_hash AND client_id = :client_id) RETURNING *"
)
_SPEND = Statement(
    "UPDATE codes SET spent_at = :now WHERE code_hash = :code_hash AND spent_at IS NULL AND revoked_at IS NULL"
    " AND expires_at > :now RETURNING redirect_uri, code_challenge"
)
_IS_SPENT = Statement("SELECT spent_at FROM codes WHERE code_hash = :code_hash AND spent_at IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Family:
    """All tokens that came from one authorization: for whom, for which client and session, until when.

    `claims` is the JSON text of the request's `claims` parameter, `resources` what its `resource` parameters named.
    """

    family_id: str
    account_id: str
    client_id: str
    sid: str | None
    scope: str
    nonce: str | None
    auth_time: int
    amr: str
    offline: bool
    kept: bool
    session_expires_at: int | None
    created_at: int
    expires_at: int
    revoked_at: int | None = None
    acr: str | None = None
    claims: str | None = field(default=None, repr=False)
    resources: str = ""

    def is_live(self, now: int) -> bool:
        """Whether tokens may still come from it."""
        return self.revoked_at is None and self.expires_at > now

    def session_end(self, now: int) -> int | None:
        """When the session ends; None for an offline family whose session is over, which goes on without it."""
        end = self.session_expires_at
        return None if end is None or (self.offline and end <= now) else end


@dataclass(frozen=True, slots=True)
class SpentCode:
    """What a code was bound to, told to the one who spent it."""

    redirect_uri: str
    code_challenge: str | None


def begin_family(
    tx: Transaction,
    *,
    account_id: str,
    client_id: str,
    scope: str,
    nonce: str | None,
    sid: str,
    auth_time: int,
    amr: str,
    kept: bool,
    session_expires_at: int,
    offline: bool,
    expires_at: int,
    now: int,
    acr: str | None = None,
    claims: str | None = None,
    resources: str = "",
) -> Family:
    """Begin a token family: what one authorization answers, by code or at once."""
    family = Family(
        family_id=new_identifier(),
        account_id=account_id,
        client_id=client_id,
        sid=sid,
        scope=scope,
        nonce=nonce,
        auth_time=auth_time,
        amr=amr,
        offline=offline,
        kept=kept,
        session_expires_at=session_expires_at,
        created_at=now,
        expires_at=expires_at,
        acr=acr,
        claims=claims,
        resources=resources,
    )
    values = {name: getattr(family, name) for name in Family.__slots__ if name != "revoked_at"}
    tx.run(_INSERT_FAMILY, **values)
    return family


def issue_code(
    tx: Transaction, family: Family, *, redirect_uri: str, code_challenge: str | None, lifetime: int, now: int
) -> str:
    """Keep a code of this family; out: the code, which is nowhere in clear but in the answer."""
    code = new_secret()
    tx.run(
        _INSERT_CODE,
        code_hash=hash_secret(PURPOSE, code),
        family_id=family.family_id,
        client_id=family.client_id,
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        now=now,
        expires_at=now + lifetime,
    )
    return code


def lock_family_of_code(tx: Transaction, code: str, client_id: str) -> Family | None:
    """The family that this client's code began, live or not, locked until the transaction ends."""
    row = tx.one(_LOCK_FAMILY, code_hash=hash_secret(PURPOSE, code), client_id=client_id)
    return None if row is None else family_from_row(row)


def spend_code(tx: Transaction, code: str, now: int) -> SpentCode | None:
    """Use the code up; None for everybody but the first, and for a code that is too old or revoked."""
    row = tx.one(_SPEND, code_hash=hash_secret(PURPOSE, code), now=now)
    return None if row is None else SpentCode(row["redirect_uri"], row["code_challenge"])


def is_spent(tx: Transaction, code: str) -> bool:
    """Whether the code was used before: asked after `spend_code` said no, it means a replay."""
    return tx.one(_IS_SPENT, code_hash=hash_secret(PURPOSE, code)) is not None


def family_from_row(row: Row) -> Family:
    """A row of the table as a value."""
    values = {name: row[name] for name in Family.__slots__}
    return Family(**{**values, "offline": bool(row["offline"]), "kept": bool(row["kept"])})
