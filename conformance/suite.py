"""The suite's HTTP interface: plans, modules, their state and their log."""

from __future__ import annotations

import json
import ssl
from collections.abc import Collection, Mapping
from typing import Any

import httpx

ENDED = frozenset({"FINISHED", "INTERRUPTED"})
_LONGEST_POLL = 25.0


class Suite:
    """One running suite; `ca_file` holds the certificate of the authority of its TLS front."""

    def __init__(self, url: str, ca_file: str) -> None:
        context = ssl.create_default_context(cafile=ca_file)
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=f"{self.url}/api", verify=context, timeout=60)

    def version(self) -> str:
        """What the suite says it is."""
        return str(self._get("/server").get("version", "unknown"))

    def create_plan(self, name: str, variant: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, Any]:
        """A new plan with its modules and their variants."""
        return self._post("/plan", {"planName": name, "variant": json.dumps(variant)}, content=json.dumps(config))

    def create_module(self, plan_id: str, module: str, variant: Mapping[str, str]) -> str:
        """A run of one module; out: its id."""
        parameters = {"test": module, "plan": plan_id, "variant": json.dumps(variant)}
        return str(self._post("/runner", parameters)["id"])

    def start(self, module_id: str) -> None:
        """Start a module that is configured and waits for us."""
        self._post(f"/runner/{module_id}", {})

    def wait(self, module_id: str, states: Collection[str], seconds: float) -> str:
        """Wait for one of these states, or for the end; out: the state now, whatever it is after that time."""
        wanted = ",".join({*states, *ENDED})
        while seconds > 0:
            part = min(seconds, _LONGEST_POLL)
            parameters: dict[str, str | int] = {"states": wanted, "timeoutMs": int(part * 1000)}
            answer = self._http.get(f"/runner/{module_id}/wait-state", params=parameters)
            if answer.status_code == 200 and answer.json().get("state"):
                return str(answer.json()["state"])
            if answer.status_code == 404:
                break
            seconds -= part
        return str(self.info(module_id).get("status"))

    def info(self, module_id: str) -> dict[str, Any]:
        """State and result of a run."""
        return self._get(f"/info/{module_id}")

    def log(self, module_id: str) -> list[dict[str, Any]]:
        """The entries that a run has written."""
        answer = self._http.get(f"/log/{module_id}")
        answer.raise_for_status()
        entries: list[dict[str, Any]] = answer.json()
        return entries

    def pages_to_visit(self, module_id: str) -> list[str]:
        """Addresses that a module without browser automation wants a browser to open."""
        answer = self._http.get(f"/runner/browser/{module_id}")
        return list(answer.json().get("urls", [])) if answer.status_code == 200 else []

    def mark_visited(self, module_id: str, url: str) -> None:
        """Say that a browser has opened the address."""
        self._http.post(f"/runner/browser/{module_id}/visit", params={"url": url}).raise_for_status()

    def _get(self, path: str) -> dict[str, Any]:
        answer = self._http.get(path)
        answer.raise_for_status()
        value: dict[str, Any] = answer.json()
        return value

    def _post(self, path: str, parameters: Mapping[str, str], content: str = "") -> dict[str, Any]:
        answer = self._http.post(
            path, params=dict(parameters), content=content, headers={"Content-Type": "application/json"}
        )
        if answer.is_error:
            raise RuntimeError(f"the suite refused {path}: {answer.status_code} {answer.text[:500]}")
        value: dict[str, Any] = answer.json()
        return value
