"""Forms that survive whatever is sent (IV-1, IV-4): fields missing, doubled, too long, not UTF-8, control characters.

Each field tells one problem at a time, in the reader's language, and keeps what was typed (passwords are never shown
again). Only the fields that a form lists are read (RG-2), and only from the body of a form: files, JSON and the query
count as missing. Length is looked at before anything is normalised.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import IO, Any
from urllib.parse import parse_qsl

import wtforms
from flask import Request, request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from werkzeug.formparser import FormDataParser
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import StopValidation

from idp.i18n import gettext, marked

LONGEST_TYPED_PASSWORD = 1025
"""What is longer is refused before it is looked at; what a password may be is the rule of `accounts.passwords`."""

MOST_FIELDS = 1000

_NOT_UTF_8 = "\N{REPLACEMENT CHARACTER}"
_AROUND = " \t\r\n\f\v\u00a0\u00ad\u200b\u2060\ufeff"
_JOINERS = "\u200c\u200d"
_FORBIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}

_DOUBLED = marked("This field was sent more than once. Please fill it in again.")
_TOO_LONG = marked("Please use at most %(longest)s characters.")
_NOT_TEXT = marked("Please remove line breaks and invisible characters.")
_DAMAGED = marked("Some characters arrived damaged. Please type this again.")
_NOT_OFFERED = marked("Please choose one of the entries of the list.")
_STALE = marked(
    "Nothing was changed, because this page was open for long or your browser refused its cookie. Please allow cookies"
    " for this site and send the form again."
)


class _FormParser(FormDataParser):
    """Reads urlencoded bodies so that bytes that are no UTF-8 become a mark, which the fields refuse.

    Werkzeug keeps `%FF` as that text, which could be stored as if somebody had typed it, and drops a form with raw bytes.
    """

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> Any:
        """The stream, the fields and the files of a body."""
        if mimetype != "application/x-www-form-urlencoded":
            return super().parse(stream, mimetype, content_length, options)
        text = stream.read().decode("utf-8", "replace")
        try:
            pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS)
        except ValueError:
            pairs = []
        return stream, self.cls(pairs), self.cls()


class FormRequest(Request):
    """A request whose form is read by our parser."""

    form_data_parser_class = _FormParser


class Form(FlaskForm):
    """What every form of ours shares: its token (WB-1), and the body of a form as the only source."""

    class Meta:
        """What WTForms asks for; the texts of errors are all ours."""

        def wrap_formdata(self, form: Form, formdata: Any) -> Any:
            """The fields of a sent form; a file under a field's name is not its text."""
            if isinstance(formdata, (MultiDict, type(None))):
                return formdata
            return request.form if form.is_submitted() else None

        def get_translations(self, form: Form) -> None:
            """WTForms' own sentences are never shown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    def is_submitted(self) -> bool:
        """Whether a form was sent, rather than a page opened."""
        return request.method in ("POST", "PUT", "PATCH", "DELETE")

    def validate_on_submit(self, extra_validators: Any = None) -> bool:
        """Whether a form was sent, and everything in it is right."""
        return self.is_submitted() and self.validate(extra_validators=extra_validators)

    def validate(self, extra_validators: Any = None) -> bool:
        """Check all fields; a form whose token does not fit says so once, above the fields."""
        is_valid: bool = super().validate(extra_validators=extra_validators)
        token = self._fields.get("csrf_token")
        if token is not None and token.errors:
            token.errors = []
            self.form_errors = [gettext(_STALE)]
        return is_valid

    def tell(self, field: str, sentence: str) -> None:
        """Put a sentence at a field, for what was found after the fields were checked; "" is the form as a whole."""
        if field:
            self._fields[field].errors = [sentence]
        else:
            self.form_errors = [sentence]


class _Once:
    """A field that may be sent once; a second value is a mistake or an attack, never a choice."""

    raw_data: Sequence[str] | None
    missing: object
    data: Any
    parsed: Any = None
    """What a check understood of what was typed."""

    def stop(self, message: str, **values: Any) -> None:
        """Say this one thing and look no further."""
        raise StopValidation(gettext(message, **values))

    def check_once(self) -> None:
        """Sent once at most."""
        if len(self.raw_data or ()) > 1:
            self.stop(_DOUBLED)

    def check_present(self) -> None:
        """There, where it must be."""
        if self.missing is not None and not self.data:
            raise StopValidation(str(self.missing))


class TextField(_Once, wtforms.StringField):  # type: ignore[misc]
    """One line of text. `missing` is the sentence for an empty one; without it the field may stay empty."""

    def __init__(
        self,
        label: Any = None,
        validators: Any = (),
        *,
        longest: int,
        missing: object = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.longest, self.missing = longest, missing

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Drop what surrounds the line; normalise what is not too long."""
        text = valuelist[0].strip(_AROUND) if valuelist else ""
        self.data = text if len(text) > self.longest else unicodedata.normalize("NFC", text)

    def pre_validate(self, form: Any) -> None:
        """One value, not too long, plain text, present."""
        self.check_once()
        if len(self.data or "") > self.longest:
            self.stop(_TOO_LONG, longest=self.longest)
        if _NOT_UTF_8 in (self.data or ""):
            self.stop(_DAMAGED)
        if not is_plain_line(self.data or ""):
            self.data = "".join(letter if is_plain_line(letter) else " " for letter in self.data)
            self.stop(_NOT_TEXT)
        self.check_present()


class ProseField(TextField):
    """Several lines of text; line ends become one kind before anything is counted."""

    widget = wtforms.widgets.TextArea()

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Drop blank lines around the text; blanks and tabs inside a line are one blank."""
        text = (valuelist[0] if valuelist else "").replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
        text = "\n".join(line.rstrip() for line in text.split("\n")).strip()
        self.data = text if len(text) > self.longest else unicodedata.normalize("NFC", text)

    def pre_validate(self, form: Any) -> None:
        """Check each line as a line, and the whole for its length."""
        text = self.data or ""
        self.data = text.replace("\n", " ")
        try:
            super().pre_validate(form)
        finally:
            self.data = "\n".join(
                "".join(letter if is_plain_line(letter) else " " for letter in line) for line in text.split("\n")
            )


class PasswordField(_Once, wtforms.PasswordField):  # type: ignore[misc]
    """A password exactly as it was typed (PW-3); its page never shows it again."""

    def __init__(self, label: Any = None, *, missing: object, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.missing = missing

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Nothing is trimmed."""
        self.data = valuelist[0] if valuelist else ""

    def pre_validate(self, form: Any) -> None:
        """One value, bounded, valid UTF-8, present."""
        self.check_once()
        if len(self.data or "") > LONGEST_TYPED_PASSWORD:
            self.stop(_TOO_LONG, longest=256)
        if _NOT_UTF_8 in (self.data or ""):
            self.stop(_DAMAGED)
        self.check_present()


class ChoiceField(_Once, wtforms.SelectField):  # type: ignore[misc]
    """One of the offered values; the empty one means that nothing was chosen."""

    def __init__(
        self, label: Any = None, *, offered: Iterable[tuple[str, str]] = (), missing: object = None, **kwargs: Any
    ) -> None:
        super().__init__(label, **{"choices": [], **kwargs})
        self.missing = missing
        if offered:
            self.offer(offered)

    def offer(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Offer these values with their labels."""
        self.choices = [SelectChoice(value, label) for value, label in pairs]

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """What was chosen, as text."""
        self.data = valuelist[0] if valuelist else ""

    def pre_validate(self, form: Any) -> None:
        """One value, among the offered ones, present."""
        self.check_once()
        self.check_present()
        if self.data not in {value for value, *_rest in self.iter_choices()}:
            self.stop(_NOT_OFFERED)


class ChoicesField(_Once, wtforms.SelectMultipleField):  # type: ignore[misc]
    """Any of the offered values, as boxes to tick; none is fine."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label, **{"choices": [], **kwargs})

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """What was ticked, each once."""
        self.data = list(dict.fromkeys(valuelist))

    def pre_validate(self, form: Any) -> None:
        """All of them among the offered ones."""
        if not set(self.data or ()) <= {value for value, *_rest in self.iter_choices()}:
            self.stop(_NOT_OFFERED)


class TickBox(_Once, wtforms.BooleanField):  # type: ignore[misc]
    """A box that is ticked or not; `missing` is the sentence for one that must be ticked."""

    def __init__(self, label: Any = None, *, missing: object = None, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.missing = missing

    def pre_validate(self, form: Any) -> None:
        """One value, ticked where it must be."""
        self.check_once()
        self.check_present()


class HiddenField(TextField):
    """A value that the page carries (a link's token); it is checked like a line."""

    widget = wtforms.widgets.HiddenInput()


class ActForm(Form):
    """A button that changes something: nothing but the form's token."""


def is_plain_line(text: str) -> bool:
    """Whether it has no line breaks, control characters or invisible marks; joiners that scripts need are letters."""
    return all(letter in _JOINERS or unicodedata.category(letter) not in _FORBIDDEN for letter in text)
