"""Links that mails carry, with a short code beside them where one is wanted. One purpose each, used once, by one winner.

The token is kept as SHA-256 of purpose and token, the code as HMAC bound to its link. Opening a link only reads; `use_link`
is the conditional update that decides who was first (RS-1, RG-5).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from idp.keys.secrets import (
    CODE_LETTERS,
    hash_secret,
    is_same,
    new_reference,
    new_secret,
    new_short_code,
)
from idp.store.database import Statement

if TYPE_CHECKING:
    from idp.keys.master import MasterKey
    from idp.store.database import Row, Transaction

LinkState = Literal["open", "used", "replaced", "expired"]
CodeAnswer = Literal["right", "wrong", "spent"]

_INSERT = Statement(
    "INSERT INTO links (token_hash, purpose, reference, registration_id, account_id, email, code_mac, code_tries,"
    " created_at, expires_at) VALUES (:token_hash, :purpose, :reference, :registration_id, :account_id, :email,"
    " :code_mac, 0, :now, :expires_at)"
)
_FIND = Statement("SELECT * FROM links WHERE token_hash = :token_hash AND purpose = :purpose")
_FIND_BY_REFERENCE = Statement("SELECT * FROM links WHERE reference = :reference")
_NEWEST = Statement(
    "SELECT * FROM links WHERE purpose = :purpose AND used_at IS NULL AND replaced_at IS NULL AND expires_at > :now"
    " AND (registration_id = :registration_id OR account_id = :account_id) ORDER BY created_at DESC LIMIT 1"
)
_USE = Statement(
    "UPDATE links SET used_at = :now WHERE token_hash = :token_hash AND used_at IS NULL AND replaced_at IS NULL"
    " AND expires_at > :now"
)
_REPLACE = Statement(
    "UPDATE links SET replaced_at = :now WHERE purpose = :purpose AND used_at IS NULL AND replaced_at IS NULL"
    " AND (registration_id = :registration_id OR account_id = :account_id)"
)
_REPLACE_OF = Statement(
    "UPDATE links SET replaced_at = :now WHERE purpose = :purpose AND used_at IS NULL AND replaced_at IS NULL"
    " AND registration_id IN {texts(registration_ids)}"
)
_REPLACE_LATER = Statement(
    "UPDATE links SET replaced_at = :now WHERE purpose = :purpose AND account_id = :account_id AND used_at IS NULL"
    " AND replaced_at IS NULL AND created_at >= :since"
)
_NEWEST_AT = Statement("SELECT MAX(created_at) AS at FROM links WHERE purpose = :purpose AND account_id = :account_id")
_COUNT_TRY = Statement(
    "UPDATE links SET code_tries = code_tries + 1 WHERE token_hash = :token_hash AND code_mac IS NOT NULL"
    " AND code_tries < :limit AND used_at IS NULL AND replaced_at IS NULL AND expires_at > :now"
)
_DELETE_OLD = Statement("DELETE FROM links WHERE expires_at < :before")


@dataclass(frozen=True, slots=True)
class Link:
    """A link as its row said when it was read; the token itself is only in the mail."""

    token_hash: bytes
    purpose: str
    reference: str
    registration_id: str | None
    account_id: str | None
    email: str
    code_mac: bytes | None
    code_tries: int
    created_at: int
    expires_at: int
    used_at: int | None
    replaced_at: int | None


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """What goes into the mail: the secret token, the reference people can name, the code (or None), the end."""

    token: str
    reference: str
    code: str | None
    expires_at: int

    def __repr__(self) -> str:
        return f"IssuedLink({self.reference!r})"


def issue_link(
    tx: Transaction,
    *,
    purpose: str,
    email: str,
    lifetime: int,
    now: int,
    master: MasterKey,
    account_id: str | None = None,
    registration_id: str | None = None,
    with_code: bool = False,
    replaces: bool = True,
) -> IssuedLink:
    """Make a link for one registration or account; a newer one of the same purpose replaces older ones (RS-1).

    `replaces=False`: older ones go on working beside it.
    """
    if replaces:
        replace_links(tx, purpose, account_id=account_id, registration_id=registration_id, now=now)
    token, code = new_secret(), new_short_code() if with_code else None
    token_hash = hash_secret(purpose, token)
    issued = IssuedLink(token=token, reference=new_reference(), code=code, expires_at=now + lifetime)
    tx.run(
        _INSERT,
        token_hash=token_hash,
        purpose=purpose,
        reference=issued.reference,
        registration_id=registration_id,
        account_id=account_id,
        email=email,
        code_mac=_code_mac(master, token_hash, code) if code else None,
        now=now,
        expires_at=issued.expires_at,
    )
    return issued


def find_link(tx: Transaction, purpose: str, token: str) -> Link | None:
    """The link with this token, whatever its state; None where no such link was ever sent (damaged)."""
    return _parse(tx.one(_FIND, token_hash=hash_secret(purpose, token), purpose=purpose))


def find_by_reference(tx: Transaction, reference: str) -> Link | None:
    """The link with the reference number of a customer's screenshot (F-1.7)."""
    return _parse(tx.one(_FIND_BY_REFERENCE, reference=reference.strip().upper()))


def find_newest_open(
    tx: Transaction, purpose: str, *, account_id: str | None = None, registration_id: str | None = None, now: int
) -> Link | None:
    """The one link of this purpose that still works, or None."""
    return _parse(tx.one(_NEWEST, purpose=purpose, account_id=account_id, registration_id=registration_id, now=now))


def link_state(link: Link, now: int) -> LinkState:
    """What became of a link; what was used stays `used` for ever."""
    if link.used_at is not None:
        return "used"
    if link.replaced_at is not None:
        return "replaced"
    return "open" if link.expires_at > now else "expired"


def use_link(tx: Transaction, link: Link, now: int) -> bool:
    """Use the link up; only one caller ever gets True, and none after its end."""
    return tx.run(_USE, token_hash=link.token_hash, now=now) == 1


def why_not_used(link: Link, now: int) -> LinkState:
    """The state that kept `use_link` from using a link; one that was read as open was used meanwhile by somebody else."""
    state = link_state(link, now)
    return "used" if state == "open" else state


def replace_links(
    tx: Transaction, purpose: str, *, account_id: str | None = None, registration_id: str | None = None, now: int
) -> int:
    """Make all open links of a purpose void (a newer one, password or e-mail changed, account closed)."""
    return tx.run(_REPLACE, purpose=purpose, account_id=account_id, registration_id=registration_id, now=now)


def replace_links_of(tx: Transaction, purpose: str, registration_ids: Sequence[str], *, now: int) -> None:
    """Make all open links of a purpose void that belong to these registrations; one statement, also for none (EN-2)."""
    tx.run(_REPLACE_OF, purpose=purpose, registration_ids=json.dumps(registration_ids), now=now)


def replace_later_links(tx: Transaction, purpose: str, *, account_id: str, since: int, now: int) -> int:
    """Make the open links of a purpose void that were made at an instant or after it."""
    return tx.run(_REPLACE_LATER, purpose=purpose, account_id=account_id, since=since, now=now)


def newest_made_at(tx: Transaction, purpose: str, account_id: str) -> int:
    """When the newest link of a purpose was made for an account; 0 where none was."""
    row = tx.one(_NEWEST_AT, purpose=purpose, account_id=account_id)
    return int(row["at"] or 0) if row else 0


def try_code(tx: Transaction, link: Link, code: str, *, master: MasterKey, limit: int, now: int) -> CodeAnswer:
    """Count a try, then compare; `spent` once the tries are used up. The count must commit whatever the answer is.

    Case, blanks and dashes do not matter. The conditional update counts exactly under parallel tries (BF-1).
    """
    if tx.run(_COUNT_TRY, token_hash=link.token_hash, limit=limit, now=now) != 1 or link.code_mac is None:
        return "spent"
    typed = "".join(letter for letter in code.upper() if letter in CODE_LETTERS)
    return "right" if is_same(link.code_mac, _code_mac(master, link.token_hash, typed)) else "wrong"


def delete_old_links(tx: Transaction, before: int) -> int:
    """Forget links that ended before an instant (housekeeping)."""
    return tx.run(_DELETE_OLD, before=before)


def _code_mac(master: MasterKey, token_hash: bytes, code: str) -> bytes:
    return master.mac("link-code", f"{token_hash.hex()}:{code}")


def _parse(row: Row | None) -> Link | None:
    return None if row is None else Link(**{name: row[name] for name in Link.__slots__})
