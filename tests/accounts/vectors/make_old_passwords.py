"""Make `old_passwords.json`: hashes by the programs and packages that old portals made theirs with, never by our code.

Needs Python 3.11 or 3.12 (its `crypt` is the C library's), `openssl`, and the packages bcrypt, Django 5.2, argon2-cffi,
Werkzeug and libpass: `python tests/accounts/vectors/make_old_passwords.py > tests/accounts/vectors/old_passwords.json`.
Salts are random, so running it again makes other hashes of the same passwords.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator

warnings.simplefilter("ignore")

PASSWORDS = ("correct horse", "Grüße aus Zürich", "x", " blanks around ", "long " * 20)
PUBLISHED = (
    ("phpass", "Openwall, phpass test.php", "test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
    ("phpass", "hashcat, example 400 (WordPress)", "hashcat", "$P$984478476IagS59wHZvyQMArzfx58u."),
    ("phpass", "hashcat, example 400 (phpBB3)", "hashcat", "$H$984478476IagS59wHZvyQMArzfx58u."),
    ("ldap", "hashcat, example 111", "hashcat", "{SSHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng=="),
    (
        "ldap",
        "hashcat, example 1711",
        "hashcat",
        "{SSHA512}ALtwKGBdRgD+U0fPAy31C28RyKYx7+a8kmfksccsOeLknLHv2DBXYI7TDnTolQMBuPkWDISgZr2cHfnNPFjGZTEyNDU4OTkw",
    ),
)


def made(password: str) -> Iterator[tuple[str, str, str]]:
    """Format, maker and hash of one password."""
    yield from by_bcrypt(password)
    yield from by_django(password)
    yield from by_werkzeug(password)
    yield from by_libpass(password)
    yield from by_hashlib(password)
    yield from by_the_system(password)


def by_bcrypt(password: str) -> Iterator[tuple[str, str, str]]:
    """The prefixes are `bcrypt`'s own 2a and 2b, and PHP's 2y, which is 2b by another name."""
    import bcrypt

    typed = password.encode()[:72]
    for prefix in (b"2a", b"2b"):
        yield "bcrypt", "bcrypt", bcrypt.hashpw(typed, bcrypt.gensalt(5, prefix)).decode()
    yield "bcrypt", "bcrypt", bcrypt.hashpw(typed, bcrypt.gensalt(5)).decode().replace("$2b$", "$2y$", 1)


def by_django(password: str) -> Iterator[tuple[str, str, str]]:
    """Its five hashers, with their own costs or cheaper ones."""
    from django.conf import settings

    if not settings.configured:
        settings.configure()
    from django.contrib.auth import hashers

    yield "django", "Django", hashers.PBKDF2PasswordHasher().encode(password, "saltsaltsaltsalt", iterations=1500)
    yield "django", "Django", hashers.PBKDF2SHA1PasswordHasher().encode(password, "pepper", iterations=1500)
    cheap = hashers.BCryptSHA256PasswordHasher()
    cheap.rounds = 5
    yield "django", "Django", cheap.encode(password, cheap.salt())
    if len(password.encode()) <= 72:
        plain = hashers.BCryptPasswordHasher()
        plain.rounds = 5
        yield "django", "Django", plain.encode(password, plain.salt())
    yield "django", "Django", hashers.ScryptPasswordHasher().encode(password, "saltsaltsaltsalt", n=2**10)
    argon2 = hashers.Argon2PasswordHasher()
    argon2.time_cost, argon2.memory_cost, argon2.parallelism = 1, 1024, 2
    yield "django", "Django", argon2.encode(password, argon2.salt())


def by_werkzeug(password: str) -> Iterator[tuple[str, str, str]]:
    """Flask's hashes."""
    from werkzeug.security import generate_password_hash

    for digest in ("sha1", "sha256", "sha512"):
        yield "pbkdf2", "Werkzeug", generate_password_hash(password, f"pbkdf2:{digest}:1500")
    yield "scrypt", "Werkzeug", generate_password_hash(password, "scrypt:1024:8:1")


def by_libpass(password: str) -> Iterator[tuple[str, str, str]]:
    """The hashes that passlib gave their spelling; our own check of these uses hashlib."""
    from passlib import hash as passlib

    for name in ("pbkdf2_sha1", "pbkdf2_sha256", "pbkdf2_sha512"):
        yield "pbkdf2", "libpass", getattr(passlib, name).using(rounds=1500).hash(password)
    yield "scrypt", "libpass", passlib.scrypt.using(rounds=8).hash(password)
    for name in ("ldap_salted_sha1", "ldap_salted_sha256", "ldap_salted_sha512"):
        yield "ldap", "libpass", getattr(passlib, name).hash(password)


def by_hashlib(password: str) -> Iterator[tuple[str, str, str]]:
    """The bare spelling, as many a home-made portal stores it."""
    salt = os.urandom(24)
    for digest in ("sha1", "sha256", "sha512"):
        key = hashlib.pbkdf2_hmac(digest, password.encode(), salt, 1500)
        yield "pbkdf2", "hashlib", f"{digest}:1500:{base64.b64encode(salt).decode()}:{base64.b64encode(key).decode()}"


def by_the_system(password: str) -> Iterator[tuple[str, str, str]]:
    """The C library's crypt, and OpenSSL."""
    import crypt

    for name, method in (("md5_crypt", crypt.METHOD_MD5), ("sha_crypt", crypt.METHOD_SHA256)):
        yield name, "crypt", crypt.crypt(password, crypt.mksalt(method))
    for method in (crypt.METHOD_SHA256, crypt.METHOD_SHA512):
        yield "sha_crypt", "crypt", crypt.crypt(password, crypt.mksalt(method, rounds=1500))
    for number, name in (("1", "md5_crypt"), ("5", "sha_crypt"), ("6", "sha_crypt")):
        command = ["openssl", "passwd", f"-{number}", "-stdin"]
        found = subprocess.run(command, input=password.encode(), capture_output=True, check=True)
        yield name, "OpenSSL", found.stdout.decode().strip()


def main() -> None:
    """Print them all."""
    vectors = [
        {"format": name, "maker": maker, "password": password, "hash": encoded}
        for password in PASSWORDS
        for name, maker, encoded in made(password)
    ]
    vectors += [{"format": f, "maker": m, "password": p, "hash": h} for f, m, p, h in PUBLISHED]
    json.dump(vectors, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
