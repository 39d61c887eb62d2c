"""Security events in plain words, as the owner of the account reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idp.i18n import gettext, marked

if TYPE_CHECKING:
    from idp.accounts.own_security import OwnEvent

OWN_WORDS: dict[str, str] = {
    "account_closed": marked("The account was closed"),
    "account_reopened": marked("The account was opened again"),
    "account_locked": marked("Sign-in was slowed down after too many tries"),
    "approval_changed": marked("Your approval changed"),
    "browser_unlocked": marked("A browser was let in with the link of a mail, while sign-in waited"),
    "consent_given": marked("You gave a site your permission"),
    "consent_withdrawn": marked("You took a site's permission back"),
    "data_exported": marked("You took your data along"),
    "device_added": marked("You added a device"),
    "device_claim_accepted": marked("A device that you added is on your list"),
    "device_claim_refused": marked("A device that you added was not put on your list"),
    "device_claim_withdrawn": marked("You took back a device that waited for our staff"),
    "device_claimed": marked("You added a device that waits for our staff"),
    "device_handed_on": marked("A device was handed on to its new owner"),
    "device_offer_expired": marked("Nobody accepted the device you wanted to hand on"),
    "device_offer_taken_back": marked("You kept a device that you wanted to hand on"),
    "device_offered": marked("You offered a device to somebody else"),
    "device_received": marked("You took over a device"),
    "device_refused": marked("The device you wanted to hand on was refused"),
    "device_removed": marked("You removed a device"),
    "email_change_cancelled": marked("You cancelled a change of your e-mail address"),
    "email_change_requested": marked("You asked for another e-mail address"),
    "email_changed": marked("Your e-mail address was changed"),
    "email_restored": marked("Your old e-mail address was restored, and everything was signed out"),
    "email_verified": marked("You confirmed your e-mail address"),
    "interests_chosen": marked("You chose your interests and region"),
    "old_account_moved": marked("Your account came over from the old portal"),
    "password_changed": marked("You changed your password"),
    "password_reset": marked("Your password was reset, and everything was signed out"),
    "profile_changed": marked("You changed your profile"),
    "profile_completed": marked("You completed your profile"),
    "registration_confirmed": marked("You confirmed your registration"),
    "reset_link_sent": marked("A link to a new password was sent to you"),
    "roles_changed": marked("Your rights at the desk were changed"),
    "sign_in_refused": marked("A sign-in failed"),
    "sign_out": marked("A browser was signed out"),
    "sign_out_everywhere": marked("You signed out everywhere"),
    "signed_in": marked("You signed in"),
    "signed_out_elsewhere": marked("A browser was signed out"),
    "temporary_password_given": marked("A temporary password took the place of your password"),
    "temporary_password_used": marked("The temporary password was used to choose a new one"),
    "user_name_changed": marked("You changed your user name"),
    "token_replayed": marked("The access of a site was ended, because an old key of it was used again"),
}

_APPROVAL: dict[str, str] = {
    "approved": marked("Your registration was approved"),
    "pending": marked("Your registration is being reviewed"),
    "rejected": marked("Your registration was not approved"),
    "suspended": marked("Your access was suspended"),
}


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A line of the list: when, what, and from which network address, where known."""

    at: int
    sentence: str
    address: str


def tell_own_event(own: OwnEvent) -> OwnLine:
    """An event as a line, with the site it is about; what customer care did says so, and where a member of staff sat is not told."""
    event = own.event
    status = str(event.details.get("new", "")) if event.act == "approval_changed" else ""
    sentence = gettext(_APPROVAL.get(status, OWN_WORDS[event.act]))
    if own.site:
        sentence = f"{sentence} · {own.site}"
    if event.actor_kind == "staff":
        return OwnLine(event.at, gettext("Customer care: %(what)s", what=sentence), "")
    return OwnLine(event.at, sentence, event.address)
