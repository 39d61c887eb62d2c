"""The pages of the authorization endpoint: consent, choice of account, the page for pending customers, and what went wrong.

What a form sends back is a wish and a ticket. The ticket is a MAC over the request, the person, the session and the scope
that the page showed, so that a page that was shown to somebody else, or for something else, decides nothing (SE-7, RD-14).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from flask import Response

from idp.errors import ProtocolError
from idp.i18n import current_locale, format_clock, gettext
from idp.keys.secrets import is_same, new_reference
from idp.protocol.authorization_response import Reply, ReplyTo
from idp.protocol.third_party_login import build_initiation
from idp.store import accounts, approvals, pending
from idp.store.clients import RegisteredClient, find_client
from idp.web.browser_session import browser_id
from idp.web.context import provider
from idp.web.form_targets import allow_form_target, allow_site
from idp.web.forms import Form, HiddenField, TextField
from idp.web.language import prefer
from idp.web.oauth.scope_words import describe_scope, find_ways_to_change
from idp.web.pages import render

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.protocol.authorization_endpoint import OpenRequest
    from idp.store.end_users import EndUser
    from idp.store.pending import Pending

log = structlog.get_logger("idp.web.oauth.authorize")

DAY = 86400


@dataclass(frozen=True, slots=True)
class Page:
    """A page to show: which one, about which request, to whom."""

    name: str
    opened: OpenRequest
    end_user: EndUser | None = None
    waiting: Pending | None = None
    reply: Reply | None = None
    error: ProtocolError | None = None


class StepForm(Form):
    """What a page of a waiting request was answered with."""

    ticket = HiddenField(longest=100)
    wish = TextField(longest=20)

    def answers(self, master: MasterKey, opened: OpenRequest, waiting: Pending, end_user: EndUser | None) -> bool:
        """Whether the page that was answered was this one, shown to this person."""
        if end_user is None or not waiting.is_bound_to(end_user.account_id, end_user.sid):
            return False
        return is_same(str(self.ticket.data or ""), _ticket(master, opened, waiting, end_user))


def show(page: Page) -> Response:
    """Render a page of a request; its forms may end at the client's redirect URI."""
    reply_to: ReplyTo = page.opened.reply_to
    allow_site(page.opened.client, reply_to.redirect_uri)
    prefer(page.opened.parameters.get("ui_locales", ""))
    values: dict[str, Any] = {
        "client": page.opened.client,
        "host": urlsplit(reply_to.redirect_uri).netloc,
        "end_user": page.end_user,
    }
    if page.error is not None:
        reference = _note(page.error)
        values |= {"reply": page.reply, "error": page.error, "reference": reference}
        return render("oauth/refused_request.html", page.error.status, **values)
    if page.waiting is None or page.end_user is None:
        raise LookupError("a page of a request needs the request and its end-user")
    form = StepForm(formdata=None)
    form.ticket.data = _ticket(provider().master, page.opened, page.waiting, page.end_user)
    values |= {"form": form, "handle": page.waiting.handle}
    if page.name == "consent":
        scope = page.opened.asked_scope
        values |= {"items": _describe_scope(scope, page.end_user), "ends": describe_end(page)}
        values["ways"] = find_ways_to_change(scope, provider().settings.interests)
    if page.name == "accept_terms":
        parts = provider()
        values["text"] = parts.terms.get_text(parts.terms.in_force(parts.clock()), current_locale())
    if page.name == "explain_approval":
        values |= _explain_approval(page.end_user, page.opened.client)
    return render(f"oauth/{page.name}.html", **values)


def _describe_scope(scope: frozenset[str], end_user: EndUser) -> list[tuple[str, str]]:
    with provider().database.reading() as tx:
        account = accounts.get_account(tx, end_user.account_id)
    return describe_scope(scope, end_user, account, provider().settings.interests)


def post_reply(reply: Reply) -> Response:
    """Let the browser post an answer to the client (OAuth 2.0 Form Post Response Mode §2): by itself, or by the button."""
    allow_form_target(reply.redirect_uri)
    return render("oauth/form_post.html", reply=reply, host=urlsplit(reply.redirect_uri).netloc)


def show_unusable(error: ProtocolError, handle: str | None = None) -> Response:
    """The request cannot be used and the client cannot be told: say so here, with the way back where one is known (RD-4)."""
    client = find_client_of(handle) if handle else None
    values = {"error": error, "reference": _note(error), "client": client, "is_ours": handle is not None}
    return render("oauth/unusable_request.html", error.status, **values, way_back=find_way_back(client))


def find_way_back(client: RegisteredClient | None) -> str | None:
    """The address that starts again at the site."""
    if client is None:
        return None
    if client.initiate_login_uri:
        return build_initiation(client.initiate_login_uri, provider().settings.server.issuer)
    return client.uri


def describe_end(page: Page) -> str:
    """For how long the site gets it."""
    if "offline_access" in page.opened.scope:
        days = provider().settings.lifetimes.offline_total // DAY
        return gettext("For %(days)s days at most, also after you have signed out.", days=days)
    until = format_clock(page.end_user.session_expires_at if page.end_user else 0)
    return gettext("Until you sign out, at the latest until %(time)s.", time=until)


def _ticket(master: MasterKey, opened: OpenRequest, waiting: Pending, end_user: EndUser) -> str:
    scope = " ".join(sorted(opened.asked_scope))
    return master.mac("interaction", f"{waiting.handle} {end_user.account_id} {end_user.sid} {scope}").hex()


def find_client_of(handle: str) -> RegisteredClient | None:
    """The site whose request this was in this browser, waiting or not."""
    browser = browser_id(create=False)
    with provider().database.reading() as tx:
        client_id = pending.find_client_of_request(tx, handle, browser) if browser else None
        return find_client(tx, client_id) if client_id else None


def _explain_approval(end_user: EndUser, client: RegisteredClient) -> dict[str, Any]:
    """The reference, why it was refused, and whether the mail about the decision leads back to this site."""
    with provider().database.reading() as tx:
        account = accounts.get_account(tx, end_user.account_id)
        decision = approvals.latest_decision(tx, account.account_id)
        applied = approvals.find_applied(tx, account.registration_id)
        is_refused = account.approval_status in ("rejected", "suspended")
        return {
            "reference_number": approvals.find_reference(tx, account.registration_id),
            "reason": decision.reason if decision and is_refused else "",
            "brings_back": applied is not None and applied.client_id == client.client_id,
        }


def _note(error: ProtocolError) -> str:
    """Log the refusal under the number that the page shows."""
    reference = new_reference()
    why = error.detail or error.description
    log.info("authorization page refused", reference=reference, error=error.error, why=why)
    return reference
