"""OpenID Connect Session Management 1.0: the `session_state` of an answer, which a site compares again without asking us.

The state of the browser is derived from the session's `sid`, so that it is another one for the next person and gone after
sign-out, and tells nothing. It lies in a cookie of its own that our frame at the site can read, and nothing else does.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from idp.keys.secrets import new_identifier

if TYPE_CHECKING:
    from idp.keys.master import MasterKey

_PURPOSE = "browser-state"
_DEFAULT_PORTS = {"https": 443, "http": 80}


def make_browser_state(master: MasterKey, sid: str) -> str:
    """What the cookie holds while this session lives."""
    return master.derive_token(_PURPOSE, sid)


def build_session_state(client_id: str, redirect_uri: str, browser_state: str, salt: str = "") -> str:
    """`session_state` for a client at the origin of its redirect URI (§3.2): a salted hash, with the salt behind a dot."""
    salt = salt or new_identifier()
    text = f"{client_id} {find_origin(redirect_uri)} {browser_state} {salt}"
    return f"{hashlib.sha256(text.encode()).hexdigest()}.{salt}"


def find_origin(uri: str) -> str:
    """The origin that a browser tells for a page at this address (RFC 6454 §6.2)."""
    parts = urlsplit(uri)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
