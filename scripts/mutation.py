"""Mutation testing with cosmic-ray: `python scripts/mutation.py MODULE TESTS...`; MODULE is a file or folder of idp.

Everything happens in a copy of the checkout, because cosmic-ray changes files where they are. A mutant that no test notices
is shown as a difference. What only an annotation or a message says is not mutated away: the score is what cosmic-ray counts.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
SECONDS = 120.0

_LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "var", "artefacts", "__pycache__", ".*_cache", ".hypothesis")
_ANNOTATIONS = "core/ReplaceBinaryOperator_BitOr_"
"""`X | None` is a type, not a sum: with `from __future__ import annotations` it is never computed."""


def main(module: str, tests: list[str]) -> int:
    """Run all mutants, print the survivors and the score; out: 1 where the score is below 85 %."""
    with tempfile.TemporaryDirectory(prefix="idp-mutation-") as name:
        copy = Path(name) / "checkout"
        shutil.copytree(CHECKOUT, copy, ignore=_LEFT_OUT, symlinks=True)
        config = Path(name) / "mutation.toml"
        config.write_text(_configuration(module, tests), encoding="utf-8")
        session = str(Path(name) / "session.sqlite")
        cosmic = shutil.which("cosmic-ray") or str(Path(sys.executable).with_name("cosmic-ray"))
        if not Path(cosmic).exists():
            sys.exit(
                "cosmic-ray is missing; it is not locked, since one of its packages has no wheel: pip install cosmic-ray"
            )
        for step in (["init", str(config), session], ["--verbosity", "INFO", "exec", str(config), session]):
            subprocess.run([cosmic, *step], cwd=copy, check=True)
        dump = subprocess.run([cosmic, "dump", session], cwd=copy, check=True, capture_output=True, text=True).stdout
    return tell(module, [json.loads(line) for line in dump.splitlines() if line.strip()])


def _configuration(module: str, tests: list[str]) -> str:
    command = f"{sys.executable} -m pytest -q -x -p no:cacheprovider {' '.join(tests)}"
    return f"""
[cosmic-ray]
module-path = "{module}"
timeout = {SECONDS}
excluded-modules = []
test-command = "{command}"
[cosmic-ray.distributor]
name = "local"
"""


def tell(module: str, rows: list[list[dict[str, object]]]) -> int:
    """Print the survivors and the score."""
    counted = survived = 0
    for item, result in rows:
        mutations = item.get("mutations")
        assert isinstance(mutations, list)
        if str(mutations[0]["operator_name"]).startswith(_ANNOTATIONS):
            continue
        counted += 1
        if result and result.get("test_outcome") == "survived":
            survived += 1
            print(result.get("diff"))
    score = 100 * (counted - survived) / counted if counted else 100.0
    print(f"{module}: {counted} mutants, {survived} survived, score {score:.1f} %")
    return int(score < 85)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:] or ["tests/policy"]))
