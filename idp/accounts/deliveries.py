"""What staff and operators do about deliveries: another try for a dead letter, a test mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp import mail
from idp.accounts.identifiers import parse_email
from idp.accounts.staff_rights import check_permission
from idp.errors import Refusal
from idp.i18n import known_language
from idp.policy.staff import Permission
from idp.store import audit, deliveries

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.outbox import Fate

PAGE = 50
AHEAD_OF_THE_WORKER = 60


def list_mails(provider: Provider, *, state: str = "", before: int | None = None) -> tuple[list[Fate], int]:
    """The mails, newest first, one more than a page; and how many dead letters there are."""
    with provider.database.reading() as tx:
        found = deliveries.page_deliveries(tx, now=provider.clock(), state=state, before=before, limit=PAGE + 1)
        return found, deliveries.count_dead_mails(tx)


def retry_delivery(provider: Provider, outbox_id: int, *, staff_id: str = "", address: str = "") -> Fate:
    """Give a dead letter, mail or signal, all its tries again; out: what it was. Without `staff_id` the operator acts.

    Raises `Refusal`: `not_permitted`; `not_dead` where there is no such dead letter, or a colleague was first.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        if staff_id:
            check_permission(tx, staff_id, Permission.RETRY_DELIVERY)
        fate = deliveries.find_delivery(tx, outbox_id, now)
        if fate is None or not deliveries.revive(tx, outbox_id, now):
            raise Refusal("not_dead")
        audit.record(
            tx,
            "delivery_retried",
            now=now,
            actor_kind="staff" if staff_id else "operator",
            actor=staff_id,
            account_id=fate.account_id,
            registration_id=fate.registration_id,
            client_id=fate.client_id,
            address=address,
            details={"number": outbox_id, "name": fate.name, "tries": fate.attempts, "error": fate.last_error},
        )
    return fate


def write_test_mail(
    provider: Provider, email: str, *, language: str = "en", staff_id: str = "", address: str = "", hold: bool = False
) -> int:
    """Write a test mail into the outbox; out: its number. With `hold` the worker leaves it to the caller for a minute.

    Raises `Refusal`: `not_permitted`, `email.invalid`.
    """
    to = mail.Recipient(email=parse_email(email), name="", locale=known_language(language))
    now = provider.clock()
    with provider.database.transaction() as tx:
        if staff_id:
            check_permission(tx, staff_id, Permission.SEND_TEST_MAIL)
        number = mail.test_mail(provider, tx, to=to, not_before=now + AHEAD_OF_THE_WORKER if hold else 0)
        audit.record(
            tx,
            "test_mail_written",
            now=now,
            actor_kind="staff" if staff_id else "operator",
            actor=staff_id,
            address=address,
            details={"number": number, "to": to.email},
        )
    return number
