"""Change the master key while the provider runs (CR-3): add the next one, let it seal, seal everything anew, drop the old one.

Each step leaves a state in which every instance opens everything, so that it may be interrupted after any of them and be
called again. Instances on this machine notice the file by themselves, a second later; others get a copy of it after each
step, and where the key is in the environment the operator changes the variable and starts them again.
"""

from __future__ import annotations

import enum
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from idp.errors import Refusal
from idp.keys.master import VARIABLE, MasterKey
from idp.keys.master_file import (
    FILE_NAME,
    LOOK_AGAIN_SECONDS,
    NEXT,
    OLD,
    has_next,
    new_key,
    read_key_file,
    replace_key_file,
)
from idp.store import audit, sealed_rows

if TYPE_CHECKING:
    from idp.provider import Provider

NOTICED_SECONDS = 2 * LOOK_AGAIN_SECONDS
"""How long until every process on this machine has read the file again."""


class Step(enum.StrEnum):
    """The steps, in their order."""

    ADD = "add"
    SWITCH = "switch"
    FINISH = "finish"


@dataclass(frozen=True)
class Finished:
    """How many values were sealed anew, and how many no key opened before or after."""

    changed: int
    unreadable: int


def next_step(provider: Provider) -> Step:
    """What is to be done next: add a key where there is one, let it seal, or finish what was begun."""
    path = _file(provider)
    if len(read_key_file(path)) == 1:
        return Step.ADD
    return Step.SWITCH if has_next(path) else Step.FINISH


def add_key(provider: Provider) -> None:
    """Make the next key; it opens, the one there is goes on sealing. Raises `Refusal`: `in_environment`, `not_now`."""
    _check(provider, Step.ADD)
    path = _file(provider)
    replace_key_file(path, read_key_file(path)[0], label=NEXT, other=new_key())


def switch_key(provider: Provider) -> None:
    """Let the next key seal; the one before only opens. Raises `Refusal`: `in_environment`, `not_now`."""
    _check(provider, Step.SWITCH)
    path = _file(provider)
    before, after = read_key_file(path)
    replace_key_file(path, after, label=OLD, other=before)


def finish_change(provider: Provider) -> Finished:
    """Seal everything under the key that seals now, and drop the one before from the file.

    Raises `Refusal`: `not_now` where there is no older key or it still seals, and `still_used` where some instance went on
    sealing with the older one: call it again.
    """
    in_environment = bool(os.environ.get(VARIABLE))
    master = provider.master
    if not in_environment:
        _check(provider, Step.FINISH)
        master = MasterKey(*read_key_file(_file(provider)))  # as the file is now, whatever this process has noticed
    done = sealed_rows.reseal(provider.database, master)
    if sealed_rows.count_older(provider.database, master):
        raise Refusal("still_used")
    with provider.database.transaction() as tx:
        audit.record(
            tx,
            "master_key_changed",
            now=provider.clock(),
            actor_kind="operator",
            details={"sealed_anew": done.changed, "unreadable": done.unreadable},
        )
    if not in_environment:
        time.sleep(NOTICED_SECONDS)  # until no cache holds what only the old key opens
        path = _file(provider)
        replace_key_file(path, read_key_file(path)[0])
    return Finished(done.changed, done.unreadable)


def seconds_until_noticed(provider: Provider) -> float:
    """How long until every process on this machine has read the file again; no step is taken before."""
    if os.environ.get(VARIABLE):
        return 0
    return max(0.0, _file(provider).stat().st_mtime + NOTICED_SECONDS - time.time())


def _check(provider: Provider, step: Step) -> None:
    due = next_step(provider)
    if due is not step:
        raise Refusal("not_now", due=due.value)


def _file(provider: Provider) -> Path:
    if os.environ.get(VARIABLE):
        raise Refusal("in_environment")
    return Path(provider.settings.keys.directory) / FILE_NAME
