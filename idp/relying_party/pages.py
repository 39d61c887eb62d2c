"""The few pages that the kit shows itself, in the reader's language; a site overrides any template of `idp_site/`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response, make_response, render_template, request

from idp.relying_party.customer import Customer
from idp.relying_party.words import WORDS

if TYPE_CHECKING:
    from idp.relying_party.site import Site


def provider_unavailable() -> Response:
    """The provider cannot be asked just now; nothing is lost (503)."""
    response = _page("unavailable", 503, retry=request.full_path.rstrip("?") if request.method == "GET" else "/")
    response.headers["Retry-After"] = "5"
    return response


def not_approved(site: Site, customer: Customer) -> Response:
    """This part is for approved customers: where the customer stands and what to do."""
    status = customer.approval_status if customer.approval_status in ("pending", "rejected", "suspended") else "pending"
    return _page("not_approved", 403, standing=status, account=site.provider.issuer + "/")


def denied(site: Site, target: str) -> Response:
    """The provider did not let the customer in: refused there, or the customer went back."""
    return _page("denied", 403, retry=_retry(site, target), account=site.provider.issuer + "/")


def sign_in_failed(site: Site, target: str, detail: str) -> Response:
    """The walk did not end well (expired, another browser, a bad answer): start it again."""
    code = "".join(c for c in detail if c.isalnum() or c in "_-. ")[:40]
    return _page("failed", 400, retry=_retry(site, target), code=code)


def send_again(path: str, fields: list[list[str]]) -> Response:
    """The session ended while a form was filled in: here is what was typed, one button sends it."""
    return _page("send_again", 200, path=path, fields=fields)


def signed_out(*, only_here: bool = False) -> Response:
    """Signed out."""
    return _page("signed_out", 200, only_here=only_here)


def _retry(site: Site, target: str) -> str:
    return f"{site.prefix}/sign-in?{urlencode({'target': target})}"


def _page(name: str, status: int, **values: object) -> Response:
    language = request.accept_languages.best_match(list(WORDS), default="en")
    body = render_template(f"idp_site/{name}.html", words=WORDS[language], language=language, **values)
    response = make_response(body, status)
    response.headers["Cache-Control"] = "no-store"
    return response
