"""What goes in and out of the interface where approval rules are read, tried and switched on, and values blocked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from idp.accounts.approval_rules import LONGEST_REMARK
from idp.accounts.blocking import LONGEST_REASON
from idp.policy.rule_parsing import LONGEST, MOST
from idp.web.api.models import Model, Text

Values = list[str]


class Rule(Model):
    """A rule; every condition that is set must hold, and the first rule that holds decides."""

    rule_key: str = Field(max_length=64)
    outcome: Literal["approve", "review"] = "approve"
    enabled: bool = True
    serial_families: Values = Field(default=[], max_length=MOST)
    serial_ranges: Values = Field(default=[], max_length=MOST, description="Such as `AB100A-AB299Z`.")
    email_domains: Values = Field(default=[], max_length=MOST)
    countries: Values = Field(default=[], max_length=MOST)
    company_mail: bool = Field(False, description="Not an address of a free-mail service.")
    ownership: Literal["new", "same_company", "any"] | None = None
    reason: Text = Field("", max_length=LONGEST)


class Family(Model):
    """The devices whose serial numbers begin with two letters."""

    letters: str = Field(max_length=2)
    product: Text = Field("", max_length=LONGEST)
    check_letters: str = Field("", max_length=100)


class RuleSet(Model):
    """All rules in their order, and what they need besides."""

    rules: list[Rule] = Field(default=[], max_length=MOST)
    families: list[Family] = Field(default=[], max_length=MOST)
    free_mail_domains: Values = Field(default=[], max_length=MOST)


class Version(Model):
    """A version of the rules; 0 is where nobody has made any."""

    version: int
    content: RuleSet
    created_at: str | None
    actor_kind: str
    actor: str
    remark: str


class RulesInUse(Model):
    """The rules in use, what each approved in the last 30 days, and which can never decide."""

    version: int
    content: RuleSet
    approved_in_30_days: dict[str, int]
    never_decide: dict[str, str] = Field(description="Rule, and the one that always decides before it.")
    versions: list[int]


class Try(Model):
    """Rules to hold against past registrations."""

    content: RuleSet
    days: int = Field(90, ge=1, le=3650)


class Difference(Model):
    """A registration that the rules in use and the tried ones judge otherwise."""

    kind: Literal["opens", "closes", "other_rule"]
    was_refused: bool = Field(description="Staff refused whom the tried rules would approve.")
    account_id: str
    reference: str
    serial_number: str
    before: str | None = Field(description="The rule that decided; null where none did.")
    after: str | None
    approval_status: str


class Trial(Model):
    """What other rules would have decided; at most 1,000 differences are listed."""

    registrations: int
    is_cut: bool
    approved_before: int
    approved_after: int
    refused_by_staff: int
    count: int = Field(description="How many differences there are.")
    differences: list[Difference]


class SwitchOn(Model):
    """The rules that are to follow a version."""

    content: RuleSet
    remark: Text = Field(min_length=1, max_length=LONGEST_REMARK)


class BlockedSearch(Model):
    """A piece of what is blocked."""

    q: Text = Field("", max_length=254)


class Blocked(Model):
    """A blocked value."""

    kind: Literal["serial", "email", "domain"]
    value: str
    reason: str
    actor_kind: str
    actor: str
    created_at: str


class BlockedList(Model):
    """What is blocked, the latest first."""

    items: list[Blocked]


class Block(Model):
    """A serial number, e-mail address or domain, and why it is blocked."""

    value: Text = Field(min_length=1, max_length=254)
    reason: Text = Field(min_length=1, max_length=LONGEST_REASON)


class Unblock(Model):
    """What is not to be blocked any more."""

    value: Text = Field(min_length=1, max_length=254)


class Unblocked(Model):
    """`removed` is false where it was not blocked."""

    removed: bool
