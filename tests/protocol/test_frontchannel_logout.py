"""The addresses that a browser opens when its session has ended (OpenID Connect Front-Channel Logout 1.0 §2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from idp.keys.master import MasterKey
from idp.keys.subject import session_of
from idp.protocol.frontchannel_logout import build_frame_address
from tests.protocol.test_client_keys import client

ISSUER = "https://id.example"
PAGE = "https://site.example/bye"
MASTER = MasterKey(bytes(range(32)))


def test_a_site_without_such_a_page_is_not_opened() -> None:
    """There is no frame for it."""
    assert build_frame_address(client(), ISSUER, "sid", MASTER) is None


@pytest.mark.parametrize(("page", "separator"), [(PAGE, "?"), (PAGE + "?lang=de", "&")])
def test_the_session_is_named_only_to_who_asked(page: str, separator: str) -> None:
    """What the registered address has of a query is kept."""
    site = replace(client(), frontchannel_logout_uri=page)
    assert build_frame_address(site, ISSUER, "sid", MASTER) == page
    asks = replace(site, details={"frontchannel_logout_session_required": True})
    seen = session_of("sid", asks.sector, MASTER)
    assert (
        build_frame_address(asks, ISSUER, "sid", MASTER) == f"{page}{separator}iss=https%3A%2F%2Fid.example&sid={seen}"
    )
