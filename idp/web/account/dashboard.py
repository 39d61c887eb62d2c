"""`/`: the sign-in page, or for somebody signed in the dashboard: where they stand, and the sites they can enter (F-1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from flask import Blueprint

from idp.policy.site_access import SiteAccess, decide_site_access
from idp.store import accounts, approvals, clients
from idp.web import browser_session
from idp.web.account.sign_in import first_page
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.local_paths import may_return_here
from idp.web.pages import render

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from idp.store.accounts import Account
    from idp.store.clients import RegisteredClient

blueprint = Blueprint("dashboard", __name__)


@dataclass(frozen=True, slots=True)
class Site:
    """A site as the dashboard shows it: its address to enter by, and why not where one cannot."""

    name: str
    description: str
    host: str
    enter: str
    access: SiteAccess


@blueprint.get("/")
@may_return_here
def page() -> Response:
    """The first page."""
    signed_in = browser_session.current_session()
    if signed_in is None:
        return first_page()
    if signed_in.is_idle:
        return browser_session.redirect_to_sign_in()
    with provider().database.reading() as tx:
        account = accounts.get_account(tx, signed_in.account_id)
        registered = clients.list_clients(tx)
        decision = approvals.latest_decision(tx, account.account_id)
    sites = [_site(client, account) for client in registered if client.initiate_login_uri and not client.disabled]
    return render(
        "account/dashboard.html",
        account=account,
        signed_in=signed_in,
        sites=sites,
        reason=decision.reason if decision and decision.new_status == account.approval_status else "",
        form=ActForm(),
    )


def _site(client: RegisteredClient, account: Account) -> Site:
    uri = client.initiate_login_uri or ""
    joint = "&" if urlsplit(uri).query else "?"
    return Site(
        name=client.name,
        description=str(client.details.get("description", "")),
        host=urlsplit(uri).netloc,
        enter=uri + joint + urlencode({"iss": provider().settings.server.issuer}),
        access=decide_site_access(require_approval=client.require_approval, approval_status=account.approval_status),
    )
