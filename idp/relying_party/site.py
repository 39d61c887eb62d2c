"""A site: the object that a Flask application is connected with.

Reads the cookie once per request and only where a view asks who is signed in; writes it only when something changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as AnyResponse

from idp.relying_party import pages, sign_in, sign_out
from idp.relying_party.cookie import CookieBox
from idp.relying_party.customer import Customer
from idp.relying_party.provider_client import (
    GrantEnded,
    InvalidToken,
    ProviderClient,
    ProviderUnavailable,
)
from idp.relying_party.shared_store import SharedStore, SQLiteStore
from idp.relying_party.site_session import SiteSession, renew_session

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]

DEFAULT_SCOPE = "openid profile email approval session"
SESSION_PURPOSE = "site-session"


class Site:
    """A sibling site's connection to the identity provider.

    `issuer`, `client_id`, `client_secret`: as registered; a public client gives no secret. `secret_key`: at least 16
    random bytes that encrypt the site's cookies, the same in all its processes. `base_url`: the site's public address,
    where it is not what the request says. `store`: a `SharedStore`, by default a SQLite file in the instance folder.
    `status_age`: how old the approval status may be, in seconds.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        issuer: str,
        client_id: str,
        client_secret: str | None = None,
        secret_key: str | bytes | None = None,
        scope: str = DEFAULT_SCOPE,
        prefix: str = "/account",
        base_url: str | None = None,
        cookie_name: str | None = None,
        store: SharedStore | None = None,
        status_age: int = 10,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.client_id = client_id
        self.scope = scope
        self.prefix = prefix
        self.base_url = base_url.rstrip("/") if base_url else None
        self.provider = ProviderClient(issuer, client_id, client_secret)
        self.status_age = status_age
        self._clock = clock
        self._secret_key = secret_key
        self._store = store
        safe_id = "".join(c if c.isalnum() else "_" for c in client_id)
        self.cookie_name = cookie_name or f"{safe_id}_session"
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Connect the application: routes, cookie, template variable `customer`."""
        self.box = CookieBox(self._secret_key or app.config.get("SECRET_KEY") or b"", self.client_id)
        self.store: SharedStore = self._store or SQLiteStore(Path(app.instance_path) / f"{self.cookie_name}.sqlite3")
        self.app = app
        app.extensions["idp_site"] = self
        app.register_blueprint(sign_in.routes(self), url_prefix=self.prefix)
        app.register_blueprint(sign_out.routes(self), url_prefix=self.prefix)
        app.after_request(self._keep_cookie)
        app.context_processor(lambda: {"customer": self.customer, "site": self})

    @property
    def now(self) -> int:
        """Seconds since the epoch."""
        return int(self._clock())

    @property
    def customer(self) -> Customer | None:
        """Who is signed in, with a status that is at most `status_age` seconds old; None if nobody is.

        Where the provider cannot be asked, its last word stands: pages that need approval wait (503), others go on.
        """
        session = self.session
        return session.customer if session else None

    @property
    def session(self) -> SiteSession | None:
        """The session behind this request, checked once."""
        if "idp_session" not in g:
            g.idp_session = self._check_session()
        found: SiteSession | None = g.idp_session
        return found

    def _check_session(self) -> SiteSession | None:
        g.idp_status_is_old = False
        cookie = request.cookies.get(self.full_name(self.cookie_name))
        if not cookie:
            return None
        session = SiteSession.from_cookie(self.box.open(SESSION_PURPOSE, cookie), self.now)
        if session is None or self.store.has_ended(session.sid, session.subject, session.started_at):
            self.forget()
            return None
        if self.now - session.checked_at < self.status_age:
            return session
        try:
            session = renew_session(self.provider, session, self.now)
        except ProviderUnavailable:
            g.idp_status_is_old = True
            return session
        except (GrantEnded, InvalidToken):
            self.forget()
            return None
        g.idp_status_is_old = self.now - session.checked_at >= self.status_age
        self.remember(session)
        return session

    def remember(self, session: SiteSession) -> None:
        """Write the session into the cookie of this answer."""
        g.idp_session = session
        g.idp_cookie = session

    def forget(self) -> None:
        """Take the cookie away with this answer."""
        g.idp_session = None
        g.idp_cookie = None

    def signed_in_required(self, view: View[P]) -> View[P]:
        """Let only signed-in customers in; others sign in first and come back to the same page, a POST's input kept."""

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if self.session is None:
                return sign_in.start_from_here(self)
            return view(*args, **kwargs)

        return guarded

    def approved_required(self, view: View[P]) -> View[P]:
        """Let only approved customers in; others are told where they stand."""

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            session = self.session
            if session is None:
                return sign_in.start_from_here(self)
            if g.idp_status_is_old:
                return pages.provider_unavailable()
            if not session.customer.is_approved:
                return pages.not_approved(self, session.customer)
            return view(*args, **kwargs)

        return guarded

    @property
    def origin(self) -> str:
        """The site's public address without a path."""
        return self.base_url or request.host_url.rstrip("/")

    def url(self, path: str) -> str:
        """An absolute address of one of the kit's routes (redirect URIs are compared exactly)."""
        return self.origin + self.prefix + path

    def set_cookie(self, response: AnyResponse, name: str, value: str, max_age: int | None) -> None:
        """Set a cookie as the kit's are set: not for scripts, not for other sites, Secure over https."""
        response.set_cookie(
            self.full_name(name),
            value,
            max_age=max_age,
            httponly=True,
            secure=self._is_https,
            samesite="Lax",
            path="/",
        )

    def drop_cookie(self, response: AnyResponse, name: str) -> None:
        """Take a cookie away; browsers listen only if it is Secure as the one they hold."""
        response.delete_cookie(self.full_name(name), httponly=True, secure=self._is_https, samesite="Lax", path="/")

    def full_name(self, name: str) -> str:
        """The name that a cookie has in the browser: over https no other host of the domain can plant it (`__Host-`)."""
        return f"__Host-{name}" if self._is_https else name

    @property
    def _is_https(self) -> bool:
        return self.origin.startswith("https:")

    def _keep_cookie(self, response: Response) -> Response:
        if "idp_session" in g:
            response.headers["Cache-Control"] = "private, no-store"
            response.vary.add("Cookie")
        if "idp_cookie" not in g:
            return response
        session: SiteSession | None = g.idp_cookie
        if session is None:
            self.drop_cookie(response, self.cookie_name)
            return response
        # Persistent only where the customer asked for it; the end is the provider's and never moves.
        max_age = max(session.expires_at - self.now, 0) if session.kept else None
        self.set_cookie(response, self.cookie_name, self.box.seal(SESSION_PURPOSE, session.to_cookie()), max_age)
        return response
