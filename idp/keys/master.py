"""The master key: seals what must be read again, derives what must be made again.

AES-256-GCM (NIST SP 800-38D) with the row's identity authenticated, so that a sealed value cannot be moved to another
row; HKDF-SHA-256 (RFC 5869) gives each purpose its own key. The key lives outside the database, in a file of mode 0600,
and is made only while the database is empty.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idp.errors import ConfigError

FILE_NAME = "master.key"
CHECK_IDENTITY = "notes:master_key_check"
_VERSION = b"\x01"


class MasterKey:
    """Sealing and deriving under one 256-bit key; its representation shows nothing."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ConfigError("the master key must be 32 bytes, kept as 64 hexadecimal digits")
        self._key = key
        self._derived: dict[str, bytes] = {}
        self._aead = AESGCM(self.derive("seal"))

    def __repr__(self) -> str:
        return "MasterKey(…)"

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose."""
        known = self._derived.get(purpose)
        if known is None:
            known = HKDF(hashes.SHA256(), 32, salt=None, info=b"idp:" + purpose.encode()).derive(self._key)
            self._derived[purpose] = known
        return known

    def seal(self, plain: bytes, identity: str) -> bytes:
        """Encrypt for the row that `identity` names (`table:key`)."""
        nonce = os.urandom(12)
        return _VERSION + nonce + self._aead.encrypt(nonce, plain, identity.encode())

    def open(self, sealed: bytes, identity: str) -> bytes:
        """Decrypt; raises `ValueError` where key, row or content do not belong together."""
        try:
            if sealed[:1] != _VERSION:
                raise InvalidTag
            return self._aead.decrypt(sealed[1:13], sealed[13:], identity.encode())
        except InvalidTag:
            raise ValueError("the sealed value does not open with this key and row") from None

    def mac(self, purpose: str, message: str) -> bytes:
        """HMAC-SHA-256 under the purpose's key: short codes are kept like this."""
        return hmac.digest(self.derive(purpose), message.encode(), "sha256")

    def derive_token(self, purpose: str, identity: str) -> str:
        """A 256-bit secret that can be made again: the status link, the successor of a refresh token."""
        return base64.urlsafe_b64encode(self.mac(purpose, identity)).rstrip(b"=").decode()


def load_master_key(directory: Path, *, may_create: bool) -> MasterKey:
    """Read the master key, or make it where `may_create` says so (the database is empty).

    `IDP_MASTER_KEY` in the environment (64 hexadecimal digits) wins over the file. Raises `ConfigError` where it is
    missing although the database has data, readable by others, or malformed.
    """
    text = os.environ.get("IDP_MASTER_KEY")
    if text:
        return _parse(text, "IDP_MASTER_KEY")
    path = directory / FILE_NAME
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        if not may_create:
            raise ConfigError(
                f"{path}: the master key is missing, and the database was sealed with it; put it back"
            ) from None
        return _create(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path}: others can read the master key; run: chmod 600 {path}")
    return _parse(text, str(path))


def _create(path: Path) -> MasterKey:
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_bytes(32)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return load_master_key(path.parent, may_create=False)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return MasterKey(key)


def _parse(text: str, source: str) -> MasterKey:
    try:
        return MasterKey(bytes.fromhex(text.strip()))
    except (ValueError, ConfigError):
        raise ConfigError(f"{source}: the master key must be 64 hexadecimal digits") from None
