"""The page to come back to, and the origin it must have (decision "the way back")."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from idp.protocol.third_party_login import build_initiation, own_target

START = "https://site.example/sign-in"


@pytest.mark.parametrize(
    ("target", "is_taken"),
    [
        ("https://site.example/deep?page=1", True),
        ("https://site.example:443/", True),
        ("http://site.example/", False),
        ("https://site.example:444/", False),
        ("https://site.example.evil.example/", False),
        ("https://user@site.example/", False),
        ("https://site.example\\@evil.example/", False),
        ("//site.example/", False),
        ("javascript:alert(1)", False),
        ("https://site.example:99999/", False),
        ("https://[::1", False),
        (None, False),
    ],
)
def test_a_page_elsewhere_was_never_sent(target: str | None, is_taken: bool) -> None:
    """WB-6: only the origin of the client's own `initiate_login_uri`."""
    client: Any = SimpleNamespace(initiate_login_uri=START)
    assert own_target(client, target) == (target if is_taken else None)
    client.initiate_login_uri = None
    assert own_target(client, target) is None


def test_the_start_at_the_site_gets_issuer_and_page() -> None:
    """OpenID Connect Core §4: `iss`, `target_link_uri`, and the address's own query."""
    assert build_initiation(START, "https://id.example") == f"{START}?iss=https%3A%2F%2Fid.example"
    assert build_initiation(START + "?a=b", "i", START + "?x=1&y") == (
        f"{START}?a=b&iss=i&target_link_uri=https%3A%2F%2Fsite.example%2Fsign-in%3Fx%3D1%26y"
    )
