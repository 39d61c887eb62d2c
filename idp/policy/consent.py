"""Consent: when the end-user is asked what a client may know (RD-16; OpenID Connect Core §3.1.2.4, §11)."""

from __future__ import annotations

OFFLINE = "offline_access"


def needs_consent(
    asked: frozenset[str], granted: frozenset[str], *, first_party: bool, prompt: frozenset[str], has_consented: bool
) -> bool:
    """Whether the consent page is shown.

    The operator's own sites need none, but what outlives the session (`offline_access`) is always the end-user's to give.
    `prompt=consent` asks again whatever is remembered; `has_consented` says that this very request was answered.
    """
    if has_consented:
        return False
    if "consent" in prompt:
        return True
    needed = asked & {OFFLINE} if first_party else asked
    return not needed <= granted
