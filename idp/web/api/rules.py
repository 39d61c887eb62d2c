"""Approval rules in the interface of staff tools: what the pages under `/staff/rules` do, without a draft in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts import approval_rules, blocking
from idp.accounts.rule_trial import try_rules
from idp.errors import ProtocolError, Refusal
from idp.policy.rule_parsing import dump_rule_set, parse_rule_set
from idp.policy.rules import RuleSet, effects
from idp.policy.staff import Permission
from idp.web.api import rule_models as models
from idp.web.api.access import READ, WRITE
from idp.web.api.models import instant
from idp.web.api.operations import Operation
from idp.web.browser_session import client_address
from idp.web.context import provider

if TYPE_CHECKING:
    from idp.store.blocked import Blocked
    from idp.store.rules import RuleVersion
    from idp.web.api.access import Caller

LISTED = 1000


def show_rules(caller: Caller) -> models.RulesInUse:
    """The rules in use."""
    page = approval_rules.read_rules(provider())
    return models.RulesInUse(
        version=page.rule_set.version or 0,
        content=_told(page.rule_set),
        approved_in_30_days=dict(page.counts),
        never_decide=dict(effects(page.rule_set.rules)),
        versions=[row.version for row in page.versions],
    )


def show_version(caller: Caller, version: str) -> models.Version:
    """The rules as they once were."""
    stored, rule_set = approval_rules.get_version(provider(), approval_rules.parse_version(version))
    return _told_version(stored, rule_set)


def try_out(caller: Caller, asked: models.Try) -> models.Trial:
    """What other rules would have decided; changes nothing."""
    trial = try_rules(provider(), _read(asked.content), days=asked.days)
    return models.Trial(
        registrations=trial.count,
        is_cut=trial.is_cut,
        approved_before=trial.approved_before,
        approved_after=trial.approved_after,
        refused_by_staff=trial.refused,
        count=len(trial.differences),
        differences=[
            models.Difference(
                kind=difference.kind,
                was_refused=difference.was_refused,
                account_id=difference.registration.account_id,
                reference=difference.registration.reference,
                serial_number=difference.registration.serial_number,
                before=difference.before.rule_key,
                after=difference.after.rule_key,
                approval_status=difference.registration.approval_status,
            )
            for difference in trial.differences[:LISTED]
        ],
    )


def switch_on(caller: Caller, version: str, asked: models.SwitchOn) -> models.Version:
    """Let other rules follow this version, if it is still the one in use."""
    number = approval_rules.replace_rules(
        provider(),
        _read(asked.content),
        base=approval_rules.parse_version(version),
        staff_id=caller.account_id,
        remark=asked.remark,
        address=client_address(),
    )
    return _told_version(*approval_rules.get_version(provider(), number))


def list_blocked(caller: Caller, asked: models.BlockedSearch) -> models.BlockedList:
    """What is blocked."""
    return models.BlockedList(items=[_told_blocked(row) for row in blocking.list_blocked(provider(), asked.q)])


def block(caller: Caller, asked: models.Block) -> models.Blocked:
    """Block a value; one that is blocked already stays as it is."""
    by = {"staff_id": caller.account_id, "address": client_address()}
    try:
        return _told_blocked(blocking.block(provider(), asked.value, reason=asked.reason, **by))
    except Refusal as refusal:
        if refusal.key != "blocked_already":
            raise
        kind, value = blocking.parse_blocked(asked.value)
        found = blocking.list_blocked(provider(), value)
        return _told_blocked(next(row for row in found if (row.kind, row.value) == (kind, value)))


def unblock(caller: Caller, asked: models.Unblock) -> models.Unblocked:
    """Let the rules judge a value again."""
    try:
        blocking.unblock(provider(), asked.value, staff_id=caller.account_id, address=client_address())
    except Refusal as refusal:
        if refusal.key != "not_blocked":
            raise
        return models.Unblocked(removed=False)
    return models.Unblocked(removed=True)


def _read(content: models.RuleSet) -> RuleSet:
    try:
        return parse_rule_set(content.model_dump())
    except ValueError as error:
        raise ProtocolError("invalid_request", f"content.{error}".replace('"', "'"), status=422) from None


def _told(rule_set: RuleSet) -> models.RuleSet:
    return models.RuleSet.model_validate(dump_rule_set(rule_set))


def _told_version(stored: RuleVersion, rule_set: RuleSet) -> models.Version:
    return models.Version(
        version=stored.version,
        content=_told(rule_set),
        created_at=instant(stored.created_at).isoformat(),
        actor_kind=stored.actor_kind,
        actor=stored.actor,
        remark=stored.remark,
    )


def _told_blocked(row: Blocked) -> models.Blocked:
    return models.Blocked(
        kind=row.kind,
        value=row.value,
        reason=row.reason,
        actor_kind=row.actor_kind,
        actor=row.actor,
        created_at=instant(row.created_at).isoformat(),
    )


OPERATIONS = (
    Operation(
        "GET",
        "/rules",
        "show_rules",
        "The approval rules in use",
        Permission.READ_RULES,
        READ,
        models.RulesInUse,
        show_rules,
    ),
    Operation(
        "GET",
        "/rules/versions/{version}",
        "show_rules_version",
        "The rules as they once were",
        Permission.READ_RULES,
        READ,
        models.Version,
        show_version,
    ),
    Operation(
        "POST",
        "/rules/trials",
        "try_rules",
        "What other rules would have decided about past registrations; changes nothing",
        Permission.EDIT_RULES,
        WRITE,
        models.Trial,
        try_out,
        models.Try,
    ),
    Operation(
        "POST",
        "/rules/versions/{version}/next",
        "switch_rules_on",
        "Switch other rules on, if this version is still in use",
        Permission.EDIT_RULES,
        WRITE,
        models.Version,
        switch_on,
        models.SwitchOn,
        fresh=True,
    ),
    Operation(
        "GET",
        "/blocked",
        "list_blocked",
        "Blocked serial numbers, addresses and domains",
        Permission.READ_RULES,
        READ,
        models.BlockedList,
        list_blocked,
        models.BlockedSearch,
    ),
    Operation(
        "POST",
        "/blocked",
        "block",
        "Block a serial number, e-mail address or domain",
        Permission.BLOCK,
        WRITE,
        models.Blocked,
        block,
        models.Block,
    ),
    Operation(
        "POST",
        "/blocked/removals",
        "unblock",
        "Let the rules judge a value again",
        Permission.BLOCK,
        WRITE,
        models.Unblocked,
        unblock,
        models.Unblock,
    ),
)
"""What the interface does about rules."""
