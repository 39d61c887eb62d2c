"""Pairwise subjects, wherever a client learns or says whom something is about (OpenID Connect Core §8)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from idp.keys.subject import session_of, subject_of
from idp.protocol.client import check_client_metadata
from idp.protocol.frontchannel_logout import build_frame_address
from idp.signals import backchannel
from tests.support.lobby import Lobby, answer_of
from tests.support.tokens import CALLBACK, House, add_client, claims_of

OTHER = "https://other.example/cb"


def add_pairwise(house: House, client_id: str, **changes: Any) -> None:
    """A client that sees subjects of its sector."""
    add_client(house.provider, client_id, subject_type="pairwise", require_approval=False, **changes)


def subject_at(house: House, client_id: str, **changes: Any) -> str:
    """The subject that a client sees; in its ID tokens, in userinfo and when it introspects."""
    redirect = {"redirect_uri": changes["redirect_uri"]} if "redirect_uri" in changes else {}
    answer = house.redeem(house.code(client_id, **changes), client_id, **redirect).get_json()
    renewed = house.refresh(answer["refresh_token"], client_id).get_json()
    seen = {
        claims_of(answer["id_token"])["sub"],
        claims_of(renewed["id_token"])["sub"],
        house.userinfo(renewed["access_token"]).get_json()["sub"],
        house.introspect(renewed["access_token"], client_id)["sub"],
        house.introspect(renewed["refresh_token"], client_id)["sub"],
    }
    (subject,) = seen
    return str(subject)


def test_a_sector_is_the_host_of_the_redirect_uris(house: House) -> None:
    """Clients of one host share the subject, others cannot tell that it is the same person (§8.1)."""
    add_pairwise(house, "one")
    add_pairwise(house, "two", redirect_uris=[CALLBACK, "https://SITE.example/second"])
    add_pairwise(house, "three", redirect_uris=[OTHER])
    one, two, three = subject_at(house, "one"), subject_at(house, "two"), subject_at(house, "three", redirect_uri=OTHER)
    assert one == two
    assert len({one, three, house.anna.account_id}) == 3
    assert subject_at(house, "portal") == house.anna.account_id


def test_a_sector_may_be_named(house: House) -> None:
    """The host of `sector_identifier_uri` counts, and not that of the redirect URIs (§8.1)."""
    for client_id, uris in (("one", [CALLBACK]), ("two", [OTHER, CALLBACK])):
        add_pairwise(house, client_id, redirect_uris=uris, sector_identifier_uri=f"https://group.example/{client_id}")
    add_pairwise(house, "apart")
    assert subject_at(house, "one") == subject_at(house, "two", redirect_uri=OTHER) != subject_at(house, "apart")


def test_an_apps_own_scheme_is_a_sector(house: House) -> None:
    """It stands for the host that it is the name of (RFC 8252 §7.1)."""
    for client_id, uri in (("one", "com.example.app:/cb"), ("two", "com.example.other:/cb")):
        add_pairwise(house, client_id, redirect_uris=[uri])
    assert subject_at(house, "one", redirect_uri="com.example.app:/cb") != subject_at(
        house, "two", redirect_uri="com.example.other:/cb"
    )


def test_a_service_sees_the_subject_as_it_knows_it(house: House) -> None:
    """Not as the client knows it that the token was made for."""
    add_pairwise(house, "site", resources=["site"])
    add_client(house.provider, "far", may_introspect=["site"], subject_type="pairwise", redirect_uris=[OTHER])
    token = house.tokens("site")["access_token"]
    own, far = house.introspect(token, "site")["sub"], house.introspect(token, "far")["sub"]
    assert house.introspect(token, "service")["sub"] == house.anna.account_id
    assert len({own, far, house.anna.account_id}) == 3


def test_the_session_is_as_private_as_the_subject(house: House) -> None:
    """One `sid` for all would tell what the subjects hide; logout says the same one as the ID token."""
    add_pairwise(
        house,
        "one",
        backchannel_logout_uri="https://site.example/back",
        frontchannel_logout_uri="https://site.example/front",
        frontchannel_logout_session_required=True,
    )
    claims = claims_of(house.tokens("one")["id_token"])
    client, master = house.provider.clients.find("one"), house.provider.master
    assert client is not None
    assert claims["sid"] != house.session.sid
    payload = {"sub": house.anna.account_id, "sid": house.session.sid, "jti": "j"}
    delivery = backchannel.build_delivery(
        client, payload, issuer="http://localhost", signer=house.provider.keyring, master=master, now=house.clock.now
    )
    assert delivery is not None
    told = claims_of(delivery.logout_token)
    assert (told["sub"], told["sid"]) == (claims["sub"], claims["sid"])
    frame = build_frame_address(client, "http://localhost", house.session.sid, master)
    assert parse_qs(urlsplit(frame or "").query)["sid"] == [claims["sid"]]


def pairwise_hint(lobby: Lobby, account_id: str) -> str:
    """An ID token of ours for the client `own`, which sees subjects of its sector."""
    lobby.add_client("own", require_approval=False, first_party=True, details={"subject_type": "pairwise"})
    subject = subject_of(account_id, "site.example", lobby.provider.master)
    claims = {"iss": lobby.provider.settings.server.issuer, "aud": "own", "sub": subject, "exp": lobby.now - 9999}
    return lobby.provider.keyring.sign_jwt(claims)


def test_a_hint_is_read_as_the_client_means_it(lobby: Lobby) -> None:
    """Its subject is that of the sector; the public one is nobody there (§3.1.2.1)."""
    browser = lobby.browser()
    ada, bob = lobby.add_account("ada"), lobby.add_account("bob")
    browser.sign_in(ada)
    for account, result in ((ada, "code"), (bob, "error")):
        hint = pairwise_hint(lobby, account.account_id)
        assert result in answer_of(browser.authorize(client_id="own", prompt="none", id_token_hint=hint))
    claims = {"iss": lobby.provider.settings.server.issuer, "aud": "own", "exp": lobby.now}
    public = lobby.provider.keyring.sign_jwt({**claims, "sub": ada.account_id})
    answer = answer_of(browser.authorize(client_id="own", prompt="none", id_token_hint=public))
    assert answer["error"] == "login_required"


def test_signing_out_with_a_hint_needs_no_question(lobby: Lobby) -> None:
    """For the person it names, and for no other (RP-Initiated Logout §2)."""
    browser = lobby.browser()
    ada, bob = lobby.add_account("ada"), lobby.add_account("bob")
    browser.sign_in(ada)
    assert (
        browser.get("/oauth/logout", query_string={"id_token_hint": pairwise_hint(lobby, bob.account_id)}).status_code
        == 200
    )
    answer = browser.get("/oauth/logout", query_string={"id_token_hint": pairwise_hint(lobby, ada.account_id)})
    assert answer.status_code == 303
    assert lobby.rows("SELECT sid FROM sessions WHERE ended_at IS NOT NULL")


@pytest.mark.parametrize(
    ("uris", "sector", "is_clear"),
    [
        ([CALLBACK, "https://site.example/b"], None, True),
        ([CALLBACK, OTHER], None, False),
        (["com.example.app:/cb", CALLBACK], None, False),
        ([CALLBACK, OTHER], "https://group.example/uris", True),
    ],
)
def test_the_sector_must_be_clear(uris: list[str], sector: str | None, is_clear: bool) -> None:
    """Several hosts need `sector_identifier_uri` (§8.1)."""
    metadata: dict[str, Any] = {"redirect_uris": uris, "subject_type": "pairwise"}
    if sector:
        metadata["sector_identifier_uri"] = sector
    if is_clear:
        assert check_client_metadata(metadata, ["RS256"])["subject_type"] == "pairwise"
    else:
        with pytest.raises(ValueError, match="sector_identifier_uri: is missing"):
            check_client_metadata(metadata, ["RS256"])


def test_discovery_offers_it(house: House) -> None:
    """`subject_types_supported`."""
    document = house.app.test_client().get("/.well-known/openid-configuration").get_json()
    assert document["subject_types_supported"] == ["public", "pairwise"]


def test_the_public_ones_stay_as_they_are(house: House) -> None:
    """What was registered before changes nothing for anybody."""
    claims = claims_of(house.tokens()["id_token"])
    assert (claims["sub"], claims["sid"]) == (house.anna.account_id, house.session.sid)
    assert session_of(house.session.sid, None, house.provider.master) == house.session.sid
