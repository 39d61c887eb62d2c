"""`/help` and `/contact`: answers that lead to the page which does it, and a way to customer care with the reference along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, redirect, request, url_for

from idp.accounts.contact import LONGEST_MESSAGE, TOPICS, Message, write_to_customer_care
from idp.errors import Refusal
from idp.i18n import current_locale, gettext, marked
from idp.i18n import lazy_gettext as _
from idp.store import accounts
from idp.web.browser_session import caller, current_session
from idp.web.context import provider
from idp.web.forms import ChoiceField, Form, ProseField, TextField
from idp.web.pages import render
from idp.web.refusals import words_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from idp.store.accounts import Account

blueprint = Blueprint("help", __name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A question of the help page: its promise (the anchor), words, and the pages that do it, each with the link's text."""

    promise: str
    question: str
    text: str
    links: tuple[tuple[str, str], ...] = ()

    @property
    def anchor(self) -> str:
        """The stable address within the page."""
        return self.promise.lower().replace(".", "-")


REGISTER, FORGOT = ("register.page", marked("Register")), ("forgot.page", marked("Forgot password?"))
STATUS, SIGN_IN = ("register.status", marked("Where my registration stands")), ("sign_in.page", marked("Sign in"))
CONTACT, PROFILE = ("help.contact", marked("Write to customer care")), ("profile.page", marked("My profile"))
OWN_EMAIL = ("email.page", marked("Change the e-mail address"))
SEND_AGAIN = ("register.mail", marked("Send the confirmation mail again"))

REGISTRATION = (
    Answer(
        "F-1.1",
        marked("Do I need an account, and what does it give me?"),
        marked(
            "Most content is open to everybody. With an account you get content for customers only, and a page of your own"
            " with the sites that you can enter."
        ),
        (REGISTER, ("dashboard.page", marked("My overview"))),
    ),
    Answer(
        "F-1.2",
        marked("How does registration work?"),
        marked(
            "In three steps: you send the form, you confirm your e-mail address, and your registration is reviewed. Many are"
            " approved at once; others are looked at by a person. The status page shows where yours stands and how long the"
            " rest takes."
        ),
        (REGISTER, STATUS),
    ),
    Answer(
        "F-1.3",
        marked("The form cannot be sent. What can I do?"),
        marked(
            "Each field says what is wrong with it, and what you typed is kept. Each e-mail address can have one account: if"
            " yours has one already, choose a new password instead."
        ),
        (REGISTER, FORGOT),
    ),
    Answer(
        "F-1.4",
        marked("Where do I find the serial number?"),
        marked(
            "On the name plate of the device. It has six characters: two letters, three digits and a letter, such as AB123Z."
            " Small letters, blanks and dashes do not matter."
        ),
        (REGISTER,),
    ),
    Answer(
        "F-1.5",
        marked("Until when must I confirm my e-mail address?"),
        marked(
            "Within %(days)s of sending the form; the page and the mail tell the date. After that the registration is deleted,"
            " and the address and the serial number are free again."
        ),
        (STATUS, REGISTER),
    ),
    Answer(
        "F-1.6",
        marked("No confirmation mail came."),
        marked(
            "Look in the spam folder first, then have it sent again. If it still does not come, write to customer care: they"
            " see what became of the mail and can send it again."
        ),
        (SEND_AGAIN, CONTACT),
    ),
    Answer(
        "F-1.7",
        marked("The link in the mail does not work."),
        marked(
            "The page says why: it has run out, was used, was replaced by a newer one, or is damaged. You can have a new mail"
            " sent there. If you write to us, send the reference number of that page along."
        ),
        (SEND_AGAIN, CONTACT),
    ),
    Answer(
        "F-1.8",
        marked("I have not been approved yet."),
        marked(
            "Reviewing can take some working days; the status page says how long. If it is urgent, write to customer care. If"
            " your registration was refused, the status page says why and how to answer."
        ),
        (STATUS, CONTACT),
    ),
    Answer(
        "F-1.9",
        marked("I had an account at the old portal."),
        marked(
            "Register with the e-mail address of your old account and follow the mail that comes. If you still know your old"
            " password, try to sign in with it first."
        ),
        (SIGN_IN, REGISTER),
    ),
)
PASSWORD = (
    Answer(
        "F-2.1",
        marked("I forgot my password."),
        marked("Enter your e-mail address, and we send you a link with which you choose a new one."),
        (FORGOT,),
    ),
    Answer(
        "F-2.2",
        marked("Do I sign in with the e-mail address or the user name?"),
        marked("Either works. Your profile shows your user name."),
        (SIGN_IN, PROFILE),
    ),
    Answer(
        "F-2.3",
        marked("I remember neither the address nor the user name."),
        marked("Customer care finds your account by your name, your company or the serial number of a device."),
        (CONTACT,),
    ),
    Answer(
        "F-2.4",
        marked("I cannot read the mailbox of my account any more."),
        marked(
            "Can you still sign in? Then change the address yourself. Else write to customer care from your new address. Once"
            " they have made sure that it is you, they change the address of your account, and “Forgot password?” works with"
            " the new one. The old address is told."
        ),
        (OWN_EMAIL, CONTACT, FORGOT),
    ),
    Answer(
        "F-2.5",
        marked("No mail for a new password came."),
        marked(
            "Look in the spam folder, and try your other addresses: the account may have one of them. Customer care sees whether"
            " the mail went out, and can give you a temporary password."
        ),
        (FORGOT, CONTACT),
    ),
    Answer(
        "F-2.6",
        marked("How long does the link for a new password work?"),
        marked("For %(reset)s; the mail says so below the link. A newer mail replaces an older one."),
        (FORGOT,),
    ),
    Answer(
        "F-2.7",
        marked("What does “Keep me signed in” do?"),
        marked(
            "You stay signed in on this computer for 12 hours, also when you close the browser. After that you sign in again."
            " Do not use it on computers that others use as well."
        ),
        (SIGN_IN,),
    ),
)

TOPIC_WORDS = {
    "registration": marked("Registration"),
    "sign_in": marked("Sign-in and password"),
    "approval": marked("Review and approval"),
    "data": marked("My data"),
    "other": marked("Something else"),
}


class ContactForm(Form):
    """What somebody writes to customer care."""

    topic = ChoiceField(_("What is it about?"), missing=_("Choose what it is about."))
    email = TextField(
        _("Your e-mail address"), longest=254, missing=_("Enter the address that the answer should go to.")
    )
    message = ProseField(_("Your message"), longest=LONGEST_MESSAGE, missing=_("Write what you need."))
    reference = TextField(_("Reference number"), longest=20)


@blueprint.get("/help")
def page() -> Response:
    """The help page, in the reader's language."""
    lifetimes = provider().settings.lifetimes
    return render(
        "help/help.html",
        groups=((gettext("Registration"), REGISTRATION), (gettext("Sign-in and password"), PASSWORD)),
        confirmation=lifetimes.confirmation,
        reset=lifetimes.reset,
    )


@blueprint.route("/contact", methods=["GET", "POST"])
def contact() -> Any:
    """Write to customer care; a reference number comes along from the page that showed it."""
    form, account = ContactForm(), _account()
    form.topic.offer([("", gettext("Choose")), *((key, gettext(TOPIC_WORDS[key])) for key in TOPICS)])
    if not form.is_submitted():
        form.topic.data = request.args.get("topic") if request.args.get("topic") in TOPICS else ""
        form.reference.data = request.args.get("reference", "")[:20]
        form.email.data = account.email if account else ""
        return render("help/contact.html", form=form)
    if not form.validate_on_submit():
        return render("help/contact.html", 422, form=form)
    message = Message(form.topic.data, form.email.data, form.message.data, form.reference.data.upper())
    try:
        write_to_customer_care(
            provider(),
            message,
            caller(),
            locale=current_locale(),
            account_id=account.account_id if account else None,
        )
    except Refusal as refusal:
        form.tell("email", words_of(refusal, customer_care=provider().settings.mail.customer_care))
        return render("help/contact.html", 429 if refusal.key == "mail.slowed_down" else 422, form=form)
    return redirect(url_for("help.sent"), 303)


@blueprint.get("/contact/sent")
def sent() -> Response:
    """The message is on its way, and what happens next."""
    return render("help/sent.html")


def _account() -> Account | None:
    session = current_session()
    if session is None or session.is_idle:
        return None
    with provider().database.reading() as tx:
        return accounts.find_account(tx, session.account_id)
