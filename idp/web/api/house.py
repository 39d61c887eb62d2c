"""Mails, sites, sign-outs and the audit trail in the interface of staff tools."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from idp.accounts import audit_trail, deliveries, site_desk, staff_desk
from idp.accounts.identifiers import parse_email
from idp.accounts.site_desk import By
from idp.policy.staff import Permission
from idp.protocol.registration_request import check_registration
from idp.store.audit import TrailFilter
from idp.web.api import house_models as models
from idp.web.api.access import READ, WRITE
from idp.web.api.models import instant, instant_or_none
from idp.web.api.operations import Operation
from idp.web.api.rows import parse_key, write_key
from idp.web.browser_session import client_address
from idp.web.context import provider

if TYPE_CHECKING:
    from idp.store.clients import RegisteredClient
    from idp.store.outbox import Fate
    from idp.store.site_reports import SiteReport
    from idp.web.api.access import Caller

OVERLAP = 86400
"""So long the old secret of a site works beside the new one."""


def list_mails(caller: Caller, asked: models.MailSearch) -> models.DeliveryList:
    """What became of mails."""
    found, dead = deliveries.list_mails(provider(), state=asked.state, before=asked.before)
    shown = found[: deliveries.PAGE]
    following = shown[-1].outbox_id if len(found) > deliveries.PAGE else None
    return models.DeliveryList(items=[_told(fate) for fate in shown], dead=dead, next=following)


def retry_delivery(caller: Caller, number: str) -> models.Delivery:
    """Give a dead letter all its tries again."""
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 18 else 0
    fate = deliveries.retry_delivery(provider(), wanted, staff_id=caller.account_id, address=client_address())
    return _told(fate)


def write_test_mail(caller: Caller, asked: models.TestMail) -> models.Written:
    """Write a test mail; the list says what became of it."""
    number = deliveries.write_test_mail(
        provider(),
        parse_email(asked.email),
        language=asked.language,
        staff_id=caller.account_id,
        address=client_address(),
    )
    return models.Written(number=number)


def list_sites(caller: Caller) -> models.SiteList:
    """All sites."""
    return models.SiteList(items=[_told_site(*pair) for pair in site_desk.list_sites(provider())])


def show_site(caller: Caller, client_id: str) -> models.Site:
    """One site."""
    return _told_site(*site_desk.get_site(provider(), client_id))


def add_site(caller: Caller, asked: models.AddSite) -> models.NewSite:
    """Register a site."""
    made = site_desk.add_site(
        provider(),
        _by(caller),
        check_registration(asked.metadata, provider().settings.keys.algorithms),
        require_approval=asked.require_approval,
        first_party=asked.first_party,
    )
    return models.NewSite(client_id=made.client_id, client_secret=made.secret)


def renew_secret(caller: Caller, client_id: str) -> models.NewSecret:
    """Give a site a new secret."""
    return models.NewSecret(client_secret=site_desk.renew_secret(provider(), _by(caller), client_id, overlap=OVERLAP))


def switch_site(caller: Caller, client_id: str, asked: models.Switch) -> models.Site:
    """Switch a site off, which ends all its tokens, or on."""
    site_desk.switch_site(provider(), _by(caller), client_id, off=asked.off)
    return show_site(caller, client_id)


def read_audit(caller: Caller, asked: models.AuditSearch) -> models.AuditPage:
    """A page of the audit trail."""
    bounds = {name: _seconds(at) for name, at in (("since", asked.since), ("until", asked.until)) if at is not None}
    events = audit_trail.read_trail(
        provider(),
        TrailFilter(act=asked.act, about=asked.about, **bounds),
        actor_kind="staff",
        actor=caller.account_id,
        before=asked.before,
        address=client_address(),
    )
    shown = events[: audit_trail.PAGE]
    items = [
        models.AuditEvent(
            number=event.event_id,
            at=instant(event.at),
            act=event.act,
            actor_kind=event.actor_kind,
            actor=event.actor,
            actor_name=event.actor_name,
            account_id=event.account_id,
            registration_id=event.registration_id,
            client_id=event.client_id,
            reference=event.reference,
            address=event.address,
            details=dict(event.details),
        )
        for event in shown
    ]
    return models.AuditPage(items=items, next=shown[-1].event_id if len(events) > audit_trail.PAGE else None)


def list_sign_outs(caller: Caller, asked: models.SignOutSearch) -> models.SignOutList:
    """How sites were told of sign-outs."""
    told, _sites = staff_desk.list_told_sites(
        provider(), client_id=asked.site, state=asked.state, after=parse_key(asked.after)
    )
    shown = told[: staff_desk.PAGE]
    items = [
        models.SignOut(
            at=instant(row.at),
            channel=row.channel,
            client_id=row.client_id,
            client_name=row.client_name,
            account_id=row.account_id,
            state=row.state,
            attempts=row.attempts,
            last_error=row.last_error,
        )
        for row in shown
    ]
    return models.SignOutList(items=items, next=write_key(shown[-1]) if len(told) > staff_desk.PAGE else None)


def _by(caller: Caller) -> By:
    return By(caller.account_id, client_address())


def _seconds(at: datetime) -> int:
    return min(max(0, int(at.timestamp())), 2**40)


def _told(fate: Fate) -> models.Delivery:
    return models.Delivery(
        number=fate.outbox_id,
        kind=fate.kind,
        name=fate.name,
        state=fate.state,
        account_id=fate.account_id,
        client_id=fate.client_id,
        created_at=instant(fate.created_at),
        attempts=fate.attempts,
        next_try_at=instant_or_none(fate.next_try_at),
        done_at=instant_or_none(fate.done_at),
        last_error=fate.last_error,
    )


def _told_site(client: RegisteredClient, report: SiteReport) -> models.Site:
    return models.Site(
        client_id=client.client_id,
        client_name=client.name,
        redirect_uris=list(client.redirect_uris),
        require_approval=client.require_approval,
        first_party=client.first_party,
        disabled=client.disabled,
        last_sign_in_at=instant_or_none(report.last_at),
        signed_in=report.running,
        dead_deliveries=report.dead,
    )


OPERATIONS = (
    Operation(
        "GET",
        "/mails",
        "list_mails",
        "What became of mails",
        Permission.READ_MAIL,
        READ,
        models.DeliveryList,
        list_mails,
        models.MailSearch,
    ),
    Operation(
        "POST",
        "/deliveries/{number}/retry",
        "retry_delivery",
        "Give a dead letter, mail or signal, all its tries again",
        Permission.RETRY_DELIVERY,
        WRITE,
        models.Delivery,
        retry_delivery,
    ),
    Operation(
        "POST",
        "/test-mails",
        "write_test_mail",
        "Write a test mail",
        Permission.SEND_TEST_MAIL,
        WRITE,
        models.Written,
        write_test_mail,
        models.TestMail,
    ),
    Operation("GET", "/sites", "list_sites", "All sites", Permission.READ_SITES, READ, models.SiteList, list_sites),
    Operation(
        "GET",
        "/sites/{client_id}",
        "show_site",
        "One site",
        Permission.READ_SITES,
        READ,
        models.Site,
        show_site,
    ),
    Operation(
        "POST",
        "/sites",
        "add_site",
        "Register a site",
        Permission.EDIT_SITES,
        WRITE,
        models.NewSite,
        add_site,
        models.AddSite,
        fresh=True,
    ),
    Operation(
        "POST",
        "/sites/{client_id}/secret",
        "renew_site_secret",
        "Give a site a new secret, told this once",
        Permission.EDIT_SITES,
        WRITE,
        models.NewSecret,
        renew_secret,
        fresh=True,
    ),
    Operation(
        "POST",
        "/sites/{client_id}/switch",
        "switch_site",
        "Switch a site off, which ends all its tokens, or on",
        Permission.EDIT_SITES,
        WRITE,
        models.Site,
        switch_site,
        models.Switch,
        fresh=True,
    ),
    Operation(
        "GET",
        "/audit",
        "read_audit",
        "The audit trail",
        Permission.READ_AUDIT,
        READ,
        models.AuditPage,
        read_audit,
        models.AuditSearch,
    ),
    Operation(
        "GET",
        "/sign-outs",
        "list_sign_outs",
        "How sites were told of sign-outs",
        Permission.READ_MAIL,
        READ,
        models.SignOutList,
        list_sign_outs,
        models.SignOutSearch,
    ),
)
"""What the interface does about mails, sites, sign-outs and the trail."""
