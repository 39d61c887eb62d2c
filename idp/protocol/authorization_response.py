"""The authorization response: RFC 6749 §4.1.2, §4.2.2, OAuth 2.0 Multiple Response Type Encoding Practices §2, Form Post.

Success and error go through one function, so that `state` and `iss` (RFC 9207 §2) are never forgotten and both come back
in the same mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from idp.errors import ProtocolError

QUERY, FRAGMENT, FORM_POST = RESPONSE_MODES = ("query", "fragment", "form_post")


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where an answer may go, and how: made only after client and redirect URI were checked."""

    redirect_uri: str
    state: str | None
    issuer: str
    mode: str = QUERY


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer for the client: an address to go to, or a form to post (`is_form`)."""

    redirect_uri: str
    mode: str
    values: Mapping[str, str] = field(repr=False)

    @property
    def is_form(self) -> bool:
        """Whether the browser posts the values (OAuth 2.0 Form Post Response Mode §2)."""
        return self.mode == FORM_POST

    @property
    def location(self) -> str:
        """The address of a redirect; the redirect URI's own query is kept (RFC 6749 §3.1.2)."""
        encoded = urlencode(self.values, quote_via=quote)
        if self.mode == FRAGMENT:
            return f"{self.redirect_uri}#{encoded}"
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{encoded}"


def find_response_mode(response_type: str | None, asked: str | None) -> str:
    """The mode that an answer travels in, also where the request is at fault.

    What a front channel hands out never goes through a query (Multiple Response Types §3, RD-11).
    """
    is_code_only = response_type in (None, "code")
    if asked in (FRAGMENT, FORM_POST) or (asked == QUERY and is_code_only):
        return asked or QUERY
    return QUERY if is_code_only else FRAGMENT


def build_success(reply_to: ReplyTo, values: Mapping[str, str]) -> Reply:
    """The answer that hands code and tokens to the client."""
    return _build(reply_to, values)


def build_error(reply_to: ReplyTo, error: ProtocolError) -> Reply:
    """The answer that tells the client why not (RFC 6749 §4.1.2.1)."""
    values = {"error": error.error}
    if error.description:
        values["error_description"] = error.description
    return _build(reply_to, values)


def _build(reply_to: ReplyTo, values: Mapping[str, str]) -> Reply:
    state = {} if reply_to.state is None else {"state": reply_to.state}
    return Reply(reply_to.redirect_uri, reply_to.mode, {**values, **state, "iss": reply_to.issuer})
