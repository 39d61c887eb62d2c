"""What the suite is told: where the provider is, who signs in, and how its own browser gets through our pages.

The ids of fields, buttons and headings are those that DESIGN promises to machines; nothing here depends on words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.plans import Plan

Block = dict[str, Any]
_CALLBACK = "*/test/*/callback*"
_AFTER_LOGOUT = "*/test/*/post*"
_LOOK_AGAIN = ("oidcc-prompt-login", "oidcc-max-age-1")
_ERROR_PAGES = (
    "oidcc-ensure-registered-redirect-uri",
    "oidcc-ensure-redirect-uri-in-authorization-request",
    "oidcc-redirect-uri-query-added",
    "oidcc-redirect-uri-query-mismatch",
)
_SIGN_IN_PAGES = ("oidcc-registration-logo-uri", "oidcc-registration-policy-uri", "oidcc-registration-tos-uri")
_CONFIRMED_LOGOUTS = (
    "no-id-token-hint",
    "bad-post-logout-redirect-uri",
    "query-added-to-post-logout-redirect-uri",
    "modified-id-token-hint",
    "bad-id-token-hint",
)
_SIGNED_OUT_PAGES = ("no-params", "no-post-logout-redirect-uri", "only-state")


class Automation:
    """Blocks for one issuer and one customer."""

    def __init__(self, issuer: str, username: str, password: str) -> None:
        self._issuer = issuer
        self._anywhere = f"{issuer}/*"
        self._username = username
        self._password = password

    def build(self, plan: Plan, alias: str) -> dict[str, Any]:
        """The configuration of one plan."""
        config: dict[str, Any] = {
            "description": f"{plan.key} of {self._issuer}",
            "server": {
                "discoveryUrl": f"{self._issuer}/.well-known/openid-configuration",
                "login_hint": self._username,
                "jwks_refresh_delay": 12,
            },
            "client": {"client_name": "First site"},
            "client2": {"client_name": "Second site"},
            "options": {"browsercontrol_css_enable": False},
            "override": {name: {"browser": self._browser(name)} for name in self._special()},
            "browser": [] if plan.needs_real_browser else self._browser(""),
        }
        if plan.is_static:
            config["alias"] = alias
            for name in ("client", "client2", "client_secret_post"):
                key = name.replace("_", "-")
                config[name] = {"client_id": f"suite-{key}", "client_secret": f"not-a-secret-of-the-{key}-000000000"}
        return config

    def _special(self) -> Sequence[str]:
        logout = [f"oidcc-rp-initiated-logout-{name}" for name in (*_CONFIRMED_LOGOUTS, *_SIGNED_OUT_PAGES)]
        return (*_LOOK_AGAIN, *_ERROR_PAGES, *_SIGN_IN_PAGES, *logout)

    def _browser(self, module: str) -> list[Block]:
        name = module.removeprefix("oidcc-rp-initiated-logout-")
        if module in _LOOK_AGAIN:
            return [self._authorize(look_at_sign_in=True)]
        if module in _ERROR_PAGES:
            return [self._look("authorize", "error-title")]
        if module in _SIGN_IN_PAGES:
            return [self._look("authorize", "login-submit")]
        if name in _CONFIRMED_LOGOUTS:
            return [self._authorize(), self._look("logout", "logout-confirm")]
        if name in _SIGNED_OUT_PAGES:
            return [self._authorize(), self._look("logout", "logged-out-title", before=[self._confirm_logout()])]
        return [self._authorize(), self._log_out()]

    def _authorize(self, *, look_at_sign_in: bool = False) -> Block:
        look = ["wait", "id", "login-submit", 10, ".*", "update-image-placeholder-optional"]
        sign_in = [
            *([look] if look_at_sign_in else []),
            ["text", "name", "username", self._username, "optional"],
            ["text", "name", "password", self._password, "optional"],
            ["click", "id", "login-submit", "optional"],
        ]
        consent = [["click", "id", "consent-approve", "optional"]]
        go_back = [["click", "id", "error-return", "optional"]]
        return {
            "match": f"{self._issuer}/oauth/authorize*",
            "tasks": [
                {"task": "Sign in", "optional": True, "match": self._anywhere, "commands": sign_in},
                {"task": "Consent", "optional": True, "match": self._anywhere, "commands": consent},
                {"task": "Take an error back", "optional": True, "match": self._anywhere, "commands": go_back},
                {"task": "Come back", "match": _CALLBACK, "commands": [["wait", "id", "submission_complete", 10]]},
            ],
        }

    def _look(self, endpoint: str, element: str, before: Sequence[Block] = ()) -> Block:
        wait = ["wait", "id", element, 10, ".*", "update-image-placeholder"]
        return {
            "match": f"{self._issuer}/oauth/{endpoint}*",
            "tasks": [*before, {"task": f"See {element}", "match": self._anywhere, "commands": [wait]}],
        }

    def _confirm_logout(self) -> Block:
        click = ["click", "id", "logout-confirm", "optional"]
        return {"task": "Confirm signing out", "optional": True, "match": self._anywhere, "commands": [click]}

    def _log_out(self) -> Block:
        return {
            "match": f"{self._issuer}/oauth/logout*",
            "tasks": [self._confirm_logout(), {"task": "Come back", "match": _AFTER_LOGOUT}],
        }
