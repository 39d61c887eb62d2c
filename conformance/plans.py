"""The plans that we run, and what may be skipped in them: the ledger. Anything else that is not PASSED or REVIEW is a fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RESPONSE_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")

UNSIGNED = "unsigned request objects and ID tokens are refused on purpose (`none` is no algorithm of ours)"
EXPECTED_SKIPS: Mapping[str, str] = {
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": UNSIGNED,
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": UNSIGNED,
    "oidcc-request-uri-unsigned": UNSIGNED,
    "oidcc-ensure-request-object-with-redirect-uri": UNSIGNED,
    "oidcc-idtoken-unsigned": UNSIGNED,
}
KEY_ROTATION = "oidcc-server-rotate-keys"
REAL_BROWSER = ("frontchannel-logout", "session-management")
"""Plans whose pages need a browser with frames and scripts as people have; the suite's own has not."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of the suite, with what is chosen in it."""

    key: str
    name: str
    variant: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_static(self) -> bool:
        """Whether its clients are registered by us beforehand."""
        return self.variant.get("client_registration") == "static_client"

    @property
    def needs_real_browser(self) -> bool:
        """Whether Chromium goes through its pages."""
        return self.key in REAL_BROWSER


def _certification(key: str, name: str, **variant: str) -> Plan:
    return Plan(key, f"oidcc-{name}-certification-test-plan", variant)


_BY_DISCOVERY = {"server_metadata": "discovery"}
_DYNAMIC = {"client_registration": "dynamic_client"}

PLANS: tuple[Plan, ...] = (
    _certification("config", "config"),
    _certification("basic", "basic", **_BY_DISCOVERY, **_DYNAMIC),
    _certification("basic-static", "basic", **_BY_DISCOVERY, client_registration="static_client"),
    _certification("implicit", "implicit", **_BY_DISCOVERY, **_DYNAMIC),
    _certification("hybrid", "hybrid", **_BY_DISCOVERY, **_DYNAMIC),
    *(
        _certification(f"dynamic-{kind.replace(' ', '-').replace('_', '')}", "dynamic", response_type=kind)
        for kind in RESPONSE_TYPES
    ),
    _certification("formpost-basic", "formpost-basic", **_BY_DISCOVERY, **_DYNAMIC),
    _certification("formpost-implicit", "formpost-implicit", **_BY_DISCOVERY, **_DYNAMIC),
    _certification("formpost-hybrid", "formpost-hybrid", **_BY_DISCOVERY, **_DYNAMIC),
    _certification("3rdparty-init-login", "3rdparty-init-login", response_type="code"),
    _certification("rp-initiated-logout", "rp-initiated-logout", response_type="code", **_DYNAMIC),
    _certification("backchannel-logout", "backchannel-rp-initiated-logout", response_type="code", **_DYNAMIC),
    _certification("frontchannel-logout", "frontchannel-rp-initiated-logout", response_type="code", **_DYNAMIC),
    _certification("session-management", "session-management", response_type="code", **_DYNAMIC),
    *(
        Plan(
            f"all-{method.replace('_', '-')}",
            "oidcc-test-plan",
            {
                **_DYNAMIC,
                "client_auth_type": method,
                "response_type": "code",
                "response_mode": "default",
            },
        )
        for method in ("client_secret_jwt", "private_key_jwt")
    ),
)


def find_plans(wish: str) -> list[Plan]:
    """The plans of a wish: `all`, keys with commas between them, or the beginning of keys with a star after it."""
    if wish == "all":
        return list(PLANS)
    found = []
    for word in wish.split(","):
        matching = [
            plan for plan in PLANS if plan.key == word or (word.endswith("*") and plan.key.startswith(word[:-1]))
        ]
        if not matching:
            raise ValueError(f"no plan {word!r}; there are: all, {', '.join(plan.key for plan in PLANS)}")
        found += matching
    return found
