"""Builds the wheel from a copy of the checkout, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def copy_source(folder: Path) -> None:
    """Copy what makes the wheel into a folder, fresh from the checkout."""
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "scripts/compile_messages.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, folder / name)
    for name in ("idp", "templates", "docs/connect"):
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))


def build_wheel(source: Path, folder: Path) -> Path:
    """Build the wheel of a source folder; out: its path."""
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), "."], source)
    (built,) = folder.glob("*.whl")
    return built


def run(command: list[str], folder: Path) -> str:
    """Run a command; out: what it printed. Fails with everything it said."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "IDP_"))}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
