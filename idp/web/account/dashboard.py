"""`/`: the sign-in page, or for somebody signed in the dashboard: where they stand, and the sites they can enter (F-1.1)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Blueprint, request

from idp.accounts.device_transfers import list_offered_to
from idp.accounts.interests import interests_of, list_news
from idp.accounts.old_portal import find_incomplete
from idp.accounts.own_security import list_own_changes
from idp.accounts.terms import is_owed
from idp.i18n import gettext
from idp.policy.interaction import APPROVED
from idp.policy.site_access import SiteAccess, decide_site_access
from idp.store import accounts, approvals, clients, registrations, tokens
from idp.store.news import NewsItem
from idp.web import browser_session
from idp.web.account.security_words import tell_own_event
from idp.web.account.sign_in import first_page
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.local_paths import may_return_here
from idp.web.pages import render
from idp.web.ways_back import entry_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from idp.store.accounts import Account
    from idp.store.clients import RegisteredClient
    from idp.store.database import Transaction

blueprint = Blueprint("dashboard", __name__)

WAY_BACK_LASTS = 14 * 86400
"""So long after the decision the first page still offers the page that a registration began at."""


@dataclass(frozen=True, slots=True)
class Site:
    """A site as the dashboard shows it: its address to enter by, and why not where one cannot."""

    name: str
    description: str
    host: str
    enter: str
    access: SiteAccess


@dataclass(frozen=True, slots=True)
class Headline(NewsItem):
    """An item of news with the name of its site."""

    site: str


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
        way_back = _way_back(tx, account)
        reference_number = approvals.find_reference(tx, account.registration_id)
    sites = [_site(client, account) for client in registered if client.initiate_login_uri and not client.disabled]
    return render(
        "account/dashboard.html",
        **_news(account, {client.client_id: client.name for client in registered if not client.disabled}),
        changes=[tell_own_event(event) for event in list_own_changes(provider(), account.account_id)],
        way_back=way_back,
        device_offers=len(list_offered_to(provider(), account.account_id)),
        is_incomplete=find_incomplete(provider(), account.account_id) is not None,
        reference_number=reference_number if account.approval_status != APPROVED else "",
        account=account,
        owes_terms=is_owed(provider(), account),
        signed_in=signed_in,
        sites=sites,
        reason=decision.reason if decision and decision.new_status == account.approval_status else "",
        form=ActForm(),
    )


def _news(account: Account, sites: dict[str, str]) -> dict[str, Any]:
    """News for the account's interests and region, or all of it where that was asked for (F-1.1)."""
    offered, everything = provider().settings.interests, request.args.get("news") == "all"
    found = list_news(provider(), account, sites=sites, everything=everything)
    shown = [Headline(**asdict(item), site=sites[item.client_id]) for item in found]
    chosen, region = interests_of(account)
    return {
        "has_news": bool(offered.feeds),
        "news": shown,
        "news_kinds": {
            "event": gettext("Event"),
            "training": gettext("Training"),
            "video": gettext("Video"),
            "article": gettext("Article"),
        },
        "offers": not offered.is_empty,
        "chosen": bool(chosen or region),
        "everything": everything,
    }


def _way_back(tx: Transaction, account: Account) -> Site | None:
    """The site and the page that the registration began at, until the person has been there."""
    registration = registrations.find_registration(tx, account.registration_id) if account.registration_id else None
    client = clients.find_client(tx, registration.client_id) if registration and registration.client_id else None
    address = entry_of(client, registration.target) if client and registration else None
    if client is None or address is None or tokens.has_family(tx, account.account_id, client.client_id):
        return None
    is_recent = account.approval_updated_at > provider().clock() - WAY_BACK_LASTS
    found = replace(_site(client, account), enter=address)
    return found if is_recent and found.access is SiteAccess.OPEN else None


def _site(client: RegisteredClient, account: Account) -> Site:
    return Site(
        name=client.name,
        description=str(client.details.get("description", "")),
        host=urlsplit(client.initiate_login_uri or "").netloc,
        enter=entry_of(client) or "",
        access=decide_site_access(require_approval=client.require_approval, approval_status=account.approval_status),
    )
