"""Look for known holes in what the lock files pin: `python scripts/audit.py` (`make audit`).

First our own list, docs/security/advisories.toml, without a network; then OSV's advisories, asked by pip-audit. Exit 0: both
found nothing. 1: something was found. 2: the service could not be asked, which is said.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
OWN_LIST = CHECKOUT / "docs" / "security" / "advisories.toml"
LOCKS = ("base.txt", "server.txt", "dev.txt", "clients.txt", "tools.txt", "audit.txt")
ASKED = ("server.txt", "dev.txt")
_PIN = re.compile(r"^([a-z0-9.-]+)==([^\s;]+)", re.MULTILINE)
_UNREACHABLE = re.compile(r"ConnectionError|NameResolutionError|ConnectTimeout|ProxyError|ReadTimeout")


def version_key(version: str) -> tuple[int, ...]:
    """The numbers of a version; what follows them (rc1, post2) does not count."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(number) for number in match[0].split(".")) if match else ()


def find_holes(lock: str, own_list: str) -> list[str]:
    """Pins of a lock file that our list knows a hole of."""
    closed_in = tomllib.loads(own_list)["closed_in"]
    return [
        f"{name} {version}: {reason}; closed in {closed}"
        for name, version in _PIN.findall(lock)
        for closed, reason in closed_in.get(name, ())
        if version_key(version) < version_key(closed)
    ]


def ask_service(lock: Path) -> tuple[int, str]:
    """What pip-audit says of a lock file; out: 0, 1 or 2 as this script, and its words."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes", "--disable-pip"]
    done = subprocess.run(
        [*command, "--vulnerability-service", "osv", "--progress-spinner", "off"],
        capture_output=True,
        text=True,
        check=False,
    )
    return judge(done.returncode, done.stdout, done.stderr)


def judge(code: int, out: str, err: str) -> tuple[int, str]:
    """What an end of pip-audit means."""
    if code == 0:
        return 0, err.strip()
    if _UNREACHABLE.search(err):
        return 2, "the advisory service cannot be reached from here: nothing was asked"
    return 1, f"{out}\n{err}".strip()


def main() -> int:
    """Audit all lock files."""
    own_list = OWN_LIST.read_text(encoding="utf-8")
    worst = 0
    for name in LOCKS:
        holes = find_holes((CHECKOUT / "requirements" / name).read_text(encoding="utf-8"), own_list)
        print(f"requirements/{name}: our list of advisories knows {len(holes) or 'no'} holes")
        for hole in holes:
            print(f"  {hole}")
            worst = 1
    for name in ASKED:
        code, words = ask_service(CHECKOUT / "requirements" / name)
        print(f"requirements/{name}: {words}")
        worst = 1 if 1 in (code, worst) else max(code, worst)
        if code == 2:
            break
    return worst


if __name__ == "__main__":
    sys.exit(main())
