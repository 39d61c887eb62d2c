"""Rows of the old portal's file, CSV or JSON lines, read strictly: each fault names what is wrong and what would be right."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from idp.accounts.identifiers import parse_email, parse_user_name
from idp.accounts.old_import import OldCustomer
from idp.accounts.old_passwords import read_old_hash
from idp.accounts.serial_numbers import parse_serial_number
from idp.cli.apply.claims import ADDRESS, CLAIMS, parse_claims
from idp.cli.apply.values import Values
from idp.config import LANGUAGES
from idp.errors import Refusal
from idp.policy.approval import Status

COLUMNS = (
    "row_id",
    "email",
    "email_verified",
    "preferred_username",
    "given_name",
    "family_name",
    "company",
    "country",
    "locale",
    "serial_number",
    "password_hash",
    "approval_status",
    "approval_reason",
    *CLAIMS,
)
CSV_COLUMNS = (*(name for name in COLUMNS if name != "address"), *(f"address.{part}" for part in ADDRESS))
LONGEST_REASON = 2000
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class UnreadableFile(Exception):
    """A file that is no CSV or JSON lines of ours; nothing was done."""


class BadRow(Exception):
    """A row that cannot be imported: kind `missing`, `bad_value`, `bad_serial` or `bad_hash`, and the words."""

    def __init__(self, kind: str, words: str, row_id: str = "") -> None:
        super().__init__(words)
        self.kind = kind
        self.row_id = row_id


def digest_of(path: Path) -> str:
    """The file's SHA-256, by which an import knows that it goes on with the same file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_rows(path: Path) -> Iterator[Mapping[str, Any] | BadRow]:
    """The file's rows in order; `BadRow` for one that is not readable. Raises `UnreadableFile`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            if not first.strip():
                raise UnreadableFile(f"{path}: is empty")
            yield from _json_lines(file) if first.lstrip().startswith("{") else _csv_rows(path, file, first)
    except UnicodeDecodeError:
        raise UnreadableFile(f"{path}: is not UTF-8 text") from None
    except csv.Error as error:
        raise UnreadableFile(f"{path}: is no CSV: {error}") from None


def parse_row(row: Mapping[str, Any]) -> OldCustomer:
    """One customer. Raises `BadRow`."""
    row_id = row.get("row_id", "")
    row_id = str(row_id) if isinstance(row_id, int) else row_id
    known = row_id if isinstance(row_id, str) else ""
    try:
        return _parse({**row, "row_id": row_id})
    except ValueError as fault:
        words = str(fault)
        key = words.partition(":")[0]
        kind = {"serial_number": "bad_serial", "password_hash": "bad_hash"}.get(key, "bad_value")
        raise BadRow("missing" if words.endswith(": is missing") else kind, words, known) from None


def _parse(row: Mapping[str, Any]) -> OldCustomer:
    values = Values(row, COLUMNS)
    row_id, email = values.needed("row_id"), values.needed("email")
    user_name = values.text("preferred_username")
    country = values.text("country").upper()
    if country and not re.fullmatch(r"[A-Z]{2}", country):
        raise ValueError("country: must be two letters (ISO 3166-1), such as DE")
    locale = re.split(r"[-_]", values.text("locale").lower())[0]
    status, reason = values.text("approval_status"), values.text("approval_reason", longest=LONGEST_REASON)
    if status not in ("", *(known.value for known in Status)):
        raise ValueError(
            f"approval_status: must be one of {', '.join(s.value for s in Status)}, or empty for the rules"
        )
    profile = {name: values.text(name, longest=120) for name in ("given_name", "family_name", "company")}
    return OldCustomer(
        row_id=row_id,
        email=_understand("email", parse_email, email, "must be an e-mail address"),
        email_verified=values.flag("email_verified", True),
        user_name=_understand(
            "preferred_username",
            parse_user_name,
            "" if user_name.lower() == email.lower() else user_name,
            "must be 3 to 40 letters, digits, dots, dashes and underscores",
        ),
        profile={**profile, "country": country, "locale": locale if locale in LANGUAGES else ""},
        claims=parse_claims(values),
        serial_numbers=tuple(
            _understand(
                "serial_number",
                parse_serial_number,
                text,
                "must be two letters, three digits and a letter, like AB123Z",
            )
            for text in values.texts("serial_number")
        ),
        approval_status=Status(status) if status else None,
        approval_reason=reason,
        password_hash=_parse_hash(values.text("password_hash", longest=1024)),
    )


def _understand(key: str, parse: Any, text: str, words: str) -> str:
    try:
        return str(parse(text)) if text else ""
    except Refusal:
        raise ValueError(f"{key}: {words}") from None


def _parse_hash(text: str) -> str | None:
    try:
        if text:
            read_old_hash(text)
    except ValueError as fault:
        raise ValueError(f"password_hash: {fault}") from None
    return text or None


def _json_lines(file: Any) -> Iterator[Mapping[str, Any] | BadRow]:
    for line in file:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield row if isinstance(row, dict) else BadRow("bad_value", "is no JSON object on one line")


def _csv_rows(path: Path, file: Any, first: str) -> Iterator[Mapping[str, Any] | BadRow]:
    reader = csv.reader(file, delimiter=";" if first.count(";") > first.count(",") else ",", strict=True)
    names = [name.strip() for name in next(reader)]
    unknown = [name for name in names if name not in CSV_COLUMNS]
    if unknown or len(set(names)) != len(names):
        wrong = f"column {unknown[0]!r} is not known" if unknown else "a column is there twice"
        raise UnreadableFile(f"{path}: {wrong}; known are: {', '.join(CSV_COLUMNS)}")
    for absent in ("row_id", "email"):
        if absent not in names:
            raise UnreadableFile(f"{path}: column {absent!r} is missing")
    for cells in reader:
        if not any(cells):
            continue
        if len(cells) != len(names):
            yield BadRow("bad_value", f"has {len(cells)} cells under {len(names)} columns")
            continue
        yield _typed({name: cell.strip() for name, cell in zip(names, cells, strict=True) if cell.strip()})


def _typed(cells: dict[str, str]) -> dict[str, Any]:
    """Cells as the values that JSON lines would have."""
    row: dict[str, Any] = {name: text for name, text in cells.items() if not name.startswith("address.")}
    address = {name.partition(".")[2]: text for name, text in cells.items() if name.startswith("address.")}
    if address:
        row["address"] = address
    if "serial_number" in row:
        row["serial_number"] = [text.strip() for text in row["serial_number"].split(";") if text.strip()]
    for name in ("email_verified", "phone_number_verified"):
        if name in row:
            row[name] = _FLAGS.get(row[name].lower(), row[name])
    return row
