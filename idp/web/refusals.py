"""The words of refusals: for each stable key one sentence that says what to do, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.i18n import format_clock, format_duration, format_moment, gettext, marked
from idp.web.context import provider

if TYPE_CHECKING:
    from idp.errors import Refusal

WORDS: dict[str, str] = {
    "sign_in.wrong": marked(
        "The user name or e-mail address and the password do not fit together. Check both, or choose “Forgot password?”."
        " If you have just registered, confirm your address first: the link is in our mail."
        " If nothing helps, write to %(customer_care)s."
    ),
    "sign_in.slowed_down": marked(
        "There were too many tries. For safety the next one is possible at %(until)s, in %(wait)s."
        " “Forgot password?” works right away."
    ),
    "sign_in.closed": marked("This account is closed. Please write to %(customer_care)s if that is not what you want."),
    "sign_in.temporary_over": marked(
        "This temporary password does not work any more: it works once, for a day. Choose “Forgot password?”, or ask"
        " %(customer_care)s for another one."
    ),
    "password.way_missing": marked("Choose which password you want to sign in with."),
    "password.wrong": marked("This is not your current password. Check it, or choose “Forgot password?”."),
    "password.too_short": marked(
        "Choose a password of at least %(minimum)s characters. A short sentence is a good one."
    ),
    "password.too_long": marked("Choose a password of at most %(maximum)s characters."),
    "password.control_characters": marked("Choose a password without line breaks or other control characters."),
    "password.common": marked(
        "This password is among the first that others would try. Choose one that is not made of common words or rows of keys."
    ),
    "password.breached": marked(
        "This password is known from a breach of another site, so others try it. Choose one that you use nowhere else."
    ),
    "password.personal": marked(
        "This password is made of your own name, address or serial number. Choose one that others cannot guess."
    ),
    "password.same": marked("This is the password you have already. Choose a different one."),
    "password.temporary": marked("This is the temporary password, which others know. Choose one of your own."),
    "mail.slowed_down": marked("There were many requests from your network. Please try again at %(until)s."),
    "link.expired": marked("This link has expired. Ask for a new mail."),
    "link.used": marked("This link was used already. Sign in with your new password, or ask for a new mail."),
    "link.replaced": marked("There is a newer mail with a newer link. Open that one, or ask for a new mail."),
    "link.damaged": marked("This link is not complete. Copy the whole link from the mail, or ask for a new mail."),
    "email.invalid": marked("Enter one e-mail address, such as name@company.com."),
    "email.taken": marked(
        "There is an account with this e-mail address already. Sign in, or choose “Forgot password?”."
    ),
    "email.same": marked("This is the e-mail address of the account already."),
    "mail.mailbox_slowed_down": marked("This address got many mails from us in the last hour. Try again in an hour."),
    "email.taken_by_other": marked("Another account has this e-mail address. Each address has one account."),
    "email.changed": marked("The e-mail address was changed meanwhile. Look at it again."),
    "user_name.invalid": marked(
        "Choose 3 to 40 letters, digits, dots, dashes or underscores, with a letter or digit first and last."
    ),
    "user_name.same": marked("This is your user name already."),
    "user_name.taken": marked("Somebody else has this user name. Choose another one."),
    "user_name.changed_today": marked("The user name can be changed once a day. The next time is on %(moment)s."),
    "user_name.slowed_down": marked("There were many tries at user names. The next one is possible at %(until)s."),
    "phone.invalid": marked("Enter a telephone number with digits, blanks, + ( ) / and -, such as +41 61 555 01 00."),
    "user_name.reserved": marked("This user name is kept for our own use. Choose another one."),
    "serial_number.invalid": marked(
        "Enter the six characters from the name plate: two letters, three digits and a letter, such as AB123Z."
    ),
    "serial_number.family": marked(
        "We know no devices of family %(family)s. Compare the first two letters with the name plate."
    ),
    "serial_number.check_letter": marked(
        "The last letter of %(serial_number)s does not fit its digits. Compare all six characters with the name plate."
    ),
    "device.owned_already": marked("This device is on your list already."),
    "transfer.not_approved": marked(
        "A device is handed on from an approved account. Who offers it is not approved at the moment; the offer stays open"
        " until its time is over."
    ),
    "transfer.own_address": marked("This is your own e-mail address. Enter the one of the new owner."),
    "transfer.over": marked("The device is not on this account's list any more. Look at it again."),
    "transfer.receiver_unknown": marked(
        "There is no open account with this address or user name. The new owner registers first."
    ),
    "transfer.same_account": marked("This is the account that has the device now. Enter the new owner."),
    "transfer.waits": marked("This device waits for an answer already. Take the offer back first."),
    "device.waits_already": marked("This device waits for our staff already."),
    "device.too_many": marked(
        "A list holds %(most)s devices. Remove one that you do not use any more, or write to us."
    ),
    "closing.staff": marked("You work at the desk with this account. An administrator takes the role away first."),
    "closing.closed": marked("This account is closed already."),
    "closing.no_way_back": marked(
        "There is no way back any more: the time is over, or it was opened or erased already."
    ),
    "registration.closed": marked("Registration is closed at the moment. Please write to %(customer_care)s."),
    "registration.gone": marked("This registration does not exist any more. Please register again."),
    "registration.confirmed": marked("The e-mail address is confirmed already; there is nothing more to send."),
    "mail.too_soon": marked("We have just sent a mail. You can have it sent again in %(seconds)s seconds."),
    "confirmation.proof_missing": marked(
        "This is not the browser you registered with. Enter the password you chose, or the code together with a new password."
    ),
    "confirmation.password_wrong": marked(
        "This is not the password you chose when you registered. Try again, or use the code together with a new password."
    ),
    "confirmation.code_missing": marked("Enter the code from the mail."),
    "confirmation.new_password_missing": marked("Choose a new password; it takes the place of the first one."),
    "code.wrong": marked(
        "This is not the code of the newest mail. Check it letter by letter; %(left)s more tries are possible."
    ),
    "code.spent": marked("The code was tried too often and does not work any more. Have a new mail sent."),
    "session.ended": marked("You were signed out meanwhile. Sign in and try again."),
}


def words_of(refusal: Refusal, *, customer_care: str) -> str:
    """The sentence of a refusal, with its values filled in."""
    values = {name: str(value) for name, value in refusal.details.items()}
    until, at = refusal.details.get("until"), refusal.details.get("at")
    if isinstance(at, int):
        values["moment"] = format_moment(at)
    if isinstance(until, int):
        values["until"] = format_clock(until)
        values["wait"] = format_duration(until - provider().clock() + 59)  # no minute too few
    return gettext(WORDS[refusal.key], **{"customer_care": customer_care, **values})
