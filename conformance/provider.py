"""The provider under test: a fresh one in a folder of its own, behind the TLS front, with the test settings switched on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx

HERE = Path(__file__).parent
USERNAME = "suite"
PASSWORD = "a customer of the conformance suite"
_START_SECONDS = 60


class ProviderUnderTest:
    """`idp serve` with `provider.toml`; its data go when it starts anew."""

    def __init__(self, folder: Path, issuer: str, suite_url: str, ca_file: str, bind: str) -> None:
        self._folder = folder
        self._bind = bind
        self._suite_url = suite_url
        self._issuer = issuer
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {
            **os.environ,
            "IDP_CONFIG": str(HERE / "provider.toml"),
            "IDP_SERVER__ISSUER": issuer,
            "IDP_SERVER__BIND": bind,
            "IDP_DATABASE__URL": f"sqlite:///{folder}/idp.sqlite3",
            "IDP_KEYS__DIRECTORY": str(folder / "keys"),
            "IDP_OUTBOUND__CA_FILE": ca_file,
            "IDP_OUTBOUND__ALLOW_HOSTS": re.sub(r"^https?://", "", suite_url),
        }

    def start(self, alias: str) -> None:
        """Make it anew, with the customer and the clients that the static plans want."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._folder.glob("idp.sqlite3*"):
            old.unlink()
        filled = (HERE / "apply.toml").read_text(encoding="utf-8")
        for name, value in {"SUITE": f"{self._suite_url}/test/a/{alias}", "PASSWORD": PASSWORD}.items():
            filled = filled.replace("${" + name + "}", value)
        applied = self._folder / "apply.toml"
        applied.write_text(filled, encoding="utf-8")
        self.run("apply", str(applied))
        with (self._folder / "provider.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "idp", "serve"], env=self._environment, stdout=log, stderr=log
            )
        self._wait()

    def run(self, *words: str) -> str:
        """Run a command of `idp` beside the server; out: what it printed."""
        command = [sys.executable, "-m", "idp", *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"idp {words[0]} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def rotate_keys(self) -> None:
        """A new signing key for each algorithm; the old ones stay published."""
        self.run("keys", "rotate", "--now")

    def stop(self) -> None:
        """Stop the server by its process id."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(40)

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        headers = {"Host": httpx.URL(self._issuer).netloc.decode()}
        while time.monotonic() < end:
            try:
                if httpx.get(f"http://{self._bind}/readyz", headers=headers).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise RuntimeError(f"the provider did not start; see {self._folder / 'provider.log'}")
