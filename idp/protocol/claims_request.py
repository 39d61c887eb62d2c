"""The `claims` parameter: OpenID Connect Core §5.5. One parse into a value; what it asks for is looked up by place.

It is read as strictly as other JSON of strangers: what is nested very deeply could be read here, and then neither be
written down nor read again. Left out: claims in languages (`name#de`) are taken for claims that nobody has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.protocol.json_object import parse_json_object

PLACES = ("userinfo", "id_token")
MOST_CLAIMS = 100


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """What is asked for one by one; `places` holds for each place the claims with their wishes (None or an object)."""

    places: Mapping[str, Mapping[str, Mapping[str, Any] | None]] = field(default_factory=dict)

    def wish(self, place: str, name: str) -> Mapping[str, Any]:
        """What is wished of a claim; empty where nothing is, or the claim is not asked for."""
        return self.places.get(place, {}).get(name) or {}

    def has(self, place: str, name: str) -> bool:
        """Whether the claim is asked for there."""
        return name in self.places.get(place, {})

    def find_subjects(self) -> frozenset[str] | None:
        """Whom an ID token may be about, by `value` or `values` (§5.5.1); None where anybody will do."""
        wish = self.wish("id_token", "sub")
        listed = [*wish.get("values", ()), *([wish["value"]] if "value" in wish else [])]
        return frozenset(one for one in listed if isinstance(one, str)) if listed else None

    def dump(self) -> str | None:
        """As JSON text, to be kept with what is granted; None where nothing was asked for."""
        return json.dumps(self.places, separators=(",", ":"), sort_keys=True) if self.places else None


def parse_claims_request(text: str | None) -> ClaimsRequest:
    """Read the parameter. Raises `ValueError` with what is wrong; members that we do not know are passed over (§5.5)."""
    if text is None:
        return ClaimsRequest()
    try:
        value = parse_json_object(text.encode())
    except ValueError:
        raise ValueError("claims must be a JSON object") from None
    places = {place: _parse_place(value[place]) for place in PLACES if value.get(place) is not None}
    return ClaimsRequest({place: claims for place, claims in places.items() if claims})


def _parse_place(value: object) -> dict[str, dict[str, Any] | None]:
    if not isinstance(value, dict) or len(value) > MOST_CLAIMS:
        raise ValueError(f"claims.userinfo and claims.id_token must be objects of at most {MOST_CLAIMS} claims")
    return {name: _parse_wish(wish) for name, wish in value.items()}


def _parse_wish(wish: object) -> dict[str, Any] | None:
    if wish is None:
        return None
    if not isinstance(wish, dict) or not isinstance(wish.get("essential", False), bool):
        raise ValueError("a claim must be null or an object; essential must be true or false")
    if not isinstance(wish.get("values", []), list):
        raise ValueError("values of a claim must be a list")
    return {name: wish[name] for name in ("essential", "value", "values") if name in wish}
