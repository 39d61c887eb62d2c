"""Carries out the table "What ends what": everybody who ends something calls `apply_ending`.

It ends sessions, tokens and waiting requests and tells the sites concerned, all in the transaction of the act. It sends no
mail: the act that calls knows what to write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.policy.endings import ENDINGS, Act, Sessions, Tokens
from idp.signals.backchannel import announce_logout
from idp.store import audit, endings, pending, sessions
from idp.store.endings import EndedFamily

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.audit import ActorKind
    from idp.store.database import Transaction

ACTS_OF_THE_OWNER = frozenset(
    {
        Act.SIGN_OUT,
        Act.SIGN_OUT_EVERYWHERE,
        Act.PASSWORD_CHANGED,
        Act.PASSWORD_RESET,
        Act.EMAIL_CHANGE_UNDONE,
        Act.CONSENT_WITHDRAWN,
    }
)


@dataclass(frozen=True, slots=True)
class Ended:
    """What an act ended: sessions by `sid`, families by id, and the clients that learn of it."""

    sids: tuple[str, ...]
    family_ids: tuple[str, ...]
    client_ids: tuple[str, ...]


def apply_ending(
    provider: Provider,
    tx: Transaction,
    act: Act,
    *,
    account_id: str | None,
    sid: str | None = None,
    except_sid: str | None = None,
    client_id: str | None = None,
    family_id: str | None = None,
    staff_id: str = "",
    by_operator: bool = False,
    now: int,
) -> Ended:
    """End what the table says for this act, in the transaction of the act.

    `sid`: the session of sign-out and expiry. `except_sid`: the session in which the owner changed the password.
    `client_id`: the client of a withdrawn consent, or (without an account) the one that was disabled. `family_id`: the
    family of a replayed code or refresh token. `staff_id`, `by_operator`: who does for the owner what owners do. Repeating
    it ends nothing twice. Raises `ValueError` where a value that the act's row needs is missing.
    """
    row = ENDINGS[act]
    sids = _end_sessions(tx, act, row.sessions, account_id, sid=sid, except_sid=except_sid, now=now)
    families = _end_tokens(tx, act, row.tokens, account_id, sids, client_id=client_id, family_id=family_id, now=now)
    concerned = _list_concerned(tx, account_id, sids, families)
    for account, client, ended_sid in concerned:
        announce_logout(tx, provider.master, client_id=client, account_id=account, sid=ended_sid, now=now)
    clients = sorted({client for _, client, _ in concerned})
    ended = Ended(tuple(sids), tuple(family.family_id for family in families), tuple(clients))
    by: tuple[ActorKind, str] | None = ("operator", "") if by_operator else None
    if staff_id:
        by = ("staff", staff_id)
    _record(tx, act, account_id, client_id, ended, by, now)
    return ended


def _record(
    tx: Transaction,
    act: Act,
    account_id: str | None,
    client_id: str | None,
    ended: Ended,
    by: tuple[ActorKind, str] | None,
    now: int,
) -> None:
    """One line in the audit trail for each row that ended something."""
    if not (ended.sids or ended.family_ids):
        return
    owner = account_id if act in ACTS_OF_THE_OWNER else None
    kind, actor = by or (("customer", owner) if owner is not None else ("system", ""))
    audit.record(
        tx,
        act.value,
        now=now,
        actor_kind=kind,
        actor=actor,
        account_id=account_id,
        client_id=client_id,
        details={"sessions": len(ended.sids), "families": len(ended.family_ids), "sites": list(ended.client_ids)},
    )


def _list_concerned(
    tx: Transaction, account_id: str | None, sids: list[str], families: list[EndedFamily]
) -> list[tuple[str, str, str | None]]:
    """Whom to tell what: account, client and session, each once.

    A family without a session of its own (it outlived it) is told by the subject alone.
    """
    concerned = {(family.account_id, family.client_id, family.sid) for family in families}
    for sid in sids:
        concerned.update((account_id or "", client_id, sid) for client_id in endings.list_session_clients(tx, sid))
    return sorted(concerned, key=lambda item: (item[0], item[1], item[2] or ""))


def _end_sessions(
    tx: Transaction,
    act: Act,
    which: Sessions,
    account_id: str | None,
    *,
    sid: str | None,
    except_sid: str | None,
    now: int,
) -> list[str]:
    """Sessions first: who issues a code locks its session's row, and so comes wholly before or wholly after."""
    if which is Sessions.NONE:
        return []
    if which is Sessions.THIS:
        one = _needed(sid, act, "sid")
        return [one] if sessions.end_session(tx, one, reason=act.value, now=now) else []
    account = _needed(account_id, act, "account_id")
    spared = except_sid if which is Sessions.OTHERS else None
    return sessions.end_sessions(tx, account, reason=act.value, now=now, except_sid=spared)


def _end_tokens(
    tx: Transaction,
    act: Act,
    which: Tokens,
    account_id: str | None,
    sids: list[str],
    *,
    client_id: str | None,
    family_id: str | None,
    now: int,
) -> list[EndedFamily]:
    reason = act.value
    if which in (Tokens.NONE, Tokens.SIGNED_WITH_THAT_KEY):
        # A token signed with a removed key stops verifying by itself; opaque ones stay.
        return []
    if which is Tokens.OF_THAT_FAMILY:
        return endings.end_family(tx, _needed(family_id, act, "family_id"), reason=reason, now=now)
    if which is Tokens.AT_THAT_CLIENT:
        clients = [_needed(client_id, act, "client_id")]
        pending.end_pending(tx, account_id=account_id, client_ids=clients, now=now)
        return endings.end_families_at_clients(tx, account_id, clients, reason=reason, now=now)
    account = _needed(account_id, act, "account_id")
    if which is Tokens.AT_CLIENTS_THAT_REQUIRE_APPROVAL:
        clients = endings.list_clients_that_require_approval(tx)
        pending.end_pending(tx, account_id=account, client_ids=clients, now=now)
        return endings.end_families_at_clients(tx, account, clients, reason=reason, now=now)
    if which is Tokens.ALL:
        pending.end_pending(tx, account_id=account, now=now)
        return endings.end_families_of_account(tx, account, reason=reason, now=now)
    pending.end_pending(tx, account_id=account, sids=sids, now=now)
    families = endings.end_families_of_sessions(tx, account, sids, reason=reason, now=now)
    if which is Tokens.OF_ENDED_SESSIONS_AND_OFFLINE:
        families += endings.end_offline_families(tx, account, reason=reason, now=now)
    return families


def _needed(value: str | None, act: Act, name: str) -> str:
    if not value:
        raise ValueError(f"{act.value} needs {name}")
    return value
