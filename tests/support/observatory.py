"""The scoring of MDN's HTTP Observatory, as its public documentation and tables have it (state of November 2026).

A page begins with 100 points. Penalties count first; bonuses count only where 90 points are left. What needs a look at the
line itself (certificate, redirect from http, the preload list of browsers) is left out: it takes nothing away from a site
that is served by https alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from urllib.parse import urlsplit

BROAD = {"ftp:", "http:", "https:", "*", "http://*", "http://*.*", "https://*", "https://*.*"}
INLINE = {"'unsafe-inline'", "data:"}
SIX_MONTHS = 15_768_000
LEAST_FOR_BONUS = 90
SESSION_NAME = re.compile(r"login|sess", re.IGNORECASE)
PRIVATE = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}


def score(headers: Iterable[tuple[str, str]], html: str, host: str) -> tuple[int, dict[str, int]]:
    """Points and what they are made of, for a page that was answered by https."""
    pairs = [(name.lower(), value) for name, value in headers]
    one = dict(pairs)
    policy = _parse_policy(one.get("content-security-policy", ""))
    parts = {
        "content-security-policy": _score_policy(policy),
        "cookies": _score_cookies([value for name, value in pairs if name == "set-cookie"], _has_hsts(one)),
        "cross-origin-resource-sharing": _score_sharing(one),
        "cross-origin-resource-policy": _score_resource_policy(one.get("cross-origin-resource-policy")),
        "referrer-policy": _score_referrer(one.get("referrer-policy")),
        "strict-transport-security": _score_hsts(one.get("strict-transport-security")),
        "subresource-integrity": _score_scripts(html, host),
        "x-content-type-options": 0 if one.get("x-content-type-options", "").strip().lower() == "nosniff" else -5,
        "x-frame-options": _score_frames(one.get("x-frame-options"), policy),
    }
    points = 100 + sum(part for part in parts.values() if part < 0)
    if points >= LEAST_FOR_BONUS:
        points += sum(part for part in parts.values() if part > 0)
    return points, parts


def _parse_policy(text: str) -> dict[str, set[str]]:
    directives: dict[str, set[str]] = {}
    for directive in text.split(";"):
        words = directive.split()
        if words:
            directives.setdefault(words[0].lower(), {word.lower() for word in words[1:]} or {"'none'"})
    return directives


def _score_policy(policy: Mapping[str, set[str]]) -> int:
    if not policy:
        return -25
    otherwise = policy.get("default-src", {"*"})
    scripts, styles = (
        _without_vain(policy.get("script-src", otherwise)),
        _without_vain(policy.get("style-src", otherwise)),
    )
    passive = {source for name in ("img-src", "media-src") for source in policy.get(name, otherwise)}
    active = {source for name, sources in policy.items() if name not in ("img-src", "media-src") for source in sources}
    checks = (
        (bool(scripts & (BROAD | INLINE)) or bool(policy.get("object-src", otherwise) & BROAD), -20),
        (any(source.startswith(("http:", "ftp:")) for source in active), -20),
        ("'unsafe-eval'" in scripts | styles, -10),
        (any(source.startswith(("http:", "ftp:")) for source in passive), -10),
        (bool(styles & (BROAD | INLINE)), 0),
        (policy.get("default-src") == {"'none'"}, 10),
    )
    return next((points for is_so, points in checks if is_so), 5)


def _without_vain(sources: set[str]) -> set[str]:
    """A nonce or a hash makes browsers forget `'unsafe-inline'`."""
    has_better = any(source.startswith(("'nonce-", "'sha256-", "'sha384-", "'sha512-")) for source in sources)
    return sources - {"'unsafe-inline'"} if has_better else sources


def _score_cookies(cookies: list[str], has_hsts: bool) -> int:
    return min((_score_cookie(cookie, has_hsts) for cookie in cookies), default=0)


def _score_cookie(cookie: str, has_hsts: bool) -> int:
    name = cookie.partition("=")[0]
    words = [part.strip().lower() for part in cookie.split(";")[1:]]
    same_site = next((word.partition("=")[2] for word in words if word.startswith("samesite")), None)
    is_session = bool(SESSION_NAME.search(name))
    if "secure" not in words:
        return {(True, True): -10, (True, False): -40, (False, True): -5, (False, False): -20}[is_session, has_hsts]
    if is_session and "httponly" not in words:
        return -30
    if same_site is None:
        return -20 if "csrf" in name.lower() else 0
    return 5 if same_site in ("lax", "strict", "none") else -20  # "none" is fine for a cookie that is Secure


def _score_sharing(headers: Mapping[str, str]) -> int:
    """Only sharing with whoever asks, cookies included, costs."""
    allowed = headers.get("access-control-allow-origin")
    with_cookies = headers.get("access-control-allow-credentials", "").lower() == "true"
    return -50 if allowed is not None and with_cookies else 0


def _score_resource_policy(value: str | None) -> int:
    if value is None:
        return 0
    return {"same-origin": 10, "same-site": 10, "cross-origin": 0}.get(value.strip().lower(), -5)


def _score_referrer(value: str | None) -> int:
    if value is None:
        return 0
    return 5 if value.split(",")[-1].strip().lower() in PRIVATE else -5


def _has_hsts(headers: Mapping[str, str]) -> bool:
    return _score_hsts(headers.get("strict-transport-security")) == 0


def _score_hsts(value: str | None) -> int:
    found = re.search(r"max-age=\"?(\d+)", value or "", re.IGNORECASE)
    if found is None:
        return -20
    return 0 if int(found[1]) >= SIX_MONTHS else -10


def _score_frames(value: str | None, policy: Mapping[str, set[str]]) -> int:
    if "frame-ancestors" in policy and not policy["frame-ancestors"] & BROAD:
        return 5
    return 0 if (value or "").strip().upper() in ("DENY", "SAMEORIGIN") else -20


class _Scripts(HTMLParser):
    """The addresses of scripts, with their integrity."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "script" and values.get("src"):
            self.found.append((values["src"] or "", bool(values.get("integrity"))))


def _score_scripts(html: str, host: str) -> int:
    parser = _Scripts()
    parser.feed(html)
    if not parser.found:
        return 0
    return min(_score_script(urlsplit(src), src.startswith("//"), integrity, host) for src, integrity in parser.found)


def _score_script(address: object, is_relative: bool, integrity: bool, host: str) -> int:
    scheme, netloc = getattr(address, "scheme", ""), getattr(address, "netloc", "")
    is_secure = not is_relative and scheme in ("", "https")
    if netloc in ("", host) and is_secure:
        return 5 if integrity else 0
    if is_secure:
        return 5 if integrity else -5
    return -20 if integrity else -50
