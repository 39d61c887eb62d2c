"""Guessing client secrets at the endpoints, on both databases and through both doors (CA-4)."""

from __future__ import annotations

import pytest

from idp.store.clients import set_client_secret
from tests.support.lobby import Lobby

GUESS = {"client_id": "shop", "client_secret": "guess"}


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/oauth/token", {"grant_type": "client_credentials"}),
        ("/oauth/introspect", {"token": "x"}),
        ("/oauth/revoke", {"token": "x"}),
    ],
)
def test_guesses_are_told_to_wait_and_the_client_is_not(lobby: Lobby, path: str, more: dict[str, str]) -> None:
    """401 up to the limit, then 429 with Retry-After; whoever has the secret never waits (CA-4, CA-8)."""
    secret = "a secret of the test"
    lobby.add_client("shop", details={"token_endpoint_auth_method": "client_secret_post"})
    with lobby.provider.database.transaction() as tx:
        set_client_secret(tx, "shop", secret, now=lobby.now)
    limit = lobby.provider.settings.limits.client_secret_tries
    client = lobby.app.test_client(use_cookies=False)
    answers = [client.post(path, data=GUESS | more) for _ in range(limit + 3)]
    assert [answer.status_code for answer in answers] == [401] * limit + [429] * 3
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].headers["Cache-Control"] == "no-store"
    unknown = client.post(path, data={**GUESS, **more, "client_id": "nobody"})
    assert (unknown.status_code, unknown.data) == (429, answers[-1].data)
    assert client.post(path, data={**GUESS, **more, "client_secret": secret}).status_code not in (401, 429)
    elsewhere = client.post(path, data=GUESS | more, environ_base={"REMOTE_ADDR": "198.51.100.1"})
    assert elsewhere.status_code == 401
    lobby.now += 61
    assert client.post(path, data=GUESS | more).status_code == 401
