"""Authorization codes and the token families they begin.

A code is kept as a hash; its row and its family's row are written together, so that ending the family ends the code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.keys.secrets import hash_secret, new_identifier, new_secret
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.store.database import Transaction

PURPOSE = "code"

_INSERT_FAMILY = Statement(
    "INSERT INTO token_families (family_id, account_id, client_id, sid, scope, nonce, auth_time, amr, offline, kept,"
    " session_expires_at, created_at, expires_at) VALUES (:family_id, :account_id, :client_id, :sid, :scope, :nonce,"
    " :auth_time, :amr, :offline, :kept, :session_expires_at, :now, :expires_at)"
)
_INSERT_CODE = Statement(
    "INSERT INTO codes (code_hash, family_id, client_id, redirect_uri, code_challenge, created_at, expires_at)"
    " VALUES (:code_hash, :family_id, :client_id, :redirect_uri, :code_challenge, :now, :expires_at)"
)


def issue_code(
    tx: Transaction,
    *,
    account_id: str,
    client_id: str,
    redirect_uri: str,
    scope: str,
    nonce: str | None,
    code_challenge: str | None,
    sid: str,
    auth_time: int,
    amr: str,
    kept: bool,
    session_expires_at: int,
    offline: bool,
    family_expires_at: int,
    lifetime: int,
    now: int,
) -> str:
    """Begin a token family and keep its code; out: the code, which is nowhere in clear but in the answer."""
    family_id, code = new_identifier(), new_secret()
    tx.run(
        _INSERT_FAMILY,
        family_id=family_id,
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
        now=now,
        expires_at=family_expires_at,
    )
    tx.run(
        _INSERT_CODE,
        code_hash=hash_secret(PURPOSE, code),
        family_id=family_id,
        client_id=client_id,
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        now=now,
        expires_at=now + lifetime,
    )
    return code
