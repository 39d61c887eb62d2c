"""The forms of sign-in, reset, profile and password. Passwords are taken as they were typed (PW-3)."""

from __future__ import annotations

from typing import Any

from wtforms.fields import SelectChoice  # type: ignore[attr-defined,unused-ignore]  # newer than the stubs

from idp.accounts.identifiers import parse_email, parse_own_user_name, parse_phone_number
from idp.i18n import gettext
from idp.i18n import lazy_gettext as _
from idp.web.account.registration_forms import parsed_by
from idp.web.countries import country_choices
from idp.web.forms import ChoiceField, Form, HiddenField, PasswordField, TextField, TickBox
from idp.web.language import NAMES as LANGUAGE_NAMES

LONGEST_ADDRESS = 254


class SignInForm(Form):
    """User name or e-mail address, and the password."""

    username = TextField(
        _("E-mail address or user name"),
        longest=LONGEST_ADDRESS,
        missing=_("Enter your e-mail address or user name."),
    )
    password = PasswordField(_("Password"), missing=_("Enter your password."))
    keep = TickBox(_("Keep me signed in"))


class ForgotForm(Form):
    """The e-mail address of the account; only its shape is told, whether there is an account never is (EN-3)."""

    email = TextField(
        _("E-mail address"), longest=LONGEST_ADDRESS, missing=_("Enter the e-mail address of your account.")
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """One address, as far as its shape tells."""
        if not super().validate(extra_validators=extra_validators):
            return False
        local, _at, domain = self.email.data.rpartition("@")
        if not local or not domain or " " in self.email.data or "@" in local:
            self.tell("email", gettext("Enter one e-mail address, such as name@company.com."))
            return False
        return True


class NewPasswordForm(Form):
    """A new password, with the token of the mail in the same request (RS-2)."""

    token = HiddenField(longest=64)
    new_password = PasswordField(_("New password"), missing=_("Choose a new password."))


class ChangePasswordForm(Form):
    """The current password and a new one."""

    current_password = PasswordField(_("Current password"), missing=_("Enter your current password."))
    new_password = PasswordField(_("New password"), missing=_("Choose a new password."))


class EndSessionForm(Form):
    """Which browser to sign out."""

    sid = HiddenField(longest=64)


class WithdrawForm(Form):
    """From which site to take the permission back."""

    client_id = HiddenField(longest=255)


class EmailForm(Form):
    """The new e-mail address."""

    email = TextField(
        _("New e-mail address"),
        [parsed_by(parse_email)],
        longest=LONGEST_ADDRESS,
        missing=_("Enter the new e-mail address."),
        render_kw={"type": "email", "autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"},
    )


class UserNameForm(Form):
    """Another user name."""

    user_name = TextField(
        _("New user name"),
        [parsed_by(parse_own_user_name)],
        longest=40,
        missing=_("Enter the new user name."),
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )


class ProfileForm(Form):
    """Who somebody is and which language we speak with them."""

    given_name = TextField(
        _("Given name"),
        longest=80,
        missing=_("Enter your given name."),
        render_kw={"autocomplete": "given-name"},
    )
    family_name = TextField(
        _("Family name"),
        longest=80,
        missing=_("Enter your family name."),
        render_kw={"autocomplete": "family-name"},
    )
    company = TextField(_("Company"), longest=120, render_kw={"autocomplete": "organization"})
    phone_number = TextField(
        _("Telephone"),
        [parsed_by(parse_phone_number)],
        longest=40,
        render_kw={"type": "tel", "autocomplete": "tel"},
    )
    street_address = TextField(_("Street and number"), longest=120, render_kw={"autocomplete": "street-address"})
    postal_code = TextField(_("Postal code"), longest=20, render_kw={"autocomplete": "postal-code"})
    locality = TextField(_("Town"), longest=80, render_kw={"autocomplete": "address-level2"})
    understood = HiddenField(longest=1)
    country = ChoiceField(
        _("Country"), choices=[], missing=_("Choose your country."), render_kw={"autocomplete": "country"}
    )
    locale = ChoiceField(
        _("Language"),
        choices=[SelectChoice(code, name) for code, name in LANGUAGE_NAMES.items()],
        missing=_("Choose a language."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = [SelectChoice(code, name) for code, name in (("", ""), *country_choices())]
