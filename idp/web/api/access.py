"""Who may call the interface of staff tools: a bearer token (RFC 6750) with scope, audience and session, and the person's roles.

The token acts for a member of staff whose session lives; tokens that outlive a session, tokens of clients for themselves and
tokens for other resource servers do nothing here (RFC 9700 §2.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import request

from idp.errors import ProtocolError
from idp.policy.staff import Permission, is_at_work, is_permitted, is_staff
from idp.protocol.access_token import find_live_token
from idp.store import accounts, sessions
from idp.web.context import provider
from idp.web.oauth.machine import build_reading

if TYPE_CHECKING:
    from idp.store.accounts import Account
    from idp.store.database import Transaction

READ = "staff.read"
WRITE = "staff.write"

_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]{1,4000}=*) *\Z")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="staff"'}


@dataclass(frozen=True, slots=True)
class Caller:
    """The member of staff for whom a tool acts."""

    account: Account
    client_id: str

    @property
    def account_id(self) -> str:
        """Whose acts these are."""
        return self.account.account_id


def api_resource() -> str:
    """The resource that tokens must be for (RFC 8707): the address of the interface."""
    return f"{provider().settings.server.issuer}/api"


def check_caller(permission: Permission, scope: str, *, fresh: bool = False) -> Caller:
    """The member of staff behind the token.

    `fresh`: who must have given the password within `lifetimes.fresh`. Raises `ProtocolError`: `invalid_token`,
    `insufficient_scope`, `access_denied`, `insufficient_user_authentication` (RFC 9470 §3).
    """
    token = _read_token()
    parts = provider()
    with parts.database.reading() as tx:
        caller, auth_time = _find_caller(tx, token, scope)
    if not is_permitted(caller.account.roles, permission):
        raise ProtocolError("access_denied", f"the roles of this person do not permit {permission.value}", status=403)
    if fresh and parts.clock() - auth_time > parts.settings.lifetimes.fresh:
        raise _ask_again(parts.settings.lifetimes.fresh)
    return caller


def _find_caller(tx: Transaction, token: str, scope: str) -> tuple[Caller, int]:
    live = find_live_token(tx, build_reading(provider()), token, provider().clock())
    if live is None or api_resource() not in live.facts.audience:
        raise _refuse("the access token is unknown, expired, revoked or not for this interface")
    if live.facts.account_id is None or live.facts.sid is None or live.facts.session_end(provider().clock()) is None:
        raise _refuse("the access token does not act for somebody who is signed in")
    if scope not in live.facts.scopes:
        headers = {"WWW-Authenticate": f'Bearer realm="staff", error="insufficient_scope", scope="{scope}"'}
        raise ProtocolError("insufficient_scope", f"the scope {scope} is needed", status=403, headers=headers)
    account = accounts.find_account(tx, live.facts.account_id)
    if account is None or not is_at_work(account.access, account.approval_status) or not is_staff(account.roles):
        raise ProtocolError("access_denied", "this is for members of staff", status=403)
    session = sessions.find_session(tx, live.facts.sid)
    return Caller(account, live.client.client_id), session.auth_time if session else 0


def _read_token() -> str:
    sent = request.environ.get("HTTP_AUTHORIZATION")
    if sent is None:
        raise ProtocolError("invalid_token", "an access token is needed", status=401, headers=_CHALLENGE)
    match = _BEARER.match(sent)
    if match is None:
        raise _refuse("the access token is malformed")
    return match[1]


def _ask_again(seconds: int) -> ProtocolError:
    why = f"the password must have been given within {seconds} seconds; send the person through a sign-in with max_age"
    challenge = f'Bearer realm="staff", error="insufficient_user_authentication", max_age="{seconds}"'
    return ProtocolError("insufficient_user_authentication", why, status=401, headers={"WWW-Authenticate": challenge})


def _refuse(why: str) -> ProtocolError:
    headers = {"WWW-Authenticate": f'Bearer realm="staff", error="invalid_token", error_description="{why}"'}
    return ProtocolError("invalid_token", why, status=401, headers=headers)
