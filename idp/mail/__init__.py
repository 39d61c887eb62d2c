"""What we send: one function per message.

Owns the words and the form of mails, and how they leave (`smtp`, `mailbox`). Each function takes `provider`, `tx`, the
recipient and the values of its message, and writes one sealed outbox row in that transaction; the worker renders and
sends it later, at least once. Templates are `templates/mail/<message>/{subject.txt,body.txt,body.html}`. Links are built
from the issuer only, and there is exactly one recipient (RG-10, RS-3, RS-4). Does not decide who gets a mail.
"""

from idp.mail.accounts import (
    account_closed,
    account_locked,
    account_reopened,
    password_changed,
    password_was_reset,
    reset_password,
    site_permitted,
    temporary_password_given,
    user_name_changed,
)
from idp.mail.approval import approved, reinstated, rejected, review_again, suspended
from idp.mail.devices import device_checked, device_moved, device_offer_ended, device_offered
from idp.mail.email_change import (
    confirm_email_change,
    email_change_undone,
    email_changed,
    email_in_use,
    email_is_new,
)
from idp.mail.house import contact_message, promise_ends, test_mail
from idp.mail.recipient import Recipient, to_account, to_registration
from idp.mail.registration import (
    address_taken,
    confirm_registration,
    move_account,
    registration_waiting,
    remind_registration,
)

__all__ = [
    "Recipient",
    "account_closed",
    "account_locked",
    "account_reopened",
    "address_taken",
    "approved",
    "confirm_email_change",
    "confirm_registration",
    "contact_message",
    "device_checked",
    "device_moved",
    "device_offer_ended",
    "device_offered",
    "email_change_undone",
    "email_changed",
    "email_in_use",
    "email_is_new",
    "move_account",
    "password_changed",
    "password_was_reset",
    "promise_ends",
    "registration_waiting",
    "reinstated",
    "rejected",
    "remind_registration",
    "reset_password",
    "review_again",
    "site_permitted",
    "suspended",
    "temporary_password_given",
    "test_mail",
    "to_account",
    "to_registration",
    "user_name_changed",
]
