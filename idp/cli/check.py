"""`idp check`: what is missing for production, finding by finding; exit 1 while something must be done."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

from idp.accounts.review_work import list_deciders
from idp.accounts.staff_limits import limits_of_person
from idp.accounts.terms import find_changed_texts, load_terms
from idp.cli.common import json_option, open_provider, print_json, with_settings
from idp.config import LANGUAGES, MailSettings, is_loopback_host
from idp.errors import ConfigError, TryLater
from idp.mail.overrides import find_fault, find_file_faults, list_own
from idp.mail.previews import SAMPLE, list_messages, write_sample
from idp.mail.smtp import connect, parse_smtp_url
from idp.store import account_list, clients, outbox, readiness

if TYPE_CHECKING:
    from idp.config import Settings
    from idp.provider import Provider

DAY = 86400


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `must` be done, `should` be done, or `good`; and what to do."""

    level: Literal["must", "should", "good"]
    about: str
    text: str


@click.command("check")
@json_option
@with_settings
def command(settings: Settings, as_json: bool) -> None:
    """Say what is missing for production; nothing is changed."""
    findings = [
        *check_server(settings),
        *check_registration(settings),
        *check_mail(settings),
        *check_database(settings),
    ]
    if as_json:
        print_json([{"level": f.level, "about": f.about, "text": f.text} for f in findings])
    else:
        for finding in findings:
            click.echo(f"{finding.level:6}  {finding.about:12}  {finding.text}")
    if any(finding.level == "must" for finding in findings):
        raise click.exceptions.Exit(1)


def check_server(settings: Settings) -> Iterator[Finding]:
    """Test settings, issuer, proxies, the words that customers read."""
    for name, meaning in settings.test_settings.items():
        yield Finding("must", "tests only", f"{name}: {meaning}; for production set the default again")
    server, told = settings.server, settings.registration
    if settings.issuer_is_loopback:
        yield Finding(
            "must", "issuer", f"{server.issuer} is for this machine only; set server.issuer to the public address"
        )
    else:
        yield Finding("good", "issuer", server.issuer)
        if server.trusted_proxies:
            yield Finding("good", "proxies", f"{server.trusted_proxies} in front; the first must buffer request bodies")
        elif is_loopback_host(server.bind.rpartition(":")[0]):
            yield Finding(
                "should", "proxies", "a proxy in front needs server.trusted_proxies = 1, or limits see only its address"
            )
        else:
            yield Finding(
                "should",
                "proxies",
                "put a proxy in front that buffers request bodies: slow senders would hold all threads",
            )
    if not ((told.terms_url or settings.terms.directory) and told.privacy_url):
        yield Finding(
            "should",
            "legal",
            "terms.directory (or registration.terms_url) and registration.privacy_url are shown on each page; set both",
        )
    yield from check_terms(settings)


def check_terms(settings: Settings) -> Iterator[Finding]:
    """Every language of every version, and when each begins."""
    try:
        terms = load_terms(settings.terms.directory)
    except ConfigError as error:
        yield Finding("must", "terms", str(error))
        return
    for version, texts in terms.versions.items():
        missing = [language for language in LANGUAGES if language not in texts]
        if missing:
            others = f"{', '.join(missing)}: readers of these get the English text, or the first there is"
            yield Finding("should", "terms", f"version {version} has no text in {others}")
        else:
            yield Finding("good", "terms", f"version {version} in {len(texts)} languages")


def check_registration(settings: Settings) -> Iterator[Finding]:
    """Who may register a client."""
    if settings.clients.registration == "open":
        yield Finding(
            "should",
            "sites",
            'anybody may register a site; clients.registration = "token" asks for an initial access token',
        )


def check_mail(settings: Settings) -> Iterator[Finding]:
    """Transport and addresses; the mail server is asked."""
    if settings.mail.is_mailbox:
        yield Finding("must", "mail", "mails stay on this machine; set mail.url to smtp://… or smtps://…")
    else:
        yield _ask_mail_server(settings)
    defaults = MailSettings()
    for name in ("sender", "customer_care"):
        if getattr(settings.mail, name) == getattr(defaults, name):
            yield Finding("must", "mail", f"mail.{name} is the example address; set yours")


def _ask_mail_server(settings: Settings) -> Finding:
    try:
        server = parse_smtp_url(settings.mail.url)
        with connect(server, ca_file=settings.outbound.ca_file) as session:
            is_encrypted = isinstance(session.sock, ssl.SSLSocket)
    except ConfigError as error:
        return Finding("must", "mail", str(error))
    except TryLater as error:
        return Finding("must", "mail", str(error))
    except (smtplib.SMTPException, OSError) as error:
        return Finding(
            "must", "mail", f"the mail server does not answer as it should ({type(error).__name__}); see mail.url"
        )
    if not (is_encrypted or is_loopback_host(server.host)):
        return Finding(
            "should", "mail", "mails travel to the mail server without TLS; use smtps:// or smtp://…?tls=required"
        )
    return Finding("good", "mail", f"the mail server {server.host} takes mails")


def check_database(settings: Settings) -> Iterator[Finding]:
    """The database, and what is in it."""
    if settings.database.is_sqlite:
        yield Finding("should", "database", "SQLite serves one process; PostgreSQL is for production with several")
    state = readiness.look_at(settings.database.url)
    if state == "unreachable":
        yield Finding("must", "database", "it does not answer; see database.url")
    elif state != "current":
        yield Finding("must", "database", f"it is {state}; run: idp migrate")
    else:
        provider = open_provider(settings)
        yield from check_content(provider)
        yield from check_four_eyes(provider)
        yield from check_mail_texts(provider)
        for version, language in find_changed_texts(provider):
            yield Finding(
                "must",
                "terms",
                f"the {language} text of version {version} is not the one that customers accepted; put it back, make a new version",
            )
        provider.database.engine.dispose()


def check_mail_texts(provider: Provider) -> Iterator[Finding]:
    """The operator's own words for mails, each in every language."""
    settings = provider.settings
    if not list_own(settings):
        return
    faults = 0
    for path, fault in find_file_faults(settings):
        faults += 1
        yield Finding("should", "mail texts", f"{path} {fault}")
    for message in list_messages():
        for language in LANGUAGES:
            fault = find_fault(settings, write_sample(provider, message, language), language, name=SAMPLE.name)
            if fault:
                faults += 1
                yield Finding("must", "mail texts", f"{message} in {language}: {fault}")
    if not faults:
        yield Finding("good", "mail texts", f"{len(list_own(settings))} templates of yours serve in every language")


def check_four_eyes(provider: Provider) -> Iterator[Finding]:
    """Where acts need two people, there have to be two."""
    acts, deciders = provider.settings.staff.four_eyes, list_deciders(provider)
    administrators = [person for person in deciders if "administrator" in person.roles]
    for act, people, who in (("decisions", deciders, "decides"), ("roles", administrators, "gives roles")):
        if act in acts and len(people) < 2:
            yield Finding("must", "four eyes", f"staff.four_eyes has {act}, and fewer than two people: nobody {who}")
    everything = [person for person in deciders if not limits_of_person(provider, person).is_limited]
    if deciders and not everything:
        yield Finding("should", "staff", "every approver is limited; applications beyond all limits wait for nobody")


def check_content(provider: Provider) -> Iterator[Finding]:
    """Staff, sites, and mails that did not go out."""
    with provider.database.reading() as tx:
        administrators = account_list.count_with_role(tx, "administrator")
        registered = clients.list_clients(tx)
        dead = outbox.dead_since(tx, provider.clock() - 7 * DAY)
        waiting = outbox.backlog(tx)
    if administrators == 0:
        yield Finding("must", "staff", "nobody is administrator; run: idp accounts roles ACCOUNT administrator")
    if not registered:
        yield Finding("must", "sites", "no client is registered; see: idp apply --help")
    for client in registered:
        if client.pkce_exempt:
            yield Finding(
                "should", "sites", f"{client.client_id} works without PKCE; take pkce_exempt away when it can"
            )
    if dead:
        yield Finding(
            "should", "outbox", f"{dead} mails or signals of the last 7 days could not be delivered; see /staff/mail"
        )
    for row in waiting:
        hours = (provider.clock() - row["oldest"]) // 3600
        if hours:
            text = f"{row['waiting']} of kind {row['kind']} wait, the oldest for {hours} h; is a worker running?"
            yield Finding("should", "outbox", text)
