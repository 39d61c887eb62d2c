"""Who sits at the browser: the session cookie, the browser cookie, and the gate of pages for signed-in people.

Cookies hold nothing but random values (SE-1). The *session* cookie's secret finds the session's row; the *browser*
cookie exists before sign-in and ties pending requests, registrations and forms to one browser (RD-15); the *device* cookie
says that somebody signed in here before, and outlives sign-out (BF-4). On https they have `__Host-` names and `Secure`; on
an http loopback issuer plain names. A fourth, *state*, is the only one that scripts and framed pages may read; it
changes with the session and opens nothing. A cookie that is doubled, malformed or unknown means "signed out" (SE-5).

`current_session` and `browser_id` read once per request; call them before a transaction is opened. Cookies are written
by `install`'s hook, after the view.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

from flask import Response, g, redirect, request, session, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from idp.accounts.guessing import Caller
from idp.keys.secrets import new_secret
from idp.protocol.session_management import make_browser_state
from idp.store import kept_inputs, sessions
from idp.web.context import provider
from idp.web.local_paths import may_return_here, parse_next

if TYPE_CHECKING:
    from flask import Flask

    from idp.provider import Provider
    from idp.store.sessions import Session, StartedSession

P = ParamSpec("P")

BROWSER_COOKIE_LIFETIME = 30 * 86400
DEVICE_COOKIE_LIFETIME = 180 * 86400
KEPT_INPUT_LIFETIME = 1800
KEPT_INPUT = "kept"
TOUCH_EVERY = 60
_SECRET_FIELD = re.compile(r"password|csrf|token|code", re.IGNORECASE)
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}\Z")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The end-user of this browser's session; `is_idle` means the password is asked again before anything else."""

    sid: str
    account_id: str
    auth_time: int
    started_at: int
    expires_at: int
    kept: bool
    amr: str
    is_idle: bool


def install(app: Flask) -> None:
    """Write the cookies that a view asked for, and mark answers that depended on one (SE-12)."""
    app.after_request(_write_cookies)


def current_session() -> SignedIn | None:
    """The live session of this browser, idle or not; None where nobody is signed in."""
    if "signed_in" not in g:
        g.signed_in = _load()
    signed_in: SignedIn | None = g.signed_in
    return signed_in


def get_signed_in() -> SignedIn:
    """The session of a view behind `signed_in_required` (raises `LookupError` elsewhere)."""
    signed_in = current_session()
    if signed_in is None:
        raise LookupError("nobody is signed in")
    return signed_in


def browser_id(create: bool = True) -> str:
    """The browser's own random value; made, and set as a cookie, where it has none ("" if `create` is False)."""
    if "browser_id" not in g:
        g.browser_id = _read_cookie("browser") or ""
    if not g.browser_id and create:
        g.browser_id = new_secret()
        g.new_browser_id = True
    value: str = g.browser_id
    return value


def caller() -> Caller:
    """Where this request comes from, for the counters of tries."""
    if "device" not in g:
        g.device = _read_cookie("device") or new_secret()
    return Caller(address=client_address(), device=g.device, user_agent=request.user_agent.string[:255])


def keep_device() -> None:
    """Write the secret by which an account knows this browser, as a sign-in does."""
    g.write_device = True


def start(started: StartedSession) -> None:
    """Give this browser the session: its cookie is written after the view, for as long as the session is kept."""
    before: SignedIn | None = g.get("signed_in")
    if before is None or before.account_id != started.session.account_id:
        session.clear()  # form tokens from before sign-in end with it (WB-1)
    g.session_cookie = started
    g.write_device = True
    g.signed_in = _seen(provider(), started.session, provider().clock())


def forget(*, keeps_browser: bool = False) -> None:
    """Take the session cookie away, and the browser's value with it: the next person starts afresh (SE-7).

    `keeps_browser`: it is the same person, on the way to a site whose request waits in this browser.
    """
    session.clear()
    g.session_cookie = None
    g.signed_in = None
    if keeps_browser:
        return
    g.browser_id = new_secret()
    g.new_browser_id = True


def signed_in_required(view: Callable[P, Any]) -> Callable[P, Any]:
    """Let a view run only for a session that is not idle; others sign in first and come back to the same page."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        signed_in = current_session()
        if signed_in is None or signed_in.is_idle:
            return redirect_to_sign_in()
        return view(*args, **kwargs)

    return may_return_here(guarded)


def freshly_signed_in(view: Callable[P, Any]) -> Callable[P, Any]:
    """Let a view run only shortly after the password was given; else it is asked for again, and one comes back (SE-13)."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        return view(*args, **kwargs) if is_fresh(current_session()) else redirect_to_sign_in(again=True)

    return may_return_here(guarded)


def is_fresh(signed_in: SignedIn | None) -> bool:
    """Whether the password was given within `lifetimes.fresh` in this session, and the session is not idle."""
    if signed_in is None or signed_in.is_idle:
        return False
    return provider().clock() - signed_in.auth_time <= provider().settings.lifetimes.fresh


def redirect_to_sign_in(*, again: bool = False) -> AnyResponse:
    """To the sign-in page and back to this one, with what was typed here; `again`: also where somebody is signed in."""
    query = request.query_string.decode("ascii", "replace")
    here = f"{request.path}?{query}" if query else request.path
    if request.method == "POST":
        handle = _keep_typed()
        here = f"{request.path}?{KEPT_INPUT}={handle}" if handle else request.path
    signed_in = current_session()
    is_here = signed_in is not None and not signed_in.is_idle
    return redirect(url_for("sign_in.page", next=here, again=1 if again and is_here else None), 303)


def typed_before() -> MultiDict[str, str] | None:
    """What this person had typed into this page when the session ended; None where nothing was kept."""
    handle, signed_in = request.args.get(KEPT_INPUT), current_session()
    if request.method != "GET" or not handle or signed_in is None:
        return None
    parts = provider()
    with parts.database.reading() as tx:
        pairs = kept_inputs.find_input(
            tx,
            parts.master,
            handle=handle,
            browser_id=browser_id(create=False),
            account_id=signed_in.account_id,
            path=request.path,
            now=parts.clock(),
        )
    return MultiDict(pairs) if pairs else None


def _keep_typed() -> str | None:
    """Keep the fields of this POST for the person whose session it was; no passwords, no tokens."""
    secret = _read_cookie("session")
    pairs = [(name, value) for name, value in request.form.items(multi=True) if not _SECRET_FIELD.search(name)]
    if secret is None or not pairs or parse_next(request.path) is None:
        return None
    parts, browser = provider(), browser_id()
    with parts.database.transaction() as tx:
        owner = sessions.find_owner(tx, secret)
        if owner is None:
            return None
        return kept_inputs.keep_input(
            tx,
            parts.master,
            browser_id=browser,
            account_id=owner,
            path=request.path,
            pairs=pairs,
            lifetime=KEPT_INPUT_LIFETIME,
            now=parts.clock(),
        )


def cookie_name(kind: str) -> str:
    """The name of the `session` or `browser` cookie (RFC 6265bis §4.1.3.2)."""
    return f"__Host-idp_{kind}" if provider().settings.is_https else f"idp_{kind}"


def state_cookie_name() -> str:
    """The name of the cookie that the session check's frame reads (OpenID Connect Session Management 1.0)."""
    return cookie_name("state")


def client_address() -> str:
    """The address this request came from, as the trusted proxies say (BF-6)."""
    return request.remote_addr or ""


def find_signed_in(parts: Provider, secret: str, now: int) -> SignedIn | None:
    """Who is signed in with a session cookie's secret; that the browser was here is noted once a minute."""
    with parts.database.reading() as tx:
        found = sessions.find_visitor(tx, secret, now)
    if found is None:
        return None
    session, is_staff = found
    seen = _seen(parts, session, now, is_staff=is_staff)
    if not seen.is_idle and now - session.last_seen_at >= TOUCH_EVERY:
        with parts.database.transaction() as tx:
            sessions.touch_session(tx, session.sid, now)
    return seen


def is_secret(value: str) -> bool:
    """Whether a cookie's value looks like one of ours."""
    return _SECRET.match(value) is not None


def _load() -> SignedIn | None:
    secret = _read_cookie("session")
    return None if secret is None else find_signed_in(provider(), secret, provider().clock())


def _seen(parts: Provider, found: Session, now: int, *, is_staff: bool = False) -> SignedIn:
    """What the row says now; who has a role is asked for the password again sooner, kept or not (AD-7)."""
    lifetimes = parts.settings.lifetimes
    pause = now - found.last_seen_at
    return SignedIn(
        sid=found.sid,
        account_id=found.account_id,
        auth_time=found.auth_time,
        started_at=found.started_at,
        expires_at=found.expires_at,
        kept=found.kept,
        amr=found.amr,
        is_idle=found.is_idle(now, lifetimes.idle) or (is_staff and pause > lifetimes.staff_idle),
    )


def _read_cookie(kind: str) -> str | None:
    """The cookie's value if it was sent exactly once and looks like one of ours (SE-5)."""
    g.read_cookies = True
    values = request.cookies.getlist(cookie_name(kind))
    if len(values) != 1 or not is_secret(values[0]):
        return None
    return values[0]


def _write_cookies(response: Response) -> Response:
    if "session_cookie" in g:
        _write_session_cookie(response, g.session_cookie)
    if g.get("write_device") and "device" in g:
        _set(response, "device", g.device, DEVICE_COOKIE_LIFETIME)
    if g.get("new_browser_id"):
        _set(response, "browser", g.browser_id, BROWSER_COOKIE_LIFETIME)
    if provider().settings.is_https and "signed_in" in g:
        _write_state(response, g.signed_in)
    if g.get("read_cookies"):
        response.vary.add("Cookie")
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _write_session_cookie(response: Response, started: StartedSession | None) -> None:
    if started is None:
        response.delete_cookie(
            cookie_name("session"), path="/", secure=provider().settings.is_https, httponly=True, samesite="Lax"
        )
        return
    left = max(0, started.session.expires_at - provider().clock())
    _set(response, "session", started.secret, left if started.session.kept else None)


def _write_state(response: Response, signed_in: SignedIn | None) -> None:
    """Keep the state cookie as the session is: another one for another session, none without.

    Requests from other sites bring this cookie and not the session's: they say nothing about the session, and end no state.
    """
    name, sent = state_cookie_name(), request.cookies.get(state_cookie_name())
    if signed_in is None:
        if sent is not None and ("session_cookie" in g or cookie_name("session") in request.cookies):
            response.delete_cookie(name, path="/", secure=True, samesite="None")
        return
    value = make_browser_state(provider().master, signed_in.sid)
    if sent != value or "session_cookie" in g:
        left = max(0, signed_in.expires_at - provider().clock())
        response.set_cookie(
            name, value, max_age=left if signed_in.kept else None, path="/", secure=True, samesite="None"
        )


def _set(response: Response, kind: str, value: str, max_age: int | None) -> None:
    response.set_cookie(
        cookie_name(kind),
        value,
        max_age=max_age,
        path="/",
        secure=provider().settings.is_https,
        httponly=True,
        samesite="Lax",
    )
