"""Signing keys that come and go: sites learn a new key from the published set before anything is signed with it.

By hand (`idp keys`) and by the schedule of `[keys]`. Every act is one transaction and one line of the audit trail, and
changes the version that all instances watch, so that each signs and publishes anew within a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from idp.errors import Refusal
from idp.keys.keyring import DEFAULT_ALGORITHM, make_signing_key
from idp.policy.key_rotation import KeyTimes, Schedule, find_due, find_signing_key
from idp.store import audit, signing_keys

if TYPE_CHECKING:
    from idp.keys.keyring import SigningKey
    from idp.provider import Provider
    from idp.store.audit import ActorKind
    from idp.store.database import Transaction


def schedule_of(provider: Provider) -> Schedule:
    """The settings as seconds; the longest life is that of a session, whose ID tokens are hints until it ends."""
    settings = provider.settings
    longest = max(settings.lifetimes.session, settings.lifetimes.id_token, settings.lifetimes.access_token)
    return Schedule(settings.keys.rotate_days * 86400, longest)


def rotate_keys(
    provider: Provider, algorithms: Sequence[str], *, at_once: bool = False, actor_kind: ActorKind = "operator"
) -> list[SigningKey]:
    """Make and publish the next key of each algorithm; out: the keys.

    It signs after `keys.publish_hours`, or `at_once`; the one before stays published until what it signed has ended.
    """
    now = provider.clock()
    active_from = now if at_once else now + provider.settings.keys.publish_hours * 3600
    made = [make_signing_key(alg, provider.master, now=now, active_from=active_from) for alg in algorithms]
    with provider.database.transaction() as tx:
        signing_keys.lock_keys(tx)
        superseded = [key for key in signing_keys.list_signing_keys(tx) if key.alg in algorithms] if at_once else []
        for old in superseded:
            if signing_keys.retire_signing_key(tx, old.kid, now):
                _record(tx, "signing_key_retired", old, now, actor_kind)
        for key in made:
            signing_keys.insert_signing_key(tx, key)
            _record(tx, "signing_key_made", key, now, actor_kind)
    return made


def retire_key(provider: Provider, kid: str) -> SigningKey:
    """Let a key sign no more; it stays published until what it signed has ended. Raises `Refusal`."""
    now = provider.clock()
    with provider.database.transaction() as tx:
        signing_keys.lock_keys(tx)
        key, keys = _find(tx, kid)
        if key.retired_at is not None:
            raise Refusal("key.retired_already")
        others = [other for other in times_of(keys) if other.kid != kid]
        if find_signing_key(others, key.alg, now) is None:
            raise Refusal("key.is_the_only_one", alg=key.alg)
        signing_keys.retire_signing_key(tx, kid, now)
        _record(tx, "signing_key_retired", key, now, "operator")
    return key


def remove_key(provider: Provider, kid: str) -> SigningKey | None:
    """Take a compromised key away now: nothing that it signed verifies any more (DESIGN, "What ends what").

    Out: the key that was made in its place, if it was the one that signed. Raises `Refusal`.
    """
    now = provider.clock()
    with provider.database.reading() as tx:
        alg = _find(tx, kid)[0].alg
    replacement = make_signing_key(alg, provider.master, now=now, active_from=now)
    with provider.database.transaction() as tx:
        signing_keys.lock_keys(tx)
        key, keys = _find(tx, kid)
        signing_keys.remove_signing_key(tx, kid, now)
        _record(tx, "signing_key_removed", key, now, "operator")
        others = [other for other in times_of(keys) if other.kid != kid]
        is_needed = alg == DEFAULT_ALGORITHM or alg in provider.settings.keys.algorithms
        if find_signing_key(others, alg, now) is not None or not is_needed:
            return None
        signing_keys.insert_signing_key(tx, replacement)
        _record(tx, "signing_key_made", replacement, now, "operator")
    return replacement


def follow_schedule(provider: Provider) -> None:
    """Housekeeping: make next keys in time, retire what was superseded, remove what nobody needs."""
    schedule, algorithms = schedule_of(provider), provider.settings.keys.algorithms
    now = provider.clock()
    with provider.database.reading() as tx:
        due = find_due(times_of(signing_keys.list_signing_keys(tx)), algorithms, schedule, now)
    if not due:
        return
    made = {
        alg: make_signing_key(
            alg, provider.master, now=now, active_from=now + provider.settings.keys.publish_hours * 3600
        )
        for alg in due.next_keys
    }
    with provider.database.transaction() as tx:
        signing_keys.lock_keys(tx)
        keys = {key.kid: key for key in signing_keys.list_signing_keys(tx)}
        due = find_due(times_of(list(keys.values())), algorithms, schedule, now)
        for alg in due.next_keys:
            if alg in made:
                signing_keys.insert_signing_key(tx, made[alg])
                _record(tx, "signing_key_made", made[alg], now, "system")
        for kid in due.retire:
            signing_keys.retire_signing_key(tx, kid, now)
            _record(tx, "signing_key_retired", keys[kid], now, "system")
        for kid in due.remove:
            signing_keys.remove_signing_key(tx, kid, now)
            _record(tx, "signing_key_removed", keys[kid], now, "system")


def times_of(keys: Sequence[SigningKey]) -> list[KeyTimes]:
    """What decisions are made from."""
    return [KeyTimes(key.kid, key.alg, key.active_from, key.retired_at, key.removed_at) for key in keys]


def _find(tx: Transaction, kid: str) -> tuple[SigningKey, list[SigningKey]]:
    keys = signing_keys.list_signing_keys(tx)
    found = next((key for key in keys if key.kid == kid), None)
    if found is None:
        raise Refusal("key.unknown")
    return found, keys


def _record(tx: Transaction, act: str, key: SigningKey, now: int, actor_kind: ActorKind) -> None:
    audit.record(tx, act, now=now, actor_kind=actor_kind, details={"kid": key.kid, "alg": key.alg})
