"""Asking whether a password is in a breach, without telling it: k-anonymous range look-up (PW-4), off unless set.

The first five of forty hexadecimal digits of the password's SHA-1 are sent, and the answer lists the rest of every known
password that shares them, padded so that its length says nothing (the protocol of Have I Been Pwned, which others serve as
well). Whoever serves it learns neither password nor person; where nobody answers, the password counts as unknown.
"""

from __future__ import annotations

import hashlib
import re
import time
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from idp.accounts.passwords import check_new_password
from idp.errors import Refusal
from idp.signals.fetcher import FetchFailed, FetchRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from idp.provider import Provider
    from idp.signals.fetcher import Fetcher

log = structlog.get_logger("idp.accounts.passwords")

ANSWER_SECONDS = 2.0
REST_SECONDS = 60.0
"""So long nobody is asked after the service did not answer: a form does not wait for it again and again."""

_LINE = re.compile(r"([0-9A-F]{35}):([0-9]{1,12})")


class BreachRange:
    """The service at an address that ends before the five digits; without one nothing is asked."""

    def __init__(self, fetcher: Fetcher, url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._fetcher = fetcher
        self._url = url
        self._monotonic = monotonic
        self._rests_until = 0.0

    def knows(self, password: str) -> bool:
        """Whether the password is in a breach; False as well where nobody can say."""
        if not self._url or self._monotonic() < self._rests_until:
            return False
        text = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
        digest = hashlib.sha1(text, usedforsecurity=False).hexdigest().upper()
        try:
            answer = self._fetcher.get(
                self._url + digest[:5],
                accept="text/plain",
                headers={"Add-Padding": "true"},
                within=ANSWER_SECONDS,
            )
            if answer.status != 200:
                raise FetchFailed(f"it answered {answer.status}")
        except (FetchFailed, FetchRefused) as error:
            self._rests_until = self._monotonic() + REST_SECONDS
            log.warning("breach_range_not_asked", why=str(error))
            return False
        found = dict(_LINE.findall(answer.body.decode("ascii", "replace").upper()))
        return int(found.get(digest[5:], 0)) > 0


def check_chosen_password(provider: Provider, password: str, personal: Iterable[str] = ()) -> None:
    """Raise `Refusal` where a password cannot be chosen: the rules of `check_new_password`, and `password.breached`.

    To be called outside transactions: it may ask another service.
    """
    check_new_password(password, minimum=provider.settings.passwords.minimum_length, personal=personal)
    if provider.breaches.knows(password):
        raise Refusal("password.breached")
