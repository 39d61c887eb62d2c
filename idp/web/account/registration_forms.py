"""The forms of registration and confirmation; each field says what is wrong with it and what would be right (F-1.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wtforms.validators import StopValidation

from idp.accounts.approval import LONGEST_REASON
from idp.accounts.approval_rules import parse_known_serial_number
from idp.accounts.identifiers import parse_email, parse_own_user_name
from idp.accounts.passwords import check_new_password
from idp.accounts.serial_numbers import LONGEST_TYPED
from idp.config import LANGUAGES
from idp.errors import Refusal
from idp.i18n import lazy_gettext as _
from idp.web.account.terms import check_still_in_force, settle_terms
from idp.web.context import provider
from idp.web.countries import country_choices
from idp.web.forms import ChoiceField, ChoicesField, Form, HiddenField, PasswordField, ProseField, TextField, TickBox
from idp.web.interest_words import offered_regions
from idp.web.language import NAMES
from idp.web.refusals import words_of

LONGEST_EMAIL = 254
LONGEST_NAME = 60
LONGEST_COMPANY = 120


def parsed_by(parse: Callable[[str], str]) -> Callable[[Any, Any], None]:
    """A check that replaces what was typed by what was understood, and tells a refusal at the field."""

    def check(form: Any, field: Any) -> None:
        if not field.data:
            return
        try:
            field.parsed = parse(field.data)
        except Refusal as refusal:
            raise StopValidation(tell(refusal)) from None

    return check


def parse_known_serial(text: str) -> str:
    """A serial number whose family and last letter may be (F-1.4)."""
    return parse_known_serial_number(provider(), text)


def tell(refusal: Refusal) -> str:
    """The sentence of a refusal."""
    return words_of(refusal, customer_care=provider().settings.mail.customer_care)


class RegistrationForm(Form):
    """Who applies for an account."""

    email = TextField(
        _("E-mail address"),
        [parsed_by(parse_email)],
        longest=LONGEST_EMAIL,
        missing=_("Enter your e-mail address."),
    )
    given_name = TextField(_("Given name"), longest=LONGEST_NAME, missing=_("Enter your given name."))
    family_name = TextField(_("Family name"), longest=LONGEST_NAME, missing=_("Enter your family name."))
    company = TextField(_("Company"), longest=LONGEST_COMPANY, missing=_("Enter the name of your company."))
    country = ChoiceField(_("Country"), missing=_("Choose your country."))
    serial_number = TextField(
        _("Serial number of your device"),
        [parsed_by(parse_known_serial)],
        longest=LONGEST_TYPED,
        missing=_("Enter the serial number of your device."),
    )
    user_name = TextField(_("User name"), [parsed_by(parse_own_user_name)], longest=40)
    new_password = PasswordField(_("Password"), missing=_("Choose a password."))
    locale = ChoiceField(
        _("Language of our mails"), missing=_("Choose a language."), offered=[(code, NAMES[code]) for code in LANGUAGES]
    )
    interests = ChoicesField(_("Interests"))
    region = ChoiceField(_("Region"))
    terms = TickBox(
        _("I accept the terms of use"),
        validators=[check_still_in_force],
        missing=_("Accept the terms of use to register."),
    )
    terms_version = HiddenField(longest=10)
    terms_language = HiddenField(longest=2)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.offer([("", ""), *country_choices()])
        offered = provider().settings.interests
        self.interests.choices = [(key, key) for key in sorted(offered.keys)]
        self.region.offer([("", str(_("No region: news from everywhere"))), *offered_regions(offered)])
        if not offered.keys:
            del self.interests
        if not offered.regions:
            del self.region
        settle_terms(self)

    def validate(self, extra_validators: Any = None) -> bool:
        """All fields, and the password with them, so that nothing is told only in a second round (F-1.3)."""
        is_valid = super().validate(extra_validators=extra_validators)
        if not self.new_password.data or self.new_password.errors:
            return is_valid
        own = (self.email, self.given_name, self.family_name, self.company, self.serial_number, self.user_name)
        try:
            check_new_password(
                self.new_password.data,
                minimum=provider().settings.passwords.minimum_length,
                personal=[field.data for field in own if field.data],
            )
        except Refusal as refusal:
            self.tell("new_password", tell(refusal))
            return False
        return is_valid


class AgainForm(Form):
    """Have the mail sent again; `status` is the secret of the status page where it was opened by its link."""

    status = HiddenField(longest=100)


class AddressForm(Form):
    """The address whose mail is wanted, where the link does not say it."""

    email = TextField(
        _("E-mail address"),
        [parsed_by(parse_email)],
        longest=LONGEST_EMAIL,
        missing=_("Enter the e-mail address you registered with."),
    )


class CodeForm(Form):
    """The code of the mail, in the browser that registered."""

    code = TextField(_("Code from the mail"), longest=40, missing=_("Enter the code from the mail."))


class OwnPasswordForm(Form):
    """Another browser: the password that was chosen in the registration."""

    password = PasswordField(_("Password you chose"), missing=_("Enter the password you chose when you registered."))


class CodeAndPasswordForm(Form):
    """Another browser: the code together with a new password."""

    code = TextField(_("Code from the mail"), longest=40, missing=_("Enter the code from the mail."))
    new_password = PasswordField(
        _("New password"), missing=_("Choose a new password; it takes the place of the first one.")
    )


class AnswerForm(Form):
    """What an applicant says to a rejection; `status` is the token of the page it was written on."""

    answer = ProseField(_("Your answer"), longest=LONGEST_REASON, missing=_("Write what we should look at again."))
    status = HiddenField(longest=64)
