"""The file of the master key: one key in a line of 64 hexadecimal digits; while it is being changed, two.

The first line seals, every line opens. The second one says whether it is the `next` key, which does not seal yet, or the `old`
one, which seals no more. The file is its owner's alone (mode 0600) and is always whole: a new one takes the
place of the old one in one step.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from idp.errors import ConfigError

FILE_NAME = "master.key"
LOOK_AGAIN_SECONDS = 1.0
MOST_KEYS = 2
NEXT, OLD = "next", "old"


def read_key_file(path: Path) -> list[bytes]:
    """The keys of the file, the one that seals first. Raises `ConfigError` where it is missing, malformed or open to others."""
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: the master key is missing, and the database was sealed with it; put it back"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: others can read the master key; run: chmod 600 {path}")
    return parse_keys(text, str(path))


def parse_keys(text: str, source: str) -> list[bytes]:
    """One key or two, with blanks or line breaks between them. Raises `ConfigError`, which shows nothing of them."""
    try:
        keys = [bytes.fromhex(word) for word in text.split() if word not in (NEXT, OLD)]
    except ValueError:
        keys = []
    if not 1 <= len(keys) <= MOST_KEYS or any(len(key) != 32 for key in keys):
        raise ConfigError(f"{source}: the master key must be 64 hexadecimal digits")
    if any(len(set(key)) < 8 for key in keys):
        raise ConfigError(f"{source}: this is an example and no master key; make one: openssl rand -hex 32")
    return keys


def has_next(path: Path) -> bool:
    """Whether the second key of the file waits for its turn."""
    return NEXT in path.read_text(encoding="ascii").split()


def new_key() -> bytes:
    """256 bits from the operating system."""
    return secrets.token_bytes(32)


def create_key_file(path: Path) -> None:
    """Make the first key, unless another process was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    _fill(handle, [new_key().hex()])


def replace_key_file(path: Path, key: bytes, *, label: str = "", other: bytes = b"") -> None:
    """Put a key, and perhaps its `NEXT` or `OLD` one, in place of the file's, in one step that a crash does not halve."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    lines = [key.hex(), f"{label} {other.hex()}"] if other else [key.hex()]
    _fill(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), lines)
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _fill(handle: int, lines: Sequence[str]) -> None:
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())


class WatchedFile:
    """Looks at most once a second whether the file has changed; a file that cannot be used changes nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._look_at = time.monotonic() + LOOK_AGAIN_SECONDS
        self._seen = self._state_of_file()

    def newer(self) -> list[bytes] | None:
        """The keys, where the file is another one than before."""
        now = time.monotonic()
        if now < self._look_at:
            return None
        self._look_at = now + LOOK_AGAIN_SECONDS
        state = self._state_of_file()
        if state is None or state == self._seen:
            return None
        try:
            keys = read_key_file(self._path)
        except ConfigError:
            return None
        self._seen = state
        return keys

    def _state_of_file(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
