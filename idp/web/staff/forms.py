"""Forms of the desk: a decision with its reason, for an application and for an account."""

from __future__ import annotations

from collections.abc import Callable

import wtforms
from wtforms.validators import StopValidation

from idp.accounts.approval import LONGEST_REASON
from idp.accounts.identifiers import parse_email
from idp.accounts.review_work import LONGEST_NOTE
from idp.config import LANGUAGES
from idp.i18n import lazy_gettext as _
from idp.web.account.registration_forms import LONGEST_EMAIL, parsed_by
from idp.web.forms import ChoiceField, Form, HiddenField, ProseField, TextField
from idp.web.language import NAMES


class DecisionForm(Form):
    """Why, for the customer; a remark, for colleagues; and since when the status stood that was seen."""

    reason = ProseField(_("Reason"), longest=LONGEST_REASON)
    remark = ProseField(_("Remark for colleagues"), longest=LONGEST_REASON)
    seen_at = HiddenField(longest=20)

    @property
    def seen(self) -> int | None:
        """Since when the status stood that the member of staff saw."""
        text = self.seen_at.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 13 else None


def _one_of(sentence: object, *acts: str) -> Callable[[object, wtforms.Field], None]:
    """The button that was pressed is one of the page's."""

    def check(form: object, field: wtforms.Field) -> None:
        if field.data not in acts:
            raise StopValidation(str(sentence))

    return check


PREVIEWS = {"preview_approval": "approve", "preview_rejection": "reject"}
"""Buttons that show a mail beforehand, and the act whose mail it is."""


class ApplicationForm(DecisionForm):
    """Approve or reject; before that, put in a reason text or look at the mail."""

    text = ChoiceField(_("Reason text"))
    act = HiddenField(
        validators=[_one_of(_("Choose “Approve” or “Reject”."), "approve", "reject", "insert", *PREVIEWS)],
        longest=20,
        missing=_("Choose “Approve” or “Reject”."),
    )


class AssignForm(Form):
    """Who gets an application: oneself, a colleague, nobody; and who had it when the page was shown."""

    to = ChoiceField(_("Colleague"))
    seen = HiddenField(longest=64)
    act = HiddenField(
        validators=[_one_of(_("Choose what to do."), "take", "give", "let_go")],
        longest=20,
        missing=_("Choose what to do."),
    )


class ProposalForm(Form):
    """What is to become of a colleague's proposal, or of one's own."""

    answer = ProseField(_("Why you send it back"), longest=LONGEST_REASON)
    act = HiddenField(
        validators=[_one_of(_("Choose what to do."), "confirm", "send_back", "withdraw")],
        longest=20,
        missing=_("Choose what to do."),
    )


class NoteForm(Form):
    """A note for colleagues."""

    note = ProseField(_("New note"), longest=LONGEST_NOTE, missing=_("Write the note first."))


class ReasonTextForm(Form):
    """A reason text: a title for the desk, and the words in each language."""

    title = TextField(
        _("Title for the desk"), longest=100, missing=_("Give the text a title, so that colleagues find it.")
    )
    en = ProseField("English", longest=LONGEST_REASON)
    de = ProseField("Deutsch", longest=LONGEST_REASON)
    fr = ProseField("Français", longest=LONGEST_REASON)
    es = ProseField("Español", longest=LONGEST_REASON)

    @property
    def texts(self) -> dict[str, str]:
        """What was written in each language."""
        return {code: self._fields[code].data or "" for code in LANGUAGES}


class BulkForm(DecisionForm):
    """Approve or reject all that were chosen in the list, with one reason or one reason text."""

    text = ChoiceField(_("Reason text"))
    act = HiddenField(
        validators=[_one_of(_("Choose “Approve” or “Reject”."), "approve", "reject")],
        longest=20,
        missing=_("Choose “Approve” or “Reject”."),
    )


class CloseForm(Form):
    """Why an account is closed, for colleagues."""

    reason = ProseField(_("Reason"), longest=LONGEST_REASON, missing=_("Write why the account is closed."))


class EmailForm(Form):
    """The new e-mail address, and why, for colleagues."""

    email = TextField(
        _("New e-mail address"),
        [parsed_by(parse_email)],
        longest=LONGEST_EMAIL,
        missing=_("Enter the new e-mail address."),
        render_kw={"type": "email", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    reason = ProseField(
        _("Reason"), longest=LONGEST_REASON, missing=_("Write how you made sure who asks, and why it is changed.")
    )


class DeviceForm(Form):
    """Which device, who is its owner from now on, and why, for colleagues."""

    serial_number = ChoiceField(_("Device"), missing=_("Choose a device."))
    receiver = TextField(
        _("E-mail address or user name of the new owner"),
        longest=LONGEST_EMAIL,
        missing=_("Enter the e-mail address or user name of the new owner."),
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    reason = ProseField(
        _("Reason"), longest=LONGEST_REASON, missing=_("Write how you made sure who asks, and why it is changed.")
    )


class ClaimForm(Form):
    """Whether a customer owns a device that waits; why not is for the customer."""

    reason = ProseField(_("Reason"), longest=LONGEST_REASON)
    act = HiddenField(
        validators=[_one_of(_("Choose what to do."), "accept", "refuse")], longest=20, missing=_("Choose what to do.")
    )


class GivePasswordForm(Form):
    """The button that gives a temporary password, and the end of the one that the page knew of."""

    instead_of = HiddenField(longest=20)

    @property
    def known_end(self) -> int | None:
        """The end as a number; None where the page said nothing."""
        return int(self.instead_of.data) if (self.instead_of.data or "").isdecimal() else None


class StatusForm(DecisionForm):
    """Change the status of an account that was decided about."""

    act = HiddenField(
        validators=[_one_of(_("Choose what to do."), "suspend", "reinstate", "reopen")],
        longest=20,
        missing=_("Choose what to do."),
    )


class TestMailForm(Form):
    """Where a test mail goes, and in which language."""

    __test__ = False

    email = TextField(
        _("E-mail address"), longest=254, missing=_("Enter one e-mail address, such as name@company.com.")
    )
    language = ChoiceField(_("Language"), offered=NAMES.items())
