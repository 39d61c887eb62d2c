"""The desk's words: statuses, reasons of rules, mails, and history as sentences, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.accounts.approval import read_reasons
from idp.accounts.staff_desk import AccountPage, RegistrationPage
from idp.i18n import format_duration, gettext, marked
from idp.web.countries import country_name
from idp.web.language import NAMES as LANGUAGE_NAMES

if TYPE_CHECKING:
    from flask import Flask

    from idp.policy.rules import Check, Reason
    from idp.store.approvals import Decision
    from idp.store.audit import Event

ROLE_WORDS: dict[str, str] = {
    "customer_care": marked("Customer care"),
    "approver": marked("Approver"),
    "auditor": marked("Auditor"),
    "administrator": marked("Administrator"),
}
PERMISSIONS: dict[str, str] = {
    "read_queue": marked("see the queue"),
    "decide": marked("approve and reject"),
    "write_notes": marked("write notes for colleagues"),
    "edit_reasons": marked("write reason texts"),
    "suspend": marked("suspend and reinstate"),
    "read_registrations": marked("see registrations"),
    "resend_confirmation": marked("send a confirmation mail again"),
    "read_accounts": marked("find and see accounts"),
    "send_reset_link": marked("send a reset link"),
    "give_temporary_password": marked("give a temporary password"),
    "change_email": marked("change an e-mail address"),
    "close_account": marked("close an account and open it again"),
    "withdraw_consent": marked("take back what a customer permitted a site"),
    "read_mail": marked("see what became of mails"),
    "retry_delivery": marked("try dead letters again"),
    "send_test_mail": marked("send a test mail"),
    "read_sites": marked("see the sites"),
    "edit_sites": marked("register sites, switch them, renew secrets"),
    "read_rules": marked("see the rules"),
    "edit_rules": marked("change the rules"),
    "block": marked("block serial numbers, addresses and domains"),
    "read_audit": marked("read the audit trail"),
    "give_roles": marked("give and take roles"),
}
STATUSES: dict[str, str] = {
    "pending": marked("in review"),
    "approved": marked("approved"),
    "rejected": marked("rejected"),
    "suspended": marked("suspended"),
}
TRANSFER_STATES: dict[str, str] = {
    "waiting": marked("offered, waiting for an answer"),
    "accepted": marked("accepted"),
    "refused": marked("refused"),
    "taken_back": marked("taken back"),
    "expired": marked("run out"),
    "void": marked("no longer valid"),
}
STATES: dict[str, str] = {
    "sent": marked("waits for confirmation"),
    "confirmed": marked("confirmed"),
    "expired": marked("expired"),
    "replaced": marked("replaced by a newer one"),
}
MAIL_STATES: dict[str, str] = {
    "done": marked("sent"),
    "waiting": marked("waiting"),
    "sending": marked("being sent"),
    "dead": marked("not delivered"),
}
MAILS: dict[str, str] = {
    "account_closed": marked("Account closed"),
    "account_reopened": marked("Account open again"),
    "account_locked": marked("Sign-in slowed down"),
    "address_taken": marked("Address has an account already"),
    "approved": marked("Approved"),
    "contact_message": marked("Message to customer care"),
    "confirm_registration": marked("Confirm your e-mail address"),
    "confirm_email_change": marked("Confirm the new e-mail address"),
    "device_checked": marked("Device looked at"),
    "device_moved": marked("Device moved by customer care"),
    "device_offer_ended": marked("Offer of a device ended"),
    "device_offered": marked("Device offered"),
    "email_change_undone": marked("Change of the e-mail address undone"),
    "email_changed": marked("E-mail address changed, to the old one"),
    "email_in_use": marked("Address is another account's"),
    "email_is_new": marked("E-mail address changed, to the new one"),
    "move_account": marked("Account of the old portal"),
    "password_changed": marked("Password changed"),
    "password_was_reset": marked("Password was reset"),
    "promise_ends": marked("Reminder to staff: the promise ends"),
    "registration_waiting": marked("In review"),
    "reinstated": marked("Approval holds again"),
    "rejected": marked("Rejected"),
    "remind_registration": marked("Reminder of the confirmation"),
    "reset_password": marked("Reset the password"),
    "review_again": marked("In review again"),
    "site_permitted": marked("Site permitted"),
    "suspended": marked("Suspended"),
    "temporary_password_given": marked("Temporary password given"),
    "user_name_changed": marked("User name changed"),
    "test_mail": marked("Test mail"),
}
TOLD_STATES: dict[str, str] = {
    "done": marked("told"),
    "waiting": marked("being told"),
    "dead": marked("never told"),
    "asked": marked("asked in the browser"),
}
REASONS: dict[str, str] = {
    "rule_holds": marked("Rule “%(value)s” holds."),
    "no_rule_holds": marked("No rule approves this registration."),
    "rule_wants_review": marked("Rule “%(value)s” sends it to staff."),
    "blocked": marked("%(value)s is blocked."),
    "free_mail": marked("%(value)s is a free-mail service."),
    "serial_not_sold": marked("%(value)s is not in the list of devices that were sold."),
    "owned_by_colleague": marked("%(value)s is registered already, by the same company and e-mail domain."),
    "owned_by_others": marked("%(value)s is registered already, by somebody else."),
    "too_many_automatic": marked(
        "Rule “%(value)s” holds, but there were unusually many automatic approvals this hour."
    ),
}
CONDITIONS: dict[str, str] = {
    "serial_family": marked("serial family %(found)s (wanted: %(wanted)s)"),
    "serial_range": marked("serial number %(found)s (wanted: %(wanted)s)"),
    "company_mail": marked("address of a company, not of a free-mail service: %(found)s"),
    "email_domain": marked("e-mail domain %(found)s (wanted: %(wanted)s)"),
    "country": marked("country %(found)s (wanted: %(wanted)s)"),
    "ownership": marked("device owned by %(found)s (wanted: %(wanted)s)"),
    "serial_is_sold": marked("in the list of devices that were sold: %(found)s"),
}
OWNERS: dict[str, str] = {
    "new": marked("nobody else"),
    "same_company": marked("colleagues"),
    "other_company": marked("others"),
    "any": marked("anybody"),
    "yes": marked("yes"),
    "no": marked("no"),
}
CHANGES: dict[tuple[str, str], str] = {
    ("pending", "approved"): marked("%(who)s approved"),
    ("pending", "rejected"): marked("%(who)s rejected"),
    ("approved", "suspended"): marked("%(who)s suspended the approval"),
    ("suspended", "approved"): marked("%(who)s reinstated the approval"),
    ("rejected", "pending"): marked("%(who)s took the application up again"),
    ("approved", "pending"): marked("%(who)s brought the account back into review"),
}
TRAITS: dict[str, str] = {
    "same_serial": marked("same device"),
    "former_serial": marked("registered with the same device"),
    "same_name": marked("same name"),
    "near_serial": marked("serial number almost the same"),
    "near_name": marked("name almost the same"),
    "same_company": marked("same company"),
    "same_domain": marked("same e-mail domain"),
}
OUTCOMES: dict[str, str] = {
    "": marked("waits"),
    "done": marked("done"),
    "proposed": marked("proposed; a colleague confirms it"),
    "proposed_already": marked("not done: something is proposed already"),
    "undone": marked("undone"),
    "decided_already": marked("not done: it was decided or changed meanwhile"),
    "own_account": marked("not done: this is your own registration"),
    "not_permitted": marked("not done: you may not decide about this account"),
    "beyond_limits": marked("not done: you decide about other serial families or countries"),
    "account_unknown": marked("not done: the account was closed"),
}
EVENTS: dict[str, str] = {
    "account_changed": marked("The account was changed"),
    "account_closed": marked("The account was closed"),
    "account_erased": marked("The account was erased"),
    "account_reopened": marked("The account was opened again"),
    "account_locked": marked("Sign-in was slowed down after too many tries"),
    "account_made": marked("The account was made"),
    "approval_changed": marked("The approval changed"),
    "browser_unlocked": marked("A browser was unlocked with the link of a mail"),
    "approval_withdrawn": marked("Access at sites for approved customers ended"),
    "approved": marked("The sites for approved customers opened"),
    "approval_proposed": marked("An approval was proposed"),
    "accounts_generated": marked("Made-up accounts were added"),
    "audit_exported": marked("The audit trail was exported"),
    "audit_read": marked("The audit trail was read"),
    "client_changed": marked("A site's registration was changed"),
    "client_deleted": marked("A site was deleted"),
    "client_disabled": marked("A site was disabled"),
    "client_enabled": marked("A site was enabled"),
    "client_registered": marked("A site was registered"),
    "client_secret_changed": marked("A site's secret was changed"),
    "closing_begun": marked("The account was closed, with a waiting time"),
    "confirmation_link_damaged": marked("A damaged confirmation link was opened"),
    "confirmation_refused": marked("A confirmation was refused"),
    "confirmation_resent": marked("The confirmation mail was sent again"),
    "consent_given": marked("A site was given consent"),
    "consent_withdrawn": marked("The consent for a site was withdrawn"),
    "device_added": marked("A device was added"),
    "device_claim_accepted": marked("A device that waited was accepted"),
    "device_claim_refused": marked("A device that waited was refused"),
    "device_claim_withdrawn": marked("A device that waited was taken back"),
    "device_claimed": marked("A device was added and waits for staff"),
    "device_handed_on": marked("A device was handed on to another account"),
    "device_offer_expired": marked("The offer of a device ran out"),
    "device_offer_taken_back": marked("The offer of a device was taken back"),
    "device_offered": marked("A device was offered to somebody else"),
    "device_received": marked("A device was taken over from another account"),
    "device_refused": marked("The offer of a device was refused"),
    "device_removed": marked("A device was removed"),
    "device_renamed": marked("A device was renamed"),
    "data_exported": marked("The owner took the data of the account along"),
    "decisions_scheduled": marked("Decisions about several applications were scheduled"),
    "decisions_undone": marked("Scheduled decisions were undone"),
    "frontchannel_logout": marked("A site was asked to sign out in the browser"),
    "contact_message_sent": marked("A message was written to customer care"),
    "delivery_retried": marked("A dead letter was given another try"),
    "interests_chosen": marked("Interests or region were chosen"),
    "initial_token_made": marked("An initial access token for registering sites was made"),
    "initial_token_revoked": marked("An initial access token for registering sites was revoked"),
    "email_change_cancelled": marked("The change of the e-mail address was cancelled"),
    "email_change_requested": marked("A change of the e-mail address was asked for"),
    "email_change_undone": marked("The change of the e-mail address ended all sessions"),
    "email_changed": marked("The e-mail address was changed"),
    "email_verified": marked("The e-mail address was confirmed"),
    "email_restored": marked("The old e-mail address was restored"),
    "old_account_moved": marked("A customer of the old portal came over"),
    "old_accounts_imported": marked("Accounts of the old portal were imported"),
    "password_changed": marked("The password was changed"),
    "password_reset": marked("The password was reset"),
    "profile_completed": marked("The profile was completed"),
    "profile_changed": marked("The profile was changed"),
    "proposal_confirmed": marked("A colleague's proposal was confirmed"),
    "proposal_sent_back": marked("A colleague's proposal was sent back"),
    "proposal_withdrawn": marked("A proposal was withdrawn"),
    "rejection_proposed": marked("A rejection was proposed"),
    "reason_text_removed": marked("A reason text was removed"),
    "reason_text_saved": marked("A reason text was written"),
    "registration_confirmed": marked("The e-mail address was confirmed"),
    "registration_sent": marked("The registration was sent"),
    "reset_link_sent": marked("A reset link was sent"),
    "review_assigned": marked("The application was assigned"),
    "review_let_go": marked("The application was let go"),
    "review_note_removed": marked("A note for colleagues was taken back"),
    "review_note_written": marked("A note for colleagues was written"),
    "review_reminder_sent": marked("Staff were reminded that the promise ends"),
    "review_waits_for_staff": marked("No rule approved; the application waits for staff"),
    "roles_proposed": marked("Other roles were proposed"),
    "roles_changed": marked("The roles were changed"),
    "session_expired": marked("A session reached its end"),
    "sign_in_refused": marked("A sign-in was refused"),
    "rules_changed": marked("Other approval rules were switched on"),
    "sign_out": marked("Signed out"),
    "backup_made": marked("A copy of the whole database was made"),
    "backup_restored": marked("A copy of the database was put back, and everything open in it ended"),
    "master_key_changed": marked("The master key was changed"),
    "signing_key_made": marked("A signing key was made"),
    "signing_key_removed": marked("A signing key was removed"),
    "signing_key_retired": marked("A signing key was retired"),
    "sign_out_everywhere": marked("Signed out everywhere"),
    "signed_in": marked("Signed in"),
    "signed_out_elsewhere": marked("A browser was signed out"),
    "temporary_password_given": marked("A temporary password was given"),
    "temporary_password_used": marked("The temporary password was used to choose a new one"),
    "test_mail_written": marked("A test mail was written"),
    "user_name_changed": marked("The user name was changed"),
    "value_blocked": marked("A serial number, address or domain was blocked"),
    "value_unblocked": marked("A serial number, address or domain was no longer blocked"),
    "terms_accepted": marked("The terms of use were accepted"),
    "token_revoked": marked("A site ended its own tokens"),
    "token_replayed": marked("A used code or token was sent again; its tokens ended"),
}
_SAID = frozenset({"ownership", "serial_is_sold", "company_mail"})
"""Conditions whose findings have words."""

_WITH_REASON = frozenset(
    {
        "closing_begun",
        "device_claim_accepted",
        "device_claim_refused",
        "device_handed_on",
        "device_received",
        "email_changed",
        "proposal_sent_back",
    }
)
_TOLD_BY_DECISIONS = frozenset({"approval_changed", "approved", "approval_withdrawn"})


@dataclass(frozen=True, slots=True)
class Line:
    """A line of history: when, what, and what was said about it to the customer, among colleagues, and by the customer."""

    at: int
    sentence: str
    reason: str = ""
    remark: str = ""
    answer: str = ""


def install(app: Flask) -> None:
    """Give the desk's templates their words."""
    app.jinja_env.filters.update(
        status_word=lambda key: _word(STATUSES, key),
        state_word=lambda key: _word(STATES, key),
        mail_word=lambda key: _word(MAILS, key),
        mail_state=lambda key: _word(MAIL_STATES, key),
        outcome_word=lambda key: _word(OUTCOMES, key),
        trait_word=lambda key: _word(TRAITS, key),
        transfer_word=lambda key: _word(TRANSFER_STATES, key),
        told_word=lambda key: _word(TOLD_STATES, key),
        event_word=lambda key: _word(EVENTS, key),
        country=lambda code: country_name(code) if code else "",
        language=lambda code: LANGUAGE_NAMES.get(code, code),
        tell_reason=tell_reason,
        tell_check=tell_check,
        tell_decision=tell_decision,
    )
    app.jinja_env.globals.update(tell_due=tell_due)


def options(words: Mapping[str, str], keys: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """Keys with their words, for a list to choose from."""
    return [(key, _word(words, key)) for key in (keys or words)]


def tell_reason(reason: Reason) -> str:
    """A reason as a sentence."""
    return gettext(REASONS[reason.key], value=reason.value)


def tell_check(check: Check) -> str:
    """A condition of a rule with what was found."""
    wanted = ", ".join(_word(OWNERS, value) if check.condition == "ownership" else value for value in check.wanted)
    found = _word(OWNERS, check.found) if check.condition in _SAID else check.found
    return gettext(CONDITIONS[check.condition], found=found or "–", wanted=wanted)


def tell_decision(decision: Decision) -> str:
    """A decision as a sentence: who did what."""
    if decision.actor_kind == "customer" and decision.old_status == "rejected":
        return gettext("The customer answered the rejection")
    words = CHANGES.get((decision.old_status, decision.new_status), marked("%(who)s changed the status"))
    who = _who(decision.actor_kind, decision.actor, decision.actor_name)
    if decision.actor_kind == "rule" and decision.rule_version:
        who = gettext(
            "Rule “%(name)s” (version %(version)s of the rules)", name=decision.actor, version=decision.rule_version
        )
    return gettext(words, who=who)


def tell_due(due_at: int, now: int, warning: int = 0) -> str:
    """How long the promise still runs (said as soon where it ends within `warning` seconds), or since when it is broken."""
    if now <= due_at < now + warning:
        return gettext("due soon, in %(time)s", time=format_duration(due_at - now))
    if due_at >= now:
        return gettext("due in %(time)s", time=format_duration(due_at - now))
    return gettext("late by %(time)s", time=format_duration(now - due_at))


def history_of(page: AccountPage | RegistrationPage) -> list[Line]:
    """What happened to an account or registration, newest first."""
    lines = [_event_line(event) for event in page.events if event.act not in _TOLD_BY_DECISIONS]
    if isinstance(page, AccountPage):
        lines += [_decision_line(decision) for decision in page.decisions]
        if page.applied and not any(event.act == "registration_sent" for event in page.events):
            lines.append(Line(page.applied.sent_at, gettext("The registration was sent")))
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _decision_line(decision: Decision) -> Line:
    told = " ".join(tell_reason(reason) for reason in read_reasons(decision.facts) if reason.key != "rule_holds")
    sentence = f"{tell_decision(decision)} · {told}" if told else tell_decision(decision)
    if decision.actor_kind == "customer":
        return Line(decision.created_at, sentence, remark=decision.remark, answer=decision.reason)
    return Line(decision.created_at, sentence, decision.reason, decision.remark)


def _event_line(event: Event) -> Line:
    sentence = _word(EVENTS, event.act)
    if event.actor_kind == "staff":
        sentence = gettext("%(who)s: %(what)s", who=_who("staff", event.actor, event.actor_name), what=sentence)
    if event.reference:
        sentence += f" · {event.reference}"
    remark = str(event.details.get("reason", "")) if event.act in _WITH_REASON else ""
    return Line(event.at, sentence, remark=remark)


def _who(kind: str, actor: str, name: str) -> str:
    names = {
        "staff": name or gettext("A former colleague"),
        "rule": gettext("Rule “%(name)s”", name=actor),
        "operator": gettext("The operator"),
        "customer": gettext("A change by the customer"),
    }
    return names.get(kind, gettext("The system"))


def _word(words: Mapping[str, str], key: str) -> str:
    return gettext(words[key]) if key in words else key.replace("_", " ")
