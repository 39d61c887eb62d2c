"""What a run showed, kept as JSON, and `docs/conformance.md`, which is made from it and never written by hand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.plans import EXPECTED_SKIPS, PLANS

RESULTS = Path(__file__).parent / "results.json"
PAGE = Path(__file__).parent.parent / "docs" / "conformance.md"
_COLUMNS = ("PASSED", "REVIEW", "SKIPPED", "WARNING", "FAILED", "INTERRUPTED")
_OPENING = """# What the OpenID Foundation's conformance suite says

Made by the driver in `conformance/` from the suite's own log interface; `conformance/README.md` tells how to run it. REVIEW
is the suite's word for a page that a person must look at; the pictures of those pages were looked at. SKIPPED are only the
modules listed below the table.

"""


def load() -> dict[str, Any]:
    """What was kept so far, by plan."""
    if not RESULTS.exists():
        return {}
    kept: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return kept


def keep(key: str, record: Mapping[str, Any]) -> None:
    """Keep the record of one plan, and write the page anew."""
    kept = {**load(), key: record}
    order = [plan.key for plan in PLANS]
    kept = dict(sorted(kept.items(), key=lambda item: order.index(item[0])))
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(_render(kept), encoding="utf-8")


def find_faults(modules: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Modules that are neither PASSED nor REVIEW nor skipped on purpose."""
    return [module for module in modules if not _is_fine(module)]


def _is_fine(module: Mapping[str, Any]) -> bool:
    if module["result"] == "SKIPPED":
        return module["module"] in EXPECTED_SKIPS
    return module["result"] in ("PASSED", "REVIEW")


def _render(kept: Mapping[str, Any]) -> str:
    heads = ["plan", "modules", *(name.lower() for name in _COLUMNS), "suite", "day", "plan id"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for key, record in kept.items():
        counts = Counter(module["result"] for module in record["modules"])
        cells = [key, len(record["modules"]), *(counts[name] or "" for name in _COLUMNS)]
        cells += [record["suite"], record["day"], f"`{record['plan_id']}`"]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    skipped = sorted(
        {module["module"] for r in kept.values() for module in r["modules"] if module["result"] == "SKIPPED"}
    )
    reviewed = sorted(
        {module["module"] for r in kept.values() for module in r["modules"] if module["result"] == "REVIEW"}
    )
    lines += ["", "## Skipped", ""]
    lines += [f"- `{name}`: {EXPECTED_SKIPS.get(name, 'NOT EXPECTED')}" for name in skipped] or ["None."]
    lines += ["", "## For a person to look at", ""]
    lines += [f"- `{name}`" for name in reviewed] or ["None."]
    return _OPENING + "\n".join(lines) + "\n"
