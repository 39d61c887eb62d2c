"""A provider with a leak put in on purpose (`python -m attacks.leaky_server`): nothing is hashed for who does not exist.

`make timing` must find it, or its silence about the real provider says nothing. The server processes import this module
again, so the leak is put in at import.
"""

from __future__ import annotations

from attacks.second_server import main
from idp.accounts.hashing_worker import PasswordHasher

_verify = PasswordHasher.verify


def _verify_known_only(hasher: PasswordHasher, password: str, encoded: str | None) -> bool:
    return encoded is not None and _verify(hasher, password, encoded)


PasswordHasher.verify = _verify_known_only  # type: ignore[method-assign,assignment]

if __name__ == "__main__":
    main()
