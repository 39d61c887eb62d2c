"""`idp rules`: the approval rules and their versions, trying other ones on past registrations, and what is blocked.

Rules come into use by `idp apply FILE` or `idp rules switch-on FILE`; the desk's pages do it through a draft. A file has
`[[approval_rules]]` as for `idp apply`, and for `try` and `switch-on` also `[[serial_families]]` and `free_mail_domains`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from idp.accounts.approval_rules import LONGEST_REMARK, add_version, get_version, read_rules, rules_in_use
from idp.accounts.blocking import LONGEST_REASON, block_value, list_blocked, unblock_value
from idp.accounts.rule_trial import DAYS, try_rules
from idp.cli.common import Refused, json_option, open_provider, print_json, print_table, stamp, with_settings
from idp.errors import Refusal
from idp.policy.rule_parsing import dump_rule, dump_rule_set, parse_rule_set
from idp.policy.rules import effects

if TYPE_CHECKING:
    from idp.accounts.rule_trial import Difference
    from idp.config import Settings
    from idp.policy.rules import Rule, RuleSet

_WHY_NOT = {
    "blocked_value_unclear": "{text} is no serial number, e-mail address or domain",
    "reason_missing": "--reason must say something",
    "reason_too_long": f"--reason must not have more than {LONGEST_REASON} characters",
    "blocked_already": "{text} is blocked already",
    "not_blocked": "{text} is not blocked",
    "rules_overtaken": "other rules were switched on meanwhile; try again",
    "version_unknown": "there is no such version; see: idp rules versions",
}
_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group("rules")
def command() -> None:
    """The approval rules, their versions, and what is blocked."""


@command.command("list")
@click.option("--version", type=click.IntRange(1, 2**31 - 1), help="As they were in this version.")
@json_option
@with_settings
def list_command(settings: Settings, version: int | None, as_json: bool) -> None:
    """List the rules in their order, with how many registrations each approved in the last 30 days."""
    provider = open_provider(settings)
    page = read_rules(provider)
    try:
        rule_set = get_version(provider, version)[1] if version else page.rule_set
    except Refusal as refusal:
        raise Refused(_WHY_NOT[refusal.key]) from None
    if as_json:
        print_json({"version": rule_set.version, **dump_rule_set(rule_set), "approved_in_30_days": dict(page.counts)})
        return
    never = effects(rule_set.rules)
    print_table(
        ("rule", "holds where", "then", "30 days", ""),
        [
            (rule.rule_key, _conditions(rule), rule.outcome, str(page.counts.get(rule.rule_key, 0)), _mark(rule, never))
            for rule in rule_set.rules
        ],
    )
    click.echo(f"version {rule_set.version}")


@command.command("versions")
@json_option
@with_settings
def versions_command(settings: Settings, as_json: bool) -> None:
    """List the versions, newest first: when, by whom, why."""
    found = read_rules(open_provider(settings)).versions
    if as_json:
        names = ("version", "created_at", "actor_kind", "actor", "remark")
        print_json([{name: getattr(row, name) for name in names} for row in found])
        return
    rows = [(str(row.version), stamp(row.created_at), row.actor_name or row.actor, row.remark) for row in found]
    print_table(("version", "switched on", "by", "why"), rows)


@command.command("try")
@_FILE
@click.option("--days", default=DAYS, show_default=True, type=click.IntRange(1, 3650), help="How far to look back.")
@json_option
@with_settings
def try_command(settings: Settings, file: Path, days: int, as_json: bool) -> None:
    """Show what the rules of FILE would have decided otherwise about past registrations; change nothing."""
    trial = try_rules(open_provider(settings), _read(file), days=days)
    kinds = {kind: trial.count_kind(kind) for kind in ("opens", "closes", "other_rule")}
    if as_json:
        print_json(
            {
                "days": trial.days,
                "registrations": trial.count,
                "is_cut": trial.is_cut,
                "approved_before": trial.approved_before,
                "approved_after": trial.approved_after,
                **kinds,
                "refused_by_staff": trial.refused,
                "differences": [_describe(difference) for difference in trial.differences],
            }
        )
        return
    rows = [_describe(difference) for difference in trial.differences]
    print_table(
        ("reference", "serial number", "name", "company", "in use", "by the file", "status", ""),
        [
            (
                row["reference"],
                row["serial_number"],
                row["name"],
                row["company"],
                f"{row['before']['outcome']} {row['before']['rule'] or ''}".strip(),
                f"{row['after']['outcome']} {row['after']['rule'] or ''}".strip(),
                row["approval_status"],
                "staff refused it" if row["was_refused"] else "",
            )
            for row in rows
        ],
    )
    click.echo(
        f"{trial.count} registrations of {days} days: {trial.approved_before} approved by the rules in use,"
        f" {trial.approved_after} by the file; {kinds['opens']} more, {kinds['closes']} fewer, {trial.refused} that staff refused"
    )


@command.command("switch-on")
@_FILE
@click.option("--remark", required=True, help="Why, for colleagues and the audit trail.")
@with_settings
def switch_on_command(settings: Settings, file: Path, remark: str) -> None:
    """Make the rules of FILE the rules in use, all of them and nothing else; try them first."""
    if not remark.strip() or len(remark) > LONGEST_REMARK:
        raise Refused(f"--remark must say something, in {LONGEST_REMARK} characters at most")
    provider, wanted = open_provider(settings), _read(file)
    try:
        with provider.database.transaction() as tx:
            version = add_version(
                tx,
                wanted,
                base=rules_in_use(tx).version or 0,
                actor_kind="operator",
                actor="idp rules",
                remark=remark.strip(),
                now=provider.clock(),
            )
    except Refusal as refusal:
        raise Refused(_WHY_NOT[refusal.key]) from None
    click.echo(f"version {version} is in use")


@command.command("blocked")
@click.argument("part", default="")
@json_option
@with_settings
def blocked_command(settings: Settings, part: str, as_json: bool) -> None:
    """List what is blocked; PART is a piece of it."""
    found = list_blocked(open_provider(settings), part)
    if as_json:
        names = ("kind", "value", "reason", "actor_kind", "actor", "created_at")
        print_json([{name: getattr(row, name) for name in names} for row in found])
        return
    rows = [(row.kind, row.value, row.reason, row.actor_name or row.actor, stamp(row.created_at)) for row in found]
    print_table(("kind", "value", "why", "by", "since"), rows)


@command.command("block")
@click.argument("text")
@click.option("--reason", required=True, help="Why, for colleagues.")
@with_settings
def block_command(settings: Settings, text: str, reason: str) -> None:
    """Block a serial number, an e-mail address or a domain: no rule approves it, staff decide."""
    _change(settings, text, block=True, reason=reason)
    click.echo(f"{text} is blocked")


@command.command("unblock")
@click.argument("text")
@with_settings
def unblock_command(settings: Settings, text: str) -> None:
    """Let the rules judge it again."""
    _change(settings, text, block=False)
    click.echo(f"{text} is not blocked any more")


def _change(settings: Settings, text: str, *, block: bool, reason: str = "") -> None:
    provider = open_provider(settings)
    by: dict[str, Any] = {"actor_kind": "operator", "actor": "idp rules", "now": provider.clock()}
    try:
        with provider.database.transaction() as tx:
            if block:
                block_value(tx, text, reason=reason, **by)
            else:
                unblock_value(tx, text, **by)
    except Refusal as refusal:
        raise Refused(_WHY_NOT[refusal.key].format(text=text)) from None


def _read(file: Path) -> RuleSet:
    """The rules of a file. Raises `Refused` naming the place."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        return parse_rule_set(
            {
                "rules": content.get("approval_rules", []),
                "families": content.get("serial_families", []),
                "free_mail_domains": content.get("free_mail_domains", []),
            }
        )
    except (ValueError, OSError) as error:
        raise Refused(f"{file}: {error}; nothing was changed") from None


def _conditions(rule: Rule) -> str:
    plain = {
        name: value
        for name, value in dump_rule(rule).items()
        if name not in ("rule_key", "outcome", "enabled", "reason")
    }
    return "; ".join(
        f"{name}: {' '.join(value) if isinstance(value, list) else value}" for name, value in plain.items()
    )


def _mark(rule: Rule, never: Any) -> str:
    if not rule.enabled:
        return "not in use"
    return f"never decides: {never[rule.rule_key]} does before it" if rule.rule_key in never else ""


def _describe(difference: Difference) -> dict[str, Any]:
    row = difference.registration
    return {
        "kind": difference.kind,
        "was_refused": difference.was_refused,
        "reference": row.reference,
        "account_id": row.account_id,
        "name": row.name,
        "company": row.company,
        "serial_number": row.serial_number,
        "confirmed_at": row.confirmed_at,
        "approval_status": row.approval_status,
        "before": {"outcome": difference.before.outcome, "rule": difference.before.rule_key},
        "after": {"outcome": difference.after.outcome, "rule": difference.after.rule_key},
    }
