"""What the address of a list says: filter, order, and the key behind which the page begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import request

from idp.store.review_queue import Filter

LONGEST_SEARCH = 200
_KEY = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{1,64})")


@dataclass(frozen=True, slots=True)
class QueueAddress:
    """The queue's filter as the address has it."""

    text: str = ""
    country: str = ""
    family: str = ""
    late: bool = False
    soon: bool = False
    to_confirm: bool = False
    assignee: str = ""
    newest_first: bool = False
    after: tuple[int, str] | None = None

    @property
    def filter(self) -> Filter:
        """The filter as the store wants it."""
        return Filter(
            text=self.text,
            country=self.country,
            family=self.family,
            newest_first=self.newest_first,
            assignee=self.assignee,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether something is left out."""
        return bool(
            self.text or self.country or self.family or self.late or self.soon or self.to_confirm or self.assignee
        )

    def args(self, **changes: Any) -> dict[str, Any]:
        """The parameters of an address with this filter; a change to `None` leaves one out."""
        values: dict[str, Any] = {
            "q": self.text,
            "country": self.country,
            "family": self.family,
            "who": self.assignee,
            "late": "1" if self.late else "",
            "soon": "1" if self.soon else "",
            "confirm": "1" if self.to_confirm else "",
            "sort": "newest" if self.newest_first else "",
            "after": write_key(self.after) if self.after else "",
            **changes,
        }
        return {name: str(value) for name, value in values.items() if value}


def read_queue_address() -> QueueAddress:
    """The filter of this request; what it cannot be is left out."""
    return QueueAddress(
        text=read_search("q"),
        country=_read_matching("country", r"[A-Z]{2}"),
        family=_read_matching("family", r"[A-Z]{2}"),
        assignee=_read_matching("who", r"[A-Za-z0-9_-]{1,64}"),
        late=request.args.get("late") == "1",
        soon=request.args.get("soon") == "1",
        to_confirm=request.args.get("confirm") == "1",
        newest_first=request.args.get("sort") == "newest",
        after=read_key(),
    )


def read_search(name: str) -> str:
    """What was typed into a search box: one line without control characters."""
    return clean(request.args.get(name, ""))[:LONGEST_SEARCH]


def read_choice(name: str, known: tuple[str, ...]) -> str:
    """One of the known words, or nothing."""
    value = request.args.get(name, "")
    return value if value in known else ""


def read_key() -> tuple[int, str] | None:
    """The key behind which the page begins."""
    match = _KEY.fullmatch(request.args.get("after", ""))
    return (int(match[1]), match[2]) if match else None


def read_chosen() -> list[tuple[int, str]]:
    """The keys of the rows that were ticked; what is none is left out."""
    found = (_KEY.fullmatch(value) for value in request.form.getlist("chosen"))
    return [(int(match[1]), match[2]) for match in found if match]


def read_number(name: str) -> int | None:
    """A number that was one of ours."""
    text = request.args.get(name, "")
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None


def write_key(key: tuple[int, str]) -> str:
    """A key as the address has it."""
    return f"{key[0]}.{key[1]}"


def clean(text: str) -> str:
    """A line without control characters and doubled blanks."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _read_matching(name: str, pattern: str) -> str:
    value = request.args.get(name, "")
    return value if re.fullmatch(pattern, value) else ""
