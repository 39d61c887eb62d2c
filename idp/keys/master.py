"""The master key: seals what must be read again, derives what must be made again.

AES-256-GCM (NIST SP 800-38D) with the row's identity authenticated, so that a sealed value cannot be moved to another
row; HKDF-SHA-256 (RFC 5869) gives each purpose its own key. The key lives outside the database, in a file of mode 0600
(`keys.master_file`) or in the environment, and is made only while the database is empty.

The key can be changed (`idp keys rotate-master`): of several keys the first one seals and all of them open. What is derived
(subjects of a sector, status links, short codes) must stay the same, so it comes from a root that the database keeps sealed.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idp.errors import ConfigError
from idp.keys.master_file import FILE_NAME, WatchedFile, create_key_file, parse_keys, read_key_file

CHECK_IDENTITY = "notes:master_key_check"
ROOT_IDENTITY = "notes:derivation_root"
VARIABLE = "IDP_MASTER_KEY"
_VERSION = b"\x01"


class MasterKey:
    """Sealing and deriving; its representation shows nothing.

    In: the key, and older or newer ones that only open; `look_again` gives all of them where they have changed since.
    """

    def __init__(
        self, key: bytes, *openers: bytes, look_again: Callable[[], Sequence[bytes] | None] = lambda: None
    ) -> None:
        self._look_again = look_again
        self._derived: dict[str, bytes] = {}
        self._root = key
        self._take((key, *openers))

    def __repr__(self) -> str:
        return "MasterKey(…)"

    def _take(self, keys: Sequence[bytes]) -> None:
        if any(len(key) != 32 for key in keys):
            raise ConfigError("the master key must be 32 bytes, kept as 64 hexadecimal digits")
        self._sealers = tuple((key, AESGCM(_derive(key, "seal"))) for key in keys)

    def _known(self) -> tuple[tuple[bytes, AESGCM], ...]:
        newer = self._look_again()
        if newer:
            self._take(newer)
        return self._sealers

    @property
    def root(self) -> bytes:
        """What is derived from; kept sealed in the database from its first start on."""
        return self._root

    def use_root(self, root: bytes) -> None:
        """Derive from this from now on; before anything was derived."""
        self._root = root
        self._derived = {}

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose."""
        known = self._derived.get(purpose)
        if known is None:
            known = self._derived[purpose] = _derive(self._root, purpose)
        return known

    def seal(self, plain: bytes, identity: str) -> bytes:
        """Encrypt for the row that `identity` names (`table:key`)."""
        nonce = os.urandom(12)
        return _VERSION + nonce + self._known()[0][1].encrypt(nonce, plain, identity.encode())

    def open(self, sealed: bytes, identity: str) -> bytes:
        """Decrypt; raises `ValueError` where key, row or content do not belong together."""
        return self._open(sealed, identity)[1]

    def is_current(self, sealed: bytes, identity: str) -> bool:
        """Whether it was sealed with the key that seals now; raises `ValueError` where no key opens it."""
        return self._open(sealed, identity)[0] == self._sealers[0][0]

    def key_of(self, sealed: bytes, identity: str) -> bytes:
        """Which of the keys it was sealed with; raises `ValueError` where none opens it."""
        return self._open(sealed, identity)[0]

    def _open(self, sealed: bytes, identity: str) -> tuple[bytes, bytes]:
        if sealed[:1] == _VERSION:
            for key, sealer in self._known():
                try:
                    return key, sealer.decrypt(sealed[1:13], sealed[13:], identity.encode())
                except InvalidTag:
                    continue
        raise ValueError("the sealed value does not open with this key and row")

    def mac(self, purpose: str, message: str) -> bytes:
        """HMAC-SHA-256 under the purpose's key: short codes are kept like this."""
        return hmac.digest(self.derive(purpose), message.encode(), "sha256")

    def derive_token(self, purpose: str, identity: str) -> str:
        """A 256-bit secret that can be made again: the status link, the successor of a refresh token."""
        return base64.urlsafe_b64encode(self.mac(purpose, identity)).rstrip(b"=").decode()


def load_master_key(directory: Path, *, may_create: bool) -> MasterKey:
    """Read the master key, or make it where `may_create` says so (the database is empty).

    `IDP_MASTER_KEY` in the environment (64 hexadecimal digits; a second key behind it only opens) wins over the file, which
    is read again when it changes. Raises `ConfigError` where the key is missing although the database has data, readable by
    others, or malformed.
    """
    text = os.environ.get(VARIABLE)
    if text:
        return MasterKey(*parse_keys(text, VARIABLE))
    path = directory / FILE_NAME
    if may_create and not path.exists():
        create_key_file(path)
    watched = WatchedFile(path)
    return MasterKey(*read_key_file(path), look_again=watched.newer)


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=b"idp:" + purpose.encode()).derive(key)
