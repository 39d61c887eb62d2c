"""Password hashes of an old portal in seven families, read strictly and checked once more before argon2id takes over (F-1.9).

bcrypt · PBKDF2 (passlib's, Werkzeug's and the bare `sha256:ROUNDS:SALT:KEY`) · scrypt (passlib's, Werkzeug's) · Django
(PBKDF2, bcrypt, scrypt, argon2) · phpass · md5crypt and SHA-crypt · LDAP salted SHA.

`read_old_hash` understands a text and bounds what computing it may cost; what it refuses is never computed. The arithmetic is
that of `bcrypt`, `hashlib`, `argon2-cffi` and libpass. Only `hashing_worker` calls `OldHash.matches`, inside its queue. An
account with an old hash costs that hash in addition to argon2id, so until its first sign-in it can be told from others by
the time of a refused sign-in: by no more than this cost, and not at all where it is small (LDAP, md5crypt).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field

LONGEST = 512
LEAST_ROUNDS = 100_000
"""PBKDF2 and SHA-crypt with fewer rounds count as weak."""

LEAST_BCRYPT = 10
LEAST_SCRYPT = 2**14 * 8
MOST_ROUNDS = {"bcrypt": 14, "pbkdf2": 3_000_000, "phpass": 19, "sha_crypt": 1_000_000}
"""The dearest that is computed: between half a second and two seconds on one core; bcrypt and phpass count in powers of 2."""

MOST_MEMORY = 128 * 1024 * 1024
MOST_SCRYPT_WORK = 2**21 * 8
MOST_ARGON2_PASSES = 10

FORMATS = (
    "bcrypt",
    "pbkdf2",
    "scrypt",
    "django",
    "phpass",
    "md5_crypt",
    "sha_crypt",
    "ldap",
    "argon2id",
)
"""The words that the cockpit counts by; md5crypt and SHA-crypt are one family."""

BARE_LENGTHS = {18, 20, 24, 32, 64}
"""Bytes that home-made portals keep of a PBKDF2 key; elsewhere it is as long as its digest."""

Check = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class OldHash:
    """A hash that was understood: its format, whether it is weak by today's measure, and how a password is compared."""

    format: str
    is_weak: bool
    check: Check = field(repr=False)

    def matches(self, password: bytes) -> bool:
        """Whether it is the hash of this password; NUL, which crypt stops at and HMAC pads with, is in none."""
        return b"\0" not in password and self.check(password)


def read_old_hash(text: str) -> OldHash:
    """Understand a stored hash. Raises `ValueError` with what is wrong: not known, not whole, or too dear to compute."""
    if len(text) > LONGEST or not text.isascii():
        raise ValueError("is in no known format")
    for pattern, read in _READERS:
        match = pattern.fullmatch(text)
        if match:
            return read(match)
    raise ValueError("is in no known format")


def is_weak(text: str) -> bool:
    """Whether a stored hash is weak; argon2id and what cannot be read is not."""
    try:
        return not is_current(text) and read_old_hash(text).is_weak
    except ValueError:
        return False


def is_current(text: str) -> bool:
    """Whether the hash is argon2id as we write it, so that nothing has to be taken over."""
    return text.startswith("$argon2id$")


def _bcrypt(match: re.Match[str]) -> OldHash:
    return _bcrypt_of(match["hash"], "bcrypt", lambda password: password)


def _django_bcrypt(match: re.Match[str]) -> OldHash:
    return _bcrypt_of(match["hash"], "django", lambda password: password)


def _django_bcrypt_sha256(match: re.Match[str]) -> OldHash:
    return _bcrypt_of(match["hash"], "django", lambda password: hashlib.sha256(password).hexdigest().encode())


def _bcrypt_of(encoded: str, name: str, prepare: Callable[[bytes], bytes]) -> OldHash:
    cost = int(encoded[4:6])
    if cost < 4:
        raise ValueError("is not a whole bcrypt hash")
    _bound(cost, MOST_ROUNDS["bcrypt"], "bcrypt cost")

    def matches(password: bytes) -> bool:
        import bcrypt

        return bcrypt.checkpw(prepare(password)[:72], encoded.encode())  # no bcrypt ever looked further

    return OldHash(name, cost < LEAST_BCRYPT, matches)


def _pbkdf2(
    name: str, decode: Callable[[str], bytes], *, salt_is_text: bool = False, is_bare: bool = False
) -> Callable[[re.Match[str]], OldHash]:
    """A reader for one spelling of PBKDF2: named groups digest, rounds, salt, key; `decode` reads salt and key."""

    def read(match: re.Match[str]) -> OldHash:
        digest = (match["digest"] or "sha1").replace("-", "")
        rounds = int(match["rounds"])
        salt = match["salt"].encode() if salt_is_text else decode(match["salt"])
        key = decode(match["key"])
        whole = BARE_LENGTHS if is_bare else {hashlib.new(digest).digest_size}
        if not rounds or len(key) not in whole or not salt:
            raise ValueError("is not a whole PBKDF2 hash")
        _bound(rounds, MOST_ROUNDS["pbkdf2"], "PBKDF2 rounds")
        return OldHash(
            name,
            rounds < LEAST_ROUNDS,
            lambda password: hmac.compare_digest(hashlib.pbkdf2_hmac(digest, password, salt, rounds, len(key)), key),
        )

    return read


def _scrypt_of(name: str, salt: bytes, key: bytes, *, n: int, r: int, p: int) -> OldHash:
    if n < 2 or n & (n - 1) or not r or not p or not salt or len(key) not in (32, 64):
        raise ValueError("is not a whole scrypt hash")
    _bound(128 * n * r, MOST_MEMORY, "scrypt memory")
    _bound(n * r * p, MOST_SCRYPT_WORK, "scrypt work")
    memory = 128 * r * (n + p + 2) + 65536
    return OldHash(
        name,
        n * r < LEAST_SCRYPT,
        lambda password: hmac.compare_digest(
            hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=len(key)), key
        ),
    )


def _passlib_scrypt(match: re.Match[str]) -> OldHash:
    exponent = int(match["ln"])
    _bound(exponent, 30, "scrypt memory")
    salt, key = _adapted(match["salt"]), _adapted(match["key"])
    return _scrypt_of("scrypt", salt, key, n=2**exponent, r=int(match["r"]), p=int(match["p"]))


def _werkzeug_scrypt(match: re.Match[str]) -> OldHash:
    numbers = {name: int(match[name]) for name in ("n", "r", "p")}
    return _scrypt_of("scrypt", match["salt"].encode(), bytes.fromhex(match["key"]), **numbers)


def _django_scrypt(match: re.Match[str]) -> OldHash:
    numbers = {name: int(match[name]) for name in ("n", "r", "p")}
    return _scrypt_of("django", match["salt"].encode(), _base64(match["key"]), **numbers)


def _django_argon2(match: re.Match[str]) -> OldHash:
    return _argon2(match, "django")


def _plain_argon2id(match: re.Match[str]) -> OldHash:
    return _argon2(match, "argon2id")


def _argon2(match: re.Match[str], name: str) -> OldHash:
    memory, passes, lanes = (int(match[key]) for key in ("m", "t", "p"))
    if not passes or not 1 <= lanes <= 64 or memory < 8 * lanes:
        raise ValueError("is not a whole argon2 hash")
    _bound(memory * 1024, MOST_MEMORY, "argon2 memory")
    _bound(passes, MOST_ARGON2_PASSES, "argon2 passes")
    if not 8 <= len(_base64(match["salt"])) <= 64 or not 16 <= len(_base64(match["key"])) <= 64:
        raise ValueError("is not a whole argon2 hash")
    encoded = match["hash"]

    def matches(password: bytes) -> bool:
        from argon2 import PasswordHasher
        from argon2.exceptions import Argon2Error, InvalidHashError

        try:
            return PasswordHasher().verify(encoded, password)
        except (Argon2Error, InvalidHashError):
            return False

    return OldHash(name, is_weak=False, check=matches)


def _phpass(match: re.Match[str]) -> OldHash:
    from passlib.handlers.phpass import phpass

    exponent = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".index(match["rounds"])
    if exponent < 7:
        raise ValueError("is not a whole phpass hash")
    _bound(exponent, MOST_ROUNDS["phpass"], "phpass rounds")
    encoded = match[0]
    verify: Callable[[bytes, str], bool] = phpass.verify
    return OldHash("phpass", is_weak=True, check=lambda password: verify(password, encoded))


def _md5_crypt(match: re.Match[str]) -> OldHash:
    from passlib.handlers.md5_crypt import md5_crypt

    encoded = match[0]
    verify: Callable[[bytes, str], bool] = md5_crypt.verify
    return OldHash("md5_crypt", is_weak=True, check=lambda password: verify(password, encoded))


def _sha_crypt(match: re.Match[str]) -> OldHash:
    from passlib.handlers.sha2_crypt import sha256_crypt, sha512_crypt

    rounds = int(match["rounds"] or 5000)
    if rounds < 1000:
        raise ValueError("is not a whole SHA-crypt hash")
    _bound(rounds, MOST_ROUNDS["sha_crypt"], "SHA-crypt rounds")
    encoded = match[0]
    verify: Callable[[bytes, str], bool] = sha256_crypt.verify if match["kind"] == "5" else sha512_crypt.verify
    return OldHash("sha_crypt", rounds < LEAST_ROUNDS, lambda password: bool(verify(password, encoded)))


def _ldap(match: re.Match[str]) -> OldHash:
    digest = {"": "sha1", "256": "sha256", "512": "sha512"}[match["size"]]
    size = hashlib.new(digest).digest_size
    content = _base64(match["content"])
    key, salt = content[:size], content[size:]
    if len(key) != size or not 4 <= len(salt) <= 64:
        raise ValueError("is not a whole salted LDAP hash")
    return OldHash(
        "ldap",
        is_weak=True,
        check=lambda password: hmac.compare_digest(hashlib.new(digest, password + salt).digest(), key),
    )


def _bound(value: int, most: int, what: str) -> None:
    if value > most:
        raise ValueError(f"would be too dear to compute: {what} {value}, at most {most}")


def _base64(text: str) -> bytes:
    """Standard base64, padded or not, nothing else."""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except binascii.Error:
        raise ValueError("holds broken base64") from None


def _adapted(text: str) -> bytes:
    """Passlib's base64: `.` for `+`, no padding. Its scrypt writes `+`."""
    return _base64(text.replace(".", "+"))


_64 = r"[A-Za-z0-9+/]{2,172}={0,2}"
_A64 = r"[A-Za-z0-9./+]{2,172}"
_CRYPT = r"[A-Za-z0-9./]"
_BCRYPT = rf"(?P<hash>\$2[aby]\$[0-9]{{2}}\${_CRYPT}{{53}})"
_ARGON2 = (
    r"(?P<hash>\$argon2%s\$v=19\$m=(?P<m>\d{1,8}),t=(?P<t>\d{1,4}),p=(?P<p>\d{1,3})"
    rf"\$(?P<salt>{_64})\$(?P<key>{_64}))"
)
_NRP = r"(?P<n>\d{1,9})%s(?P<r>\d{1,4})%s(?P<p>\d{1,4})"
_PLAIN_SALT = r"[A-Za-z0-9!#%&()*+,./;<=>?@\[\]^_{|}~-]{1,128}"

_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], OldHash]], ...] = (
    (re.compile(_BCRYPT), _bcrypt),
    (
        re.compile(
            rf"\$pbkdf2(?:-(?P<digest>sha256|sha512))?\$(?P<rounds>\d{{1,8}})\$(?P<salt>{_A64})\$(?P<key>{_A64})"
        ),
        _pbkdf2("pbkdf2", _adapted),
    ),
    (
        re.compile(
            rf"pbkdf2:(?P<digest>sha1|sha256|sha512):(?P<rounds>\d{{1,8}})\$(?P<salt>{_PLAIN_SALT})\$(?P<key>(?:[0-9a-f]{{2}}){{16,64}})"
        ),
        _pbkdf2("pbkdf2", bytes.fromhex, salt_is_text=True),
    ),
    (
        re.compile(rf"(?P<digest>sha1|sha256|sha512):(?P<rounds>\d{{1,8}}):(?P<salt>{_64}):(?P<key>{_64})"),
        _pbkdf2("pbkdf2", _base64, is_bare=True),
    ),
    (
        re.compile(
            rf"\$scrypt\$ln=(?P<ln>\d{{1,3}}),r=(?P<r>\d{{1,4}}),p=(?P<p>\d{{1,4}})\$(?P<salt>{_A64})\$(?P<key>{_A64})"
        ),
        _passlib_scrypt,
    ),
    (
        re.compile(rf"scrypt:{_NRP % (':', ':')}\$(?P<salt>{_PLAIN_SALT})\$(?P<key>(?:[0-9a-f]{{2}}){{16,128}})"),
        _werkzeug_scrypt,
    ),
    (
        re.compile(rf"pbkdf2_(?P<digest>sha1|sha256)\$(?P<rounds>\d{{1,8}})\$(?P<salt>{_PLAIN_SALT})\$(?P<key>{_64})"),
        _pbkdf2("django", _base64, salt_is_text=True),
    ),
    (re.compile(rf"bcrypt\${_BCRYPT}"), _django_bcrypt),
    (re.compile(rf"bcrypt_sha256\${_BCRYPT}"), _django_bcrypt_sha256),
    (
        re.compile(
            rf"scrypt\$(?P<n>\d{{1,9}})\$(?P<salt>{_PLAIN_SALT})\$(?P<r>\d{{1,4}})\$(?P<p>\d{{1,4}})\$(?P<key>{_64})"
        ),
        _django_scrypt,
    ),
    (re.compile("argon2" + _ARGON2 % "(?:id|i|d)"), _django_argon2),
    (re.compile(_ARGON2 % "id"), _plain_argon2id),
    (re.compile(rf"\$[PH]\$(?P<rounds>{_CRYPT}){_CRYPT}{{30}}"), _phpass),
    (re.compile(rf"\$1\${_CRYPT}{{1,8}}\${_CRYPT}{{22}}"), _md5_crypt),
    (
        re.compile(rf"\$(?P<kind>5)\$(?:rounds=(?P<rounds>[1-9]\d{{3,8}})\$)?{_CRYPT}{{1,16}}\${_CRYPT}{{43}}"),
        _sha_crypt,
    ),
    (
        re.compile(rf"\$(?P<kind>6)\$(?:rounds=(?P<rounds>[1-9]\d{{3,8}})\$)?{_CRYPT}{{1,16}}\${_CRYPT}{{86}}"),
        _sha_crypt,
    ),
    (re.compile(r"\{SSHA(?P<size>|256|512)\}(?P<content>[A-Za-z0-9+/]{24,256}={0,2})"), _ldap),
)
