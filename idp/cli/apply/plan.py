"""What an apply file would change and did change: one line for each entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Action = Literal["add", "change", "keep"]

_SIGNS = {"add": "+", "change": "~", "keep": "="}


@dataclass(frozen=True, slots=True)
class Change:
    """One entry: which, what happens to it, which of its values change, and remarks for the operator."""

    kind: str
    key: str
    action: Action
    values: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        changed = f": {', '.join(self.values)}" if self.values else ""
        remarks = "".join(f"\n    {remark}" for remark in self.remarks)
        return f"{_SIGNS[self.action]} {self.kind} {self.key}{changed}{remarks}"

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "kind": self.kind,
            "key": self.key,
            "action": self.action,
            "values": list(self.values),
            "remarks": list(self.remarks),
        }


def summary(changes: list[Change]) -> str:
    """How many of each."""
    counts = {action: sum(change.action == action for change in changes) for action in _SIGNS}
    return f"{counts['add']} added, {counts['change']} changed, {counts['keep']} unchanged"
