"""The forms of customers who come over from the old portal: what is missing, and which password."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from idp.accounts.serial_numbers import LONGEST_TYPED
from idp.config import LANGUAGES
from idp.i18n import gettext, marked
from idp.i18n import lazy_gettext as _
from idp.web.account.registration_forms import LONGEST_COMPANY, LONGEST_NAME, parse_known_serial, parsed_by
from idp.web.account.terms import check_still_in_force, settle_terms
from idp.web.countries import country_choices
from idp.web.forms import ChoiceField, Form, HiddenField, PasswordField, TextField, TickBox
from idp.web.language import NAMES

WAYS = {
    "typed": marked("The password I just typed into the registration form"),
    "old": marked("Keep my password of the old portal"),
    "new": marked("A new password"),
}


class CompletionForm(Form):
    """Who somebody is, as every registration says it."""

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
    locale = ChoiceField(
        _("Language of our mails"), missing=_("Choose a language."), offered=[(code, NAMES[code]) for code in LANGUAGES]
    )
    terms = TickBox(
        _("I accept the terms of use"),
        validators=[check_still_in_force],
        missing=_("Accept the terms of use to go on."),
    )
    terms_version = HiddenField(longest=10)
    terms_language = HiddenField(longest=2)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.offer([("", ""), *country_choices()])
        settle_terms(self)


class PassageForm(CompletionForm):
    """The same, and which password the account has from now on; what can be chosen differs (`offer`)."""

    password_way = ChoiceField(_("Password"), missing=_("Choose which password you want to sign in with."))
    new_password = PasswordField(_("New password"), missing=None)

    def offer(self, ways: Iterable[str]) -> None:
        """Offer these passwords; the first one is chosen at first."""
        offered = [(way, gettext(WAYS[way])) for way in ways]
        self.password_way.offer(offered)
        if self.password_way.data is None:
            self.password_way.data = offered[0][0]

    def validate(self, extra_validators: Any = None) -> bool:
        """A new password is needed only where it was chosen to have one."""
        is_valid = super().validate(extra_validators=extra_validators)
        if self.password_way.data == "new" and not self.new_password.data:
            self.tell("new_password", gettext("Choose a new password."))
            return False
        return is_valid
