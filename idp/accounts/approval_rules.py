"""The approval rules: the version in use, the draft of the next one, switching it on, and what an application looks like.

Rules change by versions: whoever changes them writes a draft, tries it on past registrations (`rule_trial`), and switches it
on with a remark. Two who begin at the same version cannot both win; the loser is told (RC-2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from idp.accounts.serial_numbers import parse_serial_number
from idp.accounts.staff_rights import check_permission
from idp.errors import Refusal
from idp.policy.approval import ownership_of
from idp.policy.rule_parsing import dump_rule_set, parse_rule_set
from idp.policy.rules import Application, Family, Rule, RuleSet
from idp.policy.staff import Permission
from idp.store import approvals, audit, blocked, rules

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.audit import ActorKind
    from idp.store.database import Transaction
    from idp.store.rules import RuleDraft, RuleVersion

RATE_WINDOW = 3600
"""Seconds over which automatic approvals are counted against `registration.automatic_per_hour` (RG-9)."""

REPORT_SECONDS = 30 * 86400
LONGEST_REMARK = 2000


@dataclass(frozen=True, slots=True)
class Draft:
    """The draft: what it says, on which version it rests, and whether another one was switched on meanwhile."""

    stored: RuleDraft
    rule_set: RuleSet
    is_overtaken: bool

    @property
    def revision(self) -> int:
        """Which state of the draft this is."""
        return self.stored.revision


@dataclass(frozen=True, slots=True)
class RulesPage:
    """The rules in use, how many registrations each approved in the last 30 days (RG-9), and the draft."""

    rule_set: RuleSet
    counts: Mapping[str, int]
    draft: Draft | None
    versions: Sequence[RuleVersion]


def rules_in_use(tx: Transaction) -> RuleSet:
    """The newest version; an empty set, version 0, where nobody has made rules."""
    newest = rules.newest_version(tx)
    return parse_rule_set(newest.content, newest.version) if newest else RuleSet(0)


def read_application(provider: Provider, tx: Transaction, account: Account, serial_number: str) -> Application:
    """What the rules may see of an account: confirmed or stored data, read when it counts (RG-9)."""
    domain = account.email_key.rpartition("@")[2]
    owners = approvals.list_other_owners(tx, serial_number, account.account_id)
    recent = approvals.count_by_rules(tx, provider.clock() - RATE_WINDOW)
    return Application(
        email_domain=domain,
        country=account.country,
        serial_number=serial_number,
        ownership=ownership_of(account.company, domain, ((o.company, o.email_domain) for o in owners)),
        serial_is_sold=rules.is_serial_sold(tx, serial_number),
        automatic_is_allowed=recent < provider.settings.registration.automatic_per_hour,
        blocked=blocked.match_blocked(tx, serial_number=serial_number, email_key=account.email_key),
    )


def parse_known_serial_number(provider: Provider, text: str) -> str:
    """A serial number as people type it, of a family that there is and with the right last letter (F-1.4).

    Raises `Refusal`: `serial_number.invalid`, `serial_number.family`, `serial_number.check_letter`. Only these are told at
    once; whether it was sold or has an owner never is (EN-4).
    """
    serial_number = parse_serial_number(text)
    with provider.database.reading() as tx:
        fault = rules_in_use(tx).fault_of(serial_number)
    if fault:
        raise Refusal(f"serial_number.{fault}", serial_number=serial_number, family=serial_number[:2])
    return serial_number


def parse_version(text: str) -> int:
    """The number of a version as an address has it; -1, which none has, where it is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def read_rules(provider: Provider) -> RulesPage:
    """Everything that the rules' page shows."""
    with provider.database.reading() as tx:
        in_use = rules_in_use(tx)
        counts = rules.count_decisions(tx, provider.clock() - REPORT_SECONDS)
        return RulesPage(in_use, counts, _find_draft(tx, in_use), rules.list_versions(tx))


def get_version(provider: Provider, version: int) -> tuple[RuleVersion, RuleSet]:
    """The rules as they once were. Raises `Refusal("version_unknown")`."""
    with provider.database.reading() as tx:
        found = rules.find_version(tx, version)
    if found is None:
        raise Refusal("version_unknown")
    return found, parse_rule_set(found.content, found.version)


def find_draft(provider: Provider) -> Draft | None:
    """The draft as it is now, or None."""
    with provider.database.reading() as tx:
        return _find_draft(tx, rules_in_use(tx))


def open_draft(provider: Provider, *, staff_id: str, version: int | None = None) -> None:
    """Begin a draft with the rules in use, or with those of an earlier version; one that is open stays as it is.

    Raises `Refusal`: `not_permitted`, `version_unknown`, `draft_exists` where an earlier version was asked for.
    """
    now = provider.clock()
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.EDIT_RULES)
        in_use = rules_in_use(tx)
        content = dump_rule_set(in_use)
        if version is not None:
            found = rules.find_version(tx, version)
            if found is None:
                raise Refusal("version_unknown")
            content = dict(found.content)
        begun = rules.open_draft(tx, in_use.version or 0, content, actor=staff_id, revision=now * 1000, now=now)
        if not begun and version is not None:
            raise Refusal("draft_exists")


def drop_draft(provider: Provider, *, staff_id: str, revision: int) -> None:
    """Throw the draft away. Raises `Refusal`: `not_permitted`, `draft_changed`."""
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.EDIT_RULES)
        if not rules.drop_draft(tx, revision):
            raise Refusal("draft_changed")


def put_rule(provider: Provider, rule: Rule, *, staff_id: str, revision: int, old_key: str | None = None) -> None:
    """Put a rule into the draft: at the end, or in the place of the one with `old_key`.

    Raises `Refusal`: `not_permitted`, `draft_changed`, `rule_unknown`, `rule_key_taken`.
    """

    def change(draft: RuleSet) -> RuleSet:
        if old_key is not None and draft.find_rule(old_key) is None:
            raise Refusal("rule_unknown")
        if rule.rule_key != old_key and draft.find_rule(rule.rule_key):
            raise Refusal("rule_key_taken")
        if old_key is None:
            return replace(draft, rules=(*draft.rules, rule))
        return replace(draft, rules=tuple(rule if old.rule_key == old_key else old for old in draft.rules))

    _change_draft(provider, change, staff_id=staff_id, revision=revision)


def remove_rule(provider: Provider, rule_key: str, *, staff_id: str, revision: int) -> None:
    """Take a rule out of the draft. Raises `Refusal`: `not_permitted`, `draft_changed`, `rule_unknown`."""

    def change(draft: RuleSet) -> RuleSet:
        _get_place(draft, rule_key)
        return replace(draft, rules=tuple(rule for rule in draft.rules if rule.rule_key != rule_key))

    _change_draft(provider, change, staff_id=staff_id, revision=revision)


def move_rule(provider: Provider, rule_key: str, steps: int, *, staff_id: str, revision: int) -> None:
    """Move a rule of the draft; `steps` down, or up where it is below 0. It stops at either end.

    Raises `Refusal`: `not_permitted`, `draft_changed`, `rule_unknown`.
    """

    def change(draft: RuleSet) -> RuleSet:
        place = _get_place(draft, rule_key)
        others = [rule for rule in draft.rules if rule.rule_key != rule_key]
        others.insert(max(0, place + steps), draft.rules[place])
        return replace(draft, rules=tuple(others))

    _change_draft(provider, change, staff_id=staff_id, revision=revision)


def switch_rule(provider: Provider, rule_key: str, *, enabled: bool, staff_id: str, revision: int) -> None:
    """Let a rule of the draft count, or not. Raises `Refusal`: `not_permitted`, `draft_changed`, `rule_unknown`."""

    def change(draft: RuleSet) -> RuleSet:
        _get_place(draft, rule_key)
        switched = (replace(r, enabled=enabled) if r.rule_key == rule_key else r for r in draft.rules)
        return replace(draft, rules=tuple(switched))

    _change_draft(provider, change, staff_id=staff_id, revision=revision)


def put_families(
    provider: Provider,
    families: Sequence[Family],
    free_mail_domains: frozenset[str],
    *,
    staff_id: str,
    revision: int,
) -> None:
    """Say in the draft which families there are, and which domains are free-mail besides the known ones.

    Raises `Refusal`: `not_permitted`, `draft_changed`.
    """

    def change(draft: RuleSet) -> RuleSet:
        return replace(draft, families=tuple(families), free_mail_domains=free_mail_domains)

    _change_draft(provider, change, staff_id=staff_id, revision=revision)


def switch_on(provider: Provider, *, staff_id: str, revision: int, remark: str, address: str = "") -> int:
    """Make the draft the rules in use; out: their version. Accounts that are approved stay so.

    Raises `Refusal`: `not_permitted`, `remark_missing`, `remark_too_long`, `draft_changed`, `rules_overtaken` where another
    version was switched on since the draft was begun.
    """
    _check_remark(remark)
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.EDIT_RULES)
        draft = rules.find_draft(tx)
        if draft is None or not rules.drop_draft(tx, revision):
            raise Refusal("draft_changed")
        wanted = parse_rule_set(draft.content)
        return add_version(
            tx,
            wanted,
            base=draft.base_version,
            actor_kind="staff",
            actor=staff_id,
            remark=remark.strip(),
            address=address,
            now=provider.clock(),
        )


def replace_rules(
    provider: Provider, rule_set: RuleSet, *, base: int, staff_id: str, remark: str, address: str = ""
) -> int:
    """Switch rules on that follow the version `base`, without a draft; out: their version.

    Raises `Refusal`: `not_permitted`, `remark_missing`, `remark_too_long`, `version_unknown`, `rules_overtaken`.
    """
    _check_remark(remark)
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.EDIT_RULES)
        if base and rules.find_version(tx, base) is None:
            raise Refusal("version_unknown")
        by: dict[str, Any] = {"actor_kind": "staff", "actor": staff_id, "remark": remark.strip(), "address": address}
        return add_version(tx, rule_set, base=base, now=provider.clock(), **by)


def rest_draft_anew(provider: Provider, *, staff_id: str, revision: int) -> None:
    """Let the draft follow the version that is in use now; what it says stays. Raises as `drop_draft`."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.EDIT_RULES)
        draft, in_use = rules.find_draft(tx), rules_in_use(tx)
        if draft is None or not rules.drop_draft(tx, revision):
            raise Refusal("draft_changed")
        rules.open_draft(tx, in_use.version or 0, draft.content, actor=staff_id, revision=revision + 1, now=now)


def add_version(
    tx: Transaction,
    rule_set: RuleSet,
    *,
    base: int,
    actor_kind: ActorKind,
    actor: str,
    now: int,
    remark: str = "",
    address: str = "",
) -> int:
    """Switch rules on that follow the version `base`; out: their version. Raises `Refusal("rules_overtaken")`."""
    content, before = dump_rule_set(rule_set), rules.newest_version(tx)
    version, newest = base + 1, before.version if before else 0
    if newest != base or not rules.add_version(
        tx, version, content, actor_kind=actor_kind, actor=actor, remark=remark, now=now
    ):
        raise Refusal("rules_overtaken", version=newest)
    audit.record(
        tx,
        "rules_changed",
        now=now,
        actor_kind=actor_kind,
        actor=actor,
        address=address,
        details={
            "version": version,
            "reason": remark,
            "changed": changed_rules(before.content if before else {}, content),
        },
    )
    return version


def changed_rules(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The keys of rules that came, went, changed or moved, and the other parts that differ."""
    old = {rule["rule_key"]: (place, rule) for place, rule in enumerate(before.get("rules", ()))}
    new = {rule["rule_key"]: (place, rule) for place, rule in enumerate(after.get("rules", ()))}
    parts = [part for part in ("families", "free_mail_domains") if before.get(part, []) != after.get(part, [])]
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key)) + parts


def _find_draft(tx: Transaction, in_use: RuleSet) -> Draft | None:
    stored = rules.find_draft(tx)
    if stored is None:
        return None
    return Draft(stored, parse_rule_set(stored.content), stored.base_version != in_use.version)


def _change_draft(provider: Provider, change: Callable[[RuleSet], RuleSet], *, staff_id: str, revision: int) -> None:
    with provider.database.transaction() as tx:
        check_permission(tx, staff_id, Permission.EDIT_RULES)
        stored = rules.find_draft(tx)
        if stored is None or stored.revision != revision:
            raise Refusal("draft_changed")
        content = dump_rule_set(change(parse_rule_set(stored.content)))
        if not rules.save_draft(tx, revision, content, actor=staff_id, now=provider.clock()):
            raise Refusal("draft_changed")


def _check_remark(remark: str) -> None:
    """Whoever switches rules on says why. Raises `Refusal`: `remark_missing`, `remark_too_long`."""
    if not remark.strip():
        raise Refusal("remark_missing")
    if len(remark) > LONGEST_REMARK:
        raise Refusal("remark_too_long", limit=LONGEST_REMARK)


def _get_place(draft: RuleSet, rule_key: str) -> int:
    rule = draft.find_rule(rule_key)
    if rule is None:
        raise Refusal("rule_unknown")
    return draft.rules.index(rule)
