"""Back-channel logout on its way to a site (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest

from idp.signals import backchannel
from idp.signals.worker import drain_once
from idp.store import clients
from tests.support.listener import Listener, answer_with, listening
from tests.support.post import PostOffice


def announce(post: PostOffice, site: str) -> None:
    """A site with a back channel, and the end of a session there."""
    details = {"client_name": "Site", "redirect_uris": ["https://site.example/cb"], "backchannel_logout_uri": site}
    with post.provider.database.transaction() as tx:
        clients.save_client(tx, "site", details, now=post.now)
        told = backchannel.announce_logout(
            tx, post.provider.master, client_id="site", account_id="ada", sid="session-1", now=post.now
        )
    assert told


def logout_token(site: Listener, number: int = 0) -> str:
    """The token that the site was sent."""
    body = site.requests[number].partition(b"\r\n\r\n")[2].decode()
    return parse_qs(body, strict_parsing=True)["logout_token"][0]


@pytest.mark.parametrize("status", ["200 OK", "204 No Content"])
def test_a_site_gets_a_token_that_it_can_verify(tmp_path: Path, status: str) -> None:
    """One form field, made when it is sent, with the session's `sid` (§2.4, §2.5; SE-10)."""
    with listening(answer_with(status)) as site:
        post = PostOffice(tmp_path, allow_hosts=(site.host,))
        announce(post, site.url("/logout"))
        post.now += 60
        assert drain_once(post.provider) == 1
        claims = post.provider.keyring.verify_own_jwt(logout_token(site), backchannel.TOKEN_TYPE)
        assert (claims["aud"], claims["sub"], claims["sid"], claims["iat"]) == ("site", "ada", "session-1", post.now)
        assert "nonce" not in claims
    (fate,) = post.fates("backchannel_logout")
    assert fate.state == "done"


@pytest.mark.parametrize("status", ["400 Bad Request", "302 Found", "500 Internal Server Error", "503 Unavailable"])
def test_any_other_answer_is_tried_again_with_the_same_jti(tmp_path: Path, status: str) -> None:
    """A site that was away learns of it later, and knows a repetition as such (§2.8)."""
    with listening(answer_with(status)) as site:
        post = PostOffice(tmp_path, allow_hosts=(site.host,))
        announce(post, site.url("/logout"))
        drain_once(post.provider)
        (fate,) = post.fates("backchannel_logout")
        assert (fate.state, fate.last_error) == ("waiting", f"the site's back channel answered {status[:3]}")
        post.now += 10
        drain_once(post.provider)
        first, second = (
            post.provider.keyring.verify_own_jwt(logout_token(site, number), backchannel.TOKEN_TYPE)
            for number in (0, 1)
        )
        assert first["jti"] == second["jti"]
        assert second["iat"] == post.now


def test_a_private_address_is_not_called(tmp_path: Path) -> None:
    """A registered address that leads inside is refused, and staff can see why (SS-1)."""
    with listening(answer_with("200 OK")) as site:
        post = PostOffice(tmp_path)
        announce(post, f"https://{site.host}/logout")
        drain_once(post.provider)
        assert site.requests == []
    (fate,) = post.fates("backchannel_logout")
    assert fate.state == "dead"
    assert "not a public one" in (fate.last_error or "")


def test_a_site_that_is_down_is_told_when_it_is_back(tmp_path: Path) -> None:
    """A refused connection may pass."""
    with listening(answer_with("200 OK")) as site:
        address, host = site.url("/logout"), site.host
    post = PostOffice(tmp_path, allow_hosts=(host,))
    announce(post, address)
    drain_once(post.provider)
    (fate,) = post.fates("backchannel_logout")
    assert (fate.state, fate.last_error) == ("waiting", "the site's back channel failed: connection refused")


def test_a_site_without_back_channel_any_more_is_given_up(tmp_path: Path) -> None:
    """The address was taken away meanwhile."""
    post = PostOffice(tmp_path)
    announce(post, "https://site.example/logout")
    with post.provider.database.transaction() as tx:
        clients.save_client(tx, "site", {"client_name": "Site"}, now=post.now)
    drain_once(post.provider)
    (fate,) = post.fates("backchannel_logout")
    assert fate.state == "dead"
