"""Where an applicant stands (F-1.2, F-1.8): read by the status link, by the registering browser, or when signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.accounts.registration import mail_pause
from idp.keys.secrets import hash_secret
from idp.store import accounts, approvals, clients, outbox, registrations

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.clients import RegisteredClient
    from idp.store.database import Transaction
    from idp.store.outbox import Waiting
    from idp.store.registrations import Registration


@dataclass(frozen=True, slots=True)
class Standing:
    """What the status page shows; `state` is the registration's, or once it is confirmed the account's.

    `sent`, `expired`, `replaced`; `pending`, `approved`, `rejected`, `suspended`, `closed`.
    """

    state: str
    registration: Registration
    account: Account | None
    decided_at: int | None
    reason: str
    waiting_mail: Waiting | None
    pause: int
    client: RegisteredClient | None
    sites: tuple[RegisteredClient, ...]
    is_same_browser: bool

    @property
    def step(self) -> int:
        """Which of the three steps is next: send, confirm, review."""
        return {"expired": 1, "replaced": 1, "sent": 2}.get(self.state, 3)


def find_standing(
    provider: Provider, *, token: str = "", browser_id: str = "", account_id: str | None = None
) -> Standing | None:
    """The standing behind a status link, else of the newest registration of this browser, else of who is signed in.

    Never by e-mail address or reference alone. Reading changes nothing.
    """
    now = provider.clock()
    with provider.database.reading() as tx:
        registration = _find(tx, token, browser_id, account_id)
        return None if registration is None else _read(tx, registration, browser_id, now)


def _find(tx: Transaction, token: str, browser_id: str, account_id: str | None) -> Registration | None:
    if token:
        return registrations.find_by_status_hash(tx, hash_secret("status", token))
    here = registrations.find_of_browser(tx, hash_secret("browser", browser_id)) if browser_id else None
    if account_id is None or (here is not None and here.account_id in (None, account_id)):
        return here
    # Somebody is signed in where another person registered before: they see their own and nothing else (SE-7).
    account = accounts.find_account(tx, account_id)
    if account is None or account.registration_id is None:
        return None
    return registrations.find_registration(tx, account.registration_id)


def _read(tx: Transaction, registration: Registration, browser_id: str, now: int) -> Standing:
    account = accounts.find_account(tx, registration.account_id) if registration.account_id else None
    decision = approvals.latest_decision(tx, account.account_id) if account else None
    is_current = decision is not None and account is not None and decision.new_status == account.approval_status
    registered = clients.list_clients(tx) if account else []
    client = clients.find_client(tx, registration.client_id) if registration.client_id else None
    return Standing(
        state=_state(registration, account, now),
        registration=registration,
        account=account,
        decided_at=decision.created_at if decision and is_current else None,
        reason=decision.reason if decision and is_current else "",
        waiting_mail=outbox.waiting_for(tx, registration_id=registration.registration_id),
        pause=mail_pause(tx, registration, now),
        client=client if client and client.initiate_login_uri and not client.disabled else None,
        sites=tuple(site for site in registered if site.initiate_login_uri and not site.disabled),
        is_same_browser=registration.is_from(browser_id),
    )


def _state(registration: Registration, account: Account | None, now: int) -> str:
    if account is None:
        return registration.state_at(now)
    return "closed" if account.is_closed else account.approval_status
