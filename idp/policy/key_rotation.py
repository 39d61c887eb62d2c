"""When signing keys change (OpenID Connect Core §10.1.1): published before it signs, kept until its last token has ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, unique


@unique
class KeyState(Enum):
    """Where a key stands."""

    PUBLISHED = "published"
    SIGNING = "signing"
    RETIRED = "retired"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """The times of one key, in seconds since the epoch."""

    kid: str
    alg: str
    active_from: int
    retired_at: int | None = None
    removed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """`rotate_after`: seconds that a key signs (0: until somebody changes it). `longest_life`: of what it signed."""

    rotate_after: int
    longest_life: int


@dataclass(frozen=True, slots=True)
class Due:
    """What has to be done now: algorithms that need a next key, keys that sign no more, keys that nobody needs."""

    next_keys: tuple[str, ...] = ()
    retire: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.next_keys or self.retire or self.remove)


def find_state(key: KeyTimes, keys: Iterable[KeyTimes], now: int) -> KeyState:
    """Where a key stands among all keys: of an algorithm, the newest active one signs."""
    if key.removed_at is not None:
        return KeyState.REMOVED
    if key.active_from > now and key.retired_at is None:
        return KeyState.PUBLISHED
    signing = find_signing_key(keys, key.alg, now)
    return KeyState.SIGNING if signing is not None and signing.kid == key.kid else KeyState.RETIRED


def find_signing_key(keys: Iterable[KeyTimes], alg: str, now: int) -> KeyTimes | None:
    """The key that signs with this algorithm."""
    usable = [
        k for k in keys if k.alg == alg and k.retired_at is None and k.removed_at is None and k.active_from <= now
    ]
    return max(usable, key=lambda key: (key.active_from, key.kid), default=None)


def find_due(keys: Sequence[KeyTimes], algorithms: Iterable[str], schedule: Schedule, now: int) -> Due:
    """What has to be done now, so that the keys follow their schedule."""
    published = [key for key in keys if key.removed_at is None]
    retire = [
        key.kid for key in published if key.retired_at is None and find_state(key, published, now) is KeyState.RETIRED
    ]
    remove = [
        key.kid for key in published if key.retired_at is not None and key.retired_at + schedule.longest_life <= now
    ]
    next_keys = [alg for alg in algorithms if _needs_next_key(published, alg, schedule, now)]
    return Due(tuple(next_keys), tuple(retire), tuple(remove))


def _needs_next_key(keys: Iterable[KeyTimes], alg: str, schedule: Schedule, now: int) -> bool:
    usable = [key for key in keys if key.alg == alg and key.retired_at is None]
    newest = max((key.active_from for key in usable), default=None)
    return bool(schedule.rotate_after) and newest is not None and newest + schedule.rotate_after <= now
