"""Four eyes: what one member of staff proposed takes effect when a second one confirms it (`[staff] four_eyes`).

Confirming is the act itself, done by the second person with all its checks; the first one must still be allowed to do it.
Callers say of which kind the proposal is: what asks for the password again must not be reached by the way of what does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts.approval import LONGEST_REASON, check_may_decide, decide_within
from idp.accounts.staff_rights import check_permission
from idp.accounts.staff_roles import change_roles
from idp.errors import Refusal
from idp.policy.staff import Permission
from idp.store import audit, proposals, review_work

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.database import Transaction
    from idp.store.proposals import Proposal

_PERMISSIONS = {proposals.DECISION: Permission.DECIDE, proposals.ROLES: Permission.GIVE_ROLES}


def list_proposed_roles(provider: Provider) -> list[Proposal]:
    """Roles that wait for a second administrator."""
    with provider.database.reading() as tx:
        return proposals.list_open(tx, proposals.ROLES)


def confirm(provider: Provider, *, staff_id: str, kind: str, proposal_id: str, address: str = "") -> Proposal:
    """Do what a colleague proposed; out: what it was.

    Raises `Refusal`: `proposal_gone`, `own_proposal`, `proposal_void` (its author may not do it any more), and what the act
    itself refuses.
    """
    with provider.database.transaction() as tx:
        proposal = _end(tx, staff_id, kind, proposal_id, by_author=False)
        _check_author(tx, proposal)
        if proposal.kind == proposals.DECISION:
            decide_within(
                provider,
                tx,
                staff_id=staff_id,
                account_id=proposal.account_id,
                act=proposal.act,
                reason=proposal.reason,
                remark=proposal.remark,
                seen_at=proposal.seen_at,
                address=address,
            )
        else:
            change_roles(
                provider,
                tx,
                staff_id=staff_id,
                account_id=proposal.account_id,
                roles=proposal.details["roles"],
                families=proposal.details["families"],
                countries=proposal.details["countries"],
                address=address,
            )
        _record(provider, tx, "proposal_confirmed", staff_id, proposal, address)
    return proposal


def send_back(
    provider: Provider, *, staff_id: str, kind: str, proposal_id: str, note: str, address: str = ""
) -> Proposal:
    """Decline a colleague's proposal and say why; the application is open again for everybody.

    Raises `Refusal`: `proposal_gone`, `own_proposal`, `not_permitted`, `note_missing`, `note_too_long`; and for who could not
    confirm it either `own_account`, `beyond_limits`, `account_unknown`.
    """
    if not note.strip():
        raise Refusal("note_missing")
    if len(note) > LONGEST_REASON:
        raise Refusal("note_too_long", limit=LONGEST_REASON)
    with provider.database.transaction() as tx:
        proposal = _end(tx, staff_id, kind, proposal_id, by_author=False)
        if proposal.kind == proposals.DECISION:
            check_may_decide(tx, staff_id, proposal.account_id)
            review_work.add_note(
                tx,
                proposal.account_id,
                actor_kind="staff",
                actor=staff_id,
                text=note.strip(),
                now=provider.clock(),
            )
        _record(provider, tx, "proposal_sent_back", staff_id, proposal, address, note=note.strip())
    return proposal


def withdraw(provider: Provider, *, staff_id: str, kind: str, proposal_id: str, address: str = "") -> Proposal:
    """Take one's own proposal back. Raises `Refusal`: `proposal_gone`, `not_permitted`."""
    with provider.database.transaction() as tx:
        proposal = _end(tx, staff_id, kind, proposal_id, by_author=True)
        _record(provider, tx, "proposal_withdrawn", staff_id, proposal, address)
    return proposal


def _end(tx: Transaction, staff_id: str, kind: str, proposal_id: str, *, by_author: bool) -> Proposal:
    """Take the proposal out, if this person may; exactly one caller gets it."""
    proposal = proposals.find(tx, proposal_id)
    if proposal is None or proposal.kind != kind:
        raise Refusal("proposal_gone")
    check_permission(tx, staff_id, _PERMISSIONS[proposal.kind])
    if not by_author and proposal.staff_id == staff_id:
        raise Refusal("own_proposal")
    if not proposals.end(tx, proposal_id, staff_id, by_author=by_author):
        raise Refusal("proposal_gone")
    return proposal


def _check_author(tx: Transaction, proposal: Proposal) -> None:
    """The first pair of eyes counts only while its owner may still do the same."""
    try:
        if proposal.kind == proposals.DECISION:
            check_may_decide(tx, proposal.staff_id, proposal.account_id)
        else:
            check_permission(tx, proposal.staff_id, Permission.GIVE_ROLES)
    except Refusal as refusal:
        raise Refusal("account_unknown" if refusal.key == "account_unknown" else "proposal_void") from None


def _record(
    provider: Provider, tx: Transaction, what: str, staff_id: str, proposal: Proposal, address: str, *, note: str = ""
) -> None:
    details = {"proposed_by": proposal.staff_id, "act": proposal.act}
    audit.record(
        tx,
        what,
        now=provider.clock(),
        actor_kind="staff",
        actor=staff_id,
        account_id=proposal.account_id,
        address=address,
        details=details | ({"reason": note} if note else {}),
    )
