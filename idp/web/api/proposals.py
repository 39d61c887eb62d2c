"""Answering what a colleague proposes, where acts need two people (`accounts/four_eyes`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts import four_eyes
from idp.web.api.rows import told_proposal
from idp.web.browser_session import client_address
from idp.web.context import provider

if TYPE_CHECKING:
    from idp.web.api import models
    from idp.web.api.access import Caller


def answer(caller: Caller, kind: str, proposal_id: str, asked: models.Answer) -> models.Proposal:
    """Confirm a colleague's proposal of this kind, send it back, or withdraw one's own; the answer is what it was."""
    own, address = caller.account_id, client_address()
    if asked.act == "send_back":
        ended = four_eyes.send_back(
            provider(), staff_id=own, kind=kind, proposal_id=proposal_id, note=asked.note, address=address
        )
    else:
        act = four_eyes.confirm if asked.act == "confirm" else four_eyes.withdraw
        ended = act(provider(), staff_id=own, kind=kind, proposal_id=proposal_id, address=address)
    return told_proposal(ended)
