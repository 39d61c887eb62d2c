"""The forms of sign-in, reset, profile and password. Passwords are taken as they were typed (PW-3)."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, Form, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from idp.config import LANGUAGES
from idp.i18n import gettext
from idp.i18n import lazy_gettext as _
from idp.web.countries import country_choices

LANGUAGE_NAMES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
LONGEST_TYPED_PASSWORD = 1025
"""What is longer is refused here, before anything is hashed (PW-1)."""


def strip(value: str | None) -> str | None:
    """Blanks around a line are nobody's intention."""
    return value.strip() if isinstance(value, str) else value


def is_one_line(form: Form, field: Field) -> None:
    """A line has no control characters, and came once."""
    if len(field.raw_data or []) > 1:
        raise ValidationError(gettext("This field was sent twice. Please fill it in again."))
    if "\ufffd" in (field.data or ""):
        raise ValidationError(gettext("Some letters could not be read. Please type them again."))
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 or 0xD800 <= ord(letter) < 0xE000 for letter in field.data or ""):
        raise ValidationError(gettext("Please remove line breaks and other control characters."))


def came_once(form: Form, field: Field) -> None:
    """A password that was sent twice is nobody's."""
    if len(field.raw_data or []) > 1:
        raise ValidationError(gettext("This field was sent twice. Please fill it in again."))


class SignInForm(FlaskForm):  # type: ignore[misc]
    """User name or e-mail address, and the password."""

    username = StringField(
        _("E-mail address or user name"),
        [
            InputRequired(_("Enter your e-mail address or user name.")),
            Length(max=254, message=_("This is too long for an e-mail address or user name.")),
            is_one_line,
        ],
        filters=[strip],
    )
    password = PasswordField(
        _("Password"),
        [
            InputRequired(_("Enter your password.")),
            Length(max=LONGEST_TYPED_PASSWORD, message=_("This is too long for a password.")),
            came_once,
        ],
    )
    keep = BooleanField(_("Keep me signed in"))


class ForgotForm(FlaskForm):  # type: ignore[misc]
    """The e-mail address of the account."""

    email = StringField(
        _("E-mail address"),
        [
            InputRequired(_("Enter the e-mail address of your account.")),
            Length(max=254, message=_("This is too long for an e-mail address.")),
            is_one_line,
        ],
        filters=[strip],
    )

    def validate_email(self, field: Field) -> None:
        """Only the shape is told; whether there is an account never is (EN-3)."""
        local, at, domain = (field.data or "").rpartition("@")
        if not at or not local or ("." not in domain and domain != "localhost") or " " in field.data:
            raise ValidationError(gettext("Enter one e-mail address, such as name@company.com."))


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, with the token of the mail in the same request (RS-2)."""

    token = HiddenField()
    new_password = PasswordField(
        _("New password"),
        [
            InputRequired(_("Choose a new password.")),
            Length(max=LONGEST_TYPED_PASSWORD, message=_("Choose a password of at most 256 characters.")),
            came_once,
        ],
    )


class ChangePasswordForm(FlaskForm):  # type: ignore[misc]
    """The current password and a new one."""

    current_password = PasswordField(
        _("Current password"),
        [
            InputRequired(_("Enter your current password.")),
            Length(max=LONGEST_TYPED_PASSWORD, message=_("This is too long for a password.")),
            came_once,
        ],
    )
    new_password = PasswordField(
        _("New password"),
        [
            InputRequired(_("Choose a new password.")),
            Length(max=LONGEST_TYPED_PASSWORD, message=_("Choose a password of at most 256 characters.")),
            came_once,
        ],
    )


def _name(label: object, missing: object, autocomplete: str) -> Any:
    checks = [InputRequired(missing), Length(max=80, message=_("Please use at most 80 characters.")), is_one_line]
    return StringField(label, checks, filters=[strip], render_kw={"autocomplete": autocomplete})


class ProfileForm(FlaskForm):  # type: ignore[misc]
    """Who somebody is and which language we speak with them."""

    given_name = _name(_("Given name"), _("Enter your given name."), "given-name")
    family_name = _name(_("Family name"), _("Enter your family name."), "family-name")
    company = StringField(
        _("Company"),
        [Length(max=120, message=_("Please use at most 120 characters.")), is_one_line],
        filters=[strip],
        render_kw={"autocomplete": "organization"},
    )
    country = SelectField(_("Country"), [InputRequired(_("Choose your country."))], render_kw={"autocomplete": "country"})
    locale = SelectField(
        _("Language"),
        [InputRequired(_("Choose a language."))],
        choices=[(code, LANGUAGE_NAMES[code]) for code in LANGUAGES],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = [("", ""), *country_choices()]


class ActForm(FlaskForm):  # type: ignore[misc]
    """A button that changes something: nothing but the form's token."""
