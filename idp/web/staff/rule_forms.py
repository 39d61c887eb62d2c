"""Forms of the rules' pages: lists are typed as people type them, and come out as policy reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from wtforms.validators import StopValidation

from idp.accounts.approval_rules import LONGEST_REMARK
from idp.accounts.blocking import LONGEST_REASON
from idp.i18n import gettext
from idp.i18n import lazy_gettext as _
from idp.policy.rule_parsing import DOMAIN, LONGEST, MOST, RULE_KEY, parse_family, parse_range, parse_rule
from idp.policy.rules import Family, Rule, RuleSet
from idp.web.forms import ChoiceField, Form, HiddenField, ProseField, TextField, TickBox

LONGEST_LIST = 20_000
OWNERS: list[tuple[str, Any]] = [
    ("new", _("nobody else owns the device")),
    ("same_company", _("nobody else owns the device, or only colleagues")),
    ("any", _("whoever else owns the device")),
]
OUTCOMES: list[tuple[str, Any]] = [("approve", _("approve")), ("review", _("staff decide"))]


def _listed(one: Callable[[str], object], sentence: object) -> Callable[[Form, TextField], None]:
    """A check of a list: entries apart by commas, semicolons, blanks or lines; `one` raises where one is not right."""

    def check(_form: Form, field: TextField) -> None:
        entries = split_list(field.data or "")
        if len(entries) > MOST:
            raise StopValidation(gettext("A list holds %(most)s entries at most.", most=MOST))
        try:
            field.parsed = [one(entry) for entry in entries]
        except ValueError as error:
            raise StopValidation(f"{sentence} {gettext('This is not one: %(entry)s', entry=error)}") from None

    return check


def split_list(text: str) -> list[str]:
    """The entries of a typed list; a range keeps together, however it is spaced."""
    joined = re.sub(r"\s*[-–]\s*(?=[A-Za-z]{2}[0-9]{3})", "-", text)
    return [entry for entry in re.split(r"[,;\s]+", joined) if entry]


def _letters(entry: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", entry):
        raise ValueError(entry)
    return entry.upper()


def _range(entry: str) -> str:
    first, _dash, last = entry.upper().partition("-")
    try:
        return "-".join(parse_range(f"{first}-{last or first}"))
    except ValueError:
        raise ValueError(entry) from None


def _domain(entry: str) -> str:
    domain = entry.lower().lstrip("@")
    if not re.fullmatch(DOMAIN, domain):
        raise ValueError(entry)
    return domain


_A_DOMAIN = _("Enter domains such as company.com.")


class _DraftForm(Form):
    """What changes the draft carries the state of it that was seen."""

    revision = HiddenField(longest=20)

    @property
    def seen(self) -> int:
        """Which state of the draft was seen; 0 is none that there is."""
        text = self.revision.data or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


class DraftActForm(_DraftForm):
    """A button that changes the draft."""


class RuleForm(_DraftForm):
    """A rule of the draft."""

    rule_key = TextField(
        _("Short name"),
        longest=64,
        missing=_("Give the rule a short name, such as family-AB."),
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    reason = TextField(_("What it is for"), longest=LONGEST)
    serial_families = ProseField(
        _("Serial families"), [_listed(_letters, _("Enter two letters each, such as AB."))], longest=LONGEST_LIST
    )
    serial_ranges = ProseField(
        _("Ranges of serial numbers"),
        [_listed(_range, _("Enter ranges within one family, such as AB100A-AB299Z."))],
        longest=LONGEST_LIST,
    )
    email_domains = ProseField(_("E-mail domains"), [_listed(_domain, _A_DOMAIN)], longest=LONGEST_LIST)
    company_mail = TickBox(_("Only addresses of a company, not of a free-mail service"))
    countries = ProseField(
        _("Countries"),
        [_listed(_letters, _("Enter the two letters of each country, such as DE."))],
        longest=LONGEST_LIST,
    )
    ownership = ChoiceField(_("Who else may own the device"), offered=OWNERS, missing=_("Choose one of the entries."))
    outcome = ChoiceField(_("Then"), offered=OUTCOMES, missing=_("Choose one of the entries."))
    enabled = TickBox(_("The rule is in use"))

    def validate_rule_key(self, field: TextField) -> None:
        """A name that fits into lists and addresses."""
        if not RULE_KEY.fullmatch(field.data or ""):
            raise StopValidation(gettext("Use letters without accents, digits, dots and dashes."))

    def read(self) -> Rule | None:
        """The rule; None, and said so, where it has no condition and would decide about everybody."""
        lists = ("serial_families", "serial_ranges", "email_domains", "countries")
        fields = (self.serial_families, self.serial_ranges, self.email_domains, self.countries)
        values = dict(zip(lists, (list(field.parsed or ()) for field in fields), strict=True))
        has_condition = any(values.values()) or self.company_mail.data or self.ownership.data != "new"
        if not has_condition:
            sentence = gettext("Fill in one condition at least; without one the rule would decide about everybody.")
            self.tell("serial_families", sentence)
            return None
        # A rule that sends to staff asks who owns the device only where it was said; nobody is the plain case.
        asks_owner = self.outcome.data == "approve" or self.ownership.data != "new"
        return parse_rule(
            {
                **values,
                "rule_key": self.rule_key.data,
                "reason": self.reason.data or "",
                "company_mail": bool(self.company_mail.data),
                "ownership": self.ownership.data if asks_owner else None,
                "outcome": self.outcome.data,
                "enabled": bool(self.enabled.data),
            }
        )


def write_rule(rule: Rule) -> dict[str, object]:
    """A rule as the form shows it."""
    return {
        "rule_key": rule.rule_key,
        "reason": rule.reason,
        "serial_families": _lines(rule.serial_families),
        "serial_ranges": "\n".join(f"{first}-{last}" for first, last in rule.serial_ranges),
        "email_domains": _lines(rule.email_domains),
        "company_mail": rule.company_mail,
        "countries": _lines(rule.countries),
        "ownership": rule.ownership or "new",
        "outcome": rule.outcome,
        "enabled": rule.enabled,
    }


class FamiliesForm(_DraftForm):
    """The families of devices, one on each line, and more domains of free-mail services."""

    families = ProseField(_("Families"), longest=LONGEST_LIST)
    free_mail_domains = ProseField(_("More free-mail services"), [_listed(_domain, _A_DOMAIN)], longest=LONGEST_LIST)

    def validate_families(self, field: ProseField) -> None:
        """`AB; product; check letters`, the last two as one likes."""
        found: list[Family] = []
        for line in (field.data or "").split("\n"):
            if not line.strip():
                continue
            letters, product, check_letters = ([part.strip() for part in line.split(";")] + ["", ""])[:3]
            try:
                entry = {"letters": letters.upper(), "product": product, "check_letters": check_letters.upper()}
                found.append(parse_family(entry))
            except ValueError:
                sentence = gettext(
                    "Write two letters first, such as AB; Torque meter. This line is not so: %(line)s", line=line
                )
                raise StopValidation(sentence) from None
        doubled = {family.letters for family in found if [f.letters for f in found].count(family.letters) > 1}
        if doubled:
            raise StopValidation(gettext("This family is there twice: %(family)s", family=min(doubled)))
        field.parsed = found[:MOST]


def write_families(rule_set: RuleSet) -> dict[str, str]:
    """The families as the form shows them."""
    return {
        "families": "\n".join(map(_line_of, rule_set.families)),
        "free_mail_domains": _lines(rule_set.free_mail_domains),
    }


class SwitchOnForm(_DraftForm):
    """Why other rules come into use."""

    remark = ProseField(
        _("Why they are changed"), longest=LONGEST_REMARK, missing=_("Write why, for colleagues and the audit trail.")
    )


class BlockForm(Form):
    """What is blocked, and why."""

    value = TextField(
        _("Serial number, e-mail address or domain"),
        longest=254,
        missing=_("Enter a serial number, an e-mail address or a domain."),
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    reason = ProseField(_("Reason"), longest=LONGEST_REASON, missing=_("Write why, for colleagues."))


def _line_of(family: Family) -> str:
    parts = [family.letters, family.product, family.check_letters]
    while not parts[-1]:
        parts.pop()
    return "; ".join(parts)


def _lines(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))
