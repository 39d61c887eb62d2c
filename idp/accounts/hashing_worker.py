"""argon2id (RFC 9106) in one low-priority thread behind a bounded queue (PW-5, PW-6); old hashes are checked there too.

Sign-ins must not starve introspection: one computation at a time, at a lower priority where the system can do that for a
thread; whoever finds the queue full gets `Busy`, which the web room answers with 503 and `Retry-After`.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from argon2 import PasswordHasher as Argon2
from argon2 import Type
from argon2.exceptions import Argon2Error, InvalidHashError

from idp.accounts.old_passwords import is_current, read_old_hash
from idp.accounts.passwords import is_demo_password, prepare_password
from idp.errors import Busy
from idp.keys.secrets import new_secret

if TYPE_CHECKING:
    from idp.config import PasswordSettings

NICENESS = 10
PATIENCE = 10.0


class PasswordHasher:
    """Hashes and checks passwords; all threads of a process share it. The demo's password is right on loopback only."""

    def __init__(self, settings: PasswordSettings, *, is_loopback: bool = False) -> None:
        self._takes_demo_password = is_loopback
        self._argon2 = Argon2(
            time_cost=settings.time_cost, memory_cost=settings.memory_kib, parallelism=1, type=Type.ID
        )
        self._waiting: queue.Queue[tuple[Future[Any], Callable[[], Any]]] = queue.Queue(settings.queue)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._nobody = self._argon2.hash(new_secret())

    def hash(self, password: str) -> str:
        """The encoded hash of a password that was checked before; raises `Busy`."""
        prepared = prepare_password(password)
        hashed: str = self._do(lambda: self._argon2.hash(prepared))
        return hashed

    def verify(self, password: str, encoded: str | None) -> bool:
        """Whether the password is right. An account without one, or no account, costs the same (EN-2); raises `Busy`."""
        prepared = prepare_password(password)
        right: bool = self._do(lambda: self._matches(encoded or self._nobody, prepared))
        if is_demo_password(password) and not self._takes_demo_password:
            return False
        return right and encoded is not None and prepared != b""

    def needs_rehash(self, encoded: str) -> bool:
        """Whether the parameters rose since this hash was made."""
        try:
            return self._argon2.check_needs_rehash(encoded)
        except InvalidHashError:
            return True

    def _matches(self, encoded: str, prepared: bytes) -> bool:
        if not is_current(encoded):
            return self._matches_old(encoded, prepared)
        try:
            return self._argon2.verify(encoded, prepared)
        except InvalidHashError:
            self._argon2.hash(prepared)  # a hash that we cannot read costs what others cost
            return False
        except Argon2Error:
            return False

    def _matches_old(self, encoded: str, prepared: bytes) -> bool:
        """A hash of the old portal costs argon2id as well, so that its account stands out by its own cost only (EN-2)."""
        try:
            right = read_old_hash(encoded).matches(prepared)
        except ValueError:
            right = False
        self._matches(self._nobody, prepared)
        return right

    def _do(self, work: Callable[[], Any]) -> Any:
        self._ensure_thread()
        done: Future[Any] = Future()
        try:
            self._waiting.put_nowait((done, work))
        except queue.Full:
            raise Busy from None
        try:
            return done.result(PATIENCE)
        except TimeoutError:
            done.cancel()
            raise Busy from None

    def _ensure_thread(self) -> None:
        """Started at first use, so that a process that forked before has its own."""
        if self._thread is None or not self._thread.is_alive():
            with self._starting:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._work, name="passwords", daemon=True)
                    self._thread.start()

    def _work(self) -> None:
        _lower_priority()
        while True:
            done, work = self._waiting.get()
            if done.set_running_or_notify_cancel():
                try:
                    done.set_result(work())
                except BaseException as error:  # noqa: BLE001 - handed to the caller, who waits for it
                    done.set_exception(error)


def _lower_priority() -> None:
    """On Linux niceness belongs to the thread; elsewhere it would slow the whole process, so nothing is done."""
    if os.uname().sysname == "Linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
