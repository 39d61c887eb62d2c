"""An OpenID Connect identity provider. `create_app` is the one place where the rooms meet.

A site that installs only the kit (`idp.relying_party`) has none of the provider's dependencies, so the rooms are imported
inside `create_app` and not with the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from idp.clock import Clock
    from idp.config import Settings

__all__ = ["create_app"]


def create_app(settings: Settings, *, clock: Clock | None = None) -> Flask:
    """Build the provider's WSGI application; all wiring reads top to bottom here.

    In: checked settings, and a clock (tests move it). Out: a Flask application, ready to serve; `app.extensions["idp"]`
    is the `Provider` that views, worker and command line share. Raises `ConfigError` where the settings cannot work. The
    schema is brought up to date and keys are made before it returns.
    """
    from flask import Flask

    from idp import resources, web
    from idp.accounts import (
        bulk_decisions,
        closing,
        device_transfers,
        lock_notice,
        password_reset,
        people_search,
        registration,
        reminders,
        review_reminders,
        session_ends,
        temporary_password,
    )
    from idp.accounts import clients as client_care
    from idp.accounts.audit_mark import MarkWriter
    from idp.accounts.breached_passwords import BreachRange
    from idp.accounts.hashing_worker import PasswordHasher
    from idp.accounts.terms import load_terms
    from idp.clock import system_clock
    from idp.keys.keyring import Keyring
    from idp.keys.master import load_master_key
    from idp.logs import prepare_loggers, warn_of_test_settings
    from idp.mail.delivery import check_transport, deliver_mail
    from idp.protocol.client_keys import ClientKeys
    from idp.provider import Provider
    from idp.signals import backchannel, key_rotation
    from idp.signals.delivery import deliver_backchannel_logout
    from idp.signals.fetcher import Fetcher
    from idp.signals.news import read_feeds
    from idp.signals.tidy import forget_delivered
    from idp.store import audit_chain, notes, schema, signing_keys
    from idp.store.clients import Clients
    from idp.store.database import open_database

    prepare_loggers()
    warn_of_test_settings(settings)
    check_transport(settings)
    app = Flask("idp", template_folder=str(resources.templates_folder()), static_folder=str(resources.static_folder()))
    app.debug = False  # whatever FLASK_DEBUG says: it would send tracebacks past our own error pages (SC-2)
    database = open_database(
        app, settings.database.url, durability=settings.database.durability, threads=settings.threads
    )
    terms = load_terms(settings.terms.directory, asks_everybody=settings.terms.ask_everybody)
    master = load_master_key(settings.keys.directory, may_create=schema.is_empty(database.engine))
    schema.migrate(database.engine)
    notes.check_master_key(database, master)
    audit_chain.open_chain(database, master)
    now = clock or system_clock
    fetcher = Fetcher(settings.outbound.allow_hosts, settings.outbound.ca_file)
    signing_keys.make_missing_keys(database, master, settings.keys.algorithms, now())
    provider = Provider(
        settings=settings,
        clock=now,
        database=database,
        master=master,
        passwords=PasswordHasher(settings.passwords, is_loopback=settings.issuer_is_loopback),
        fetcher=fetcher,
        breaches=BreachRange(fetcher, settings.passwords.breach_range_url),
        keyring=Keyring(signing_keys.watch_keys(database, master).get, now),
        clients=Clients(database),
        client_keys=ClientKeys(fetcher.get, now, lambda: database.is_in_transaction),
        terms=terms,
        deliveries={
            "mail": deliver_mail,
            backchannel.KIND: deliver_backchannel_logout,
            bulk_decisions.DELIVERY: bulk_decisions.carry_out,
            lock_notice.DELIVERY: lock_notice.answer_notice_request,
            password_reset.DELIVERY: password_reset.answer_reset_request,
            registration.DELIVERY: registration.answer_mail_request,
        },
        housekeeping=(
            session_ends.end_expired_sessions,
            session_ends.forget_old_traces,
            registration.forget_unconfirmed,
            reminders.remind_unconfirmed,
            review_reminders.remind_deciders,
            bulk_decisions.forget_old_batches,
            temporary_password.forget_ended,
            session_ends.forget_old_tokens,
            client_care.forget_unused_clients,
            closing.erase_closed_accounts,
            device_transfers.expire_offers,
            forget_delivered,
            read_feeds,
            people_search.read_changed_words,
            key_rotation.follow_schedule,
            MarkWriter(),
        ),
    )
    web.mount(app, provider)
    return app
