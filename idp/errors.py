"""Errors as values that more than one room raises.

A protocol error has the standard's code, a public description (only the characters of RFC 6749 §5.2, never input), a
private detail for the log, and says whether it may travel by redirect. A refusal is the "no" of a page: a stable key
whose words the web room finds in the reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping


class ConfigError(Exception):
    """A setting that is unknown or cannot work; the text names file, key and what would be right."""


class ProtocolError(Exception):
    """An answer of the standards: `error` code, HTTP status, public description (RFC 6749 §4.1.2.1 and §5.2).

    `may_redirect` is false for what must stay on our own page (unknown client, bad redirect URI). `detail` goes to the
    log and never to the caller. `headers` are added to the answer (`WWW-Authenticate`).
    """

    def __init__(
        self,
        error: str,
        description: str = "",
        *,
        status: int = 400,
        detail: str = "",
        may_redirect: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.detail = detail
        self.may_redirect = may_redirect
        self.headers = dict(headers or {})


class Refusal(Exception):
    """A person's wish that is not granted: `key` is stable, `details` are values for the sentence that tells it."""

    def __init__(self, key: str, **details: object) -> None:
        super().__init__(key)
        self.key = key
        self.details = details


class TryLater(Exception):
    """A delivery that did not succeed now; the text is the reason for staff and holds no address and no secret."""


class GiveUp(Exception):
    """A delivery that will never succeed; the text is the reason that the dead letter keeps."""


class Busy(Exception):
    """Too much work of one kind waits already; the answer is 503 with `Retry-After` (PW-6)."""

    def __init__(self, retry_after: int = 2) -> None:
        super().__init__(f"busy, try again in {retry_after} s")
        self.retry_after = retry_after
