"""The watch over secrets finds what is planted, wherever it is planted, and nothing in a decent house (GO-7, CR-1, LG-4)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import structlog

from idp.keys.secrets import new_long_secret, new_secret, new_short_code
from idp.mail.recipient import Recipient
from idp.store import audit, outbox
from tests.support.lobby import Lobby
from tests.support.secret_watch import Watch, dump
from tests.support.tokens import House

LONG_PASSWORD = "eleven slow glaciers"


def in_audit(house: Lobby, _watch: Watch, secret: str) -> None:
    """Among an audit line's details."""
    with house.provider.database.transaction() as tx:
        audit.record(tx, "signed_in", now=house.now, details={"link": secret})


def in_another_table(house: Lobby, _watch: Watch, secret: str) -> None:
    """In a column that is for something else."""
    house.add_account("somebody", company=f"Works {secret}")


PLACES: dict[str, Callable[[Lobby, Watch, str], None]] = {
    "audit": in_audit,
    "database": in_another_table,
}


@pytest.mark.shows_secrets
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("make", [new_secret, new_long_secret])
def test_a_planted_random_secret_is_found(
    lobby: Lobby, secret_watch: Watch, place: str, make: Callable[[], str]
) -> None:
    """Links, codes, tokens and cookies are all made of these; found with nothing told about it."""
    PLACES[place](lobby, secret_watch, make())
    found = secret_watch.look(databases=True)
    assert {kind for _place, kind in found} == {"secret"}
    assert all("database" in where for where, _kind in found)


@pytest.mark.shows_secrets
def test_a_planted_password_is_found(lobby: Lobby, secret_watch: Watch) -> None:
    """Hashed or only tried, right or wrong."""
    lobby.provider.passwords.verify(LONG_PASSWORD, None)
    lobby.add_account("somebody", company=LONG_PASSWORD)
    assert [kind for _place, kind in secret_watch.look(databases=True)] == ["password"]


@pytest.mark.shows_secrets
def test_a_password_in_a_line_is_found(lobby: Lobby, secret_watch: Watch) -> None:
    """At the lowest level, where no pattern knows it for a secret and takes it out."""
    lobby.provider.passwords.verify(LONG_PASSWORD, None)
    structlog.get_logger("idp.somewhere").debug("noted", remark=f"typed {LONG_PASSWORD} twice")
    assert ("log", "password") in secret_watch.look(databases=False)


@pytest.mark.shows_secrets
def test_a_password_on_a_page_is_found(secret_watch: Watch) -> None:
    """A form must not come back with the password in it."""
    secret_watch.note("password", LONG_PASSWORD)
    secret_watch.look_at_page("/sign-in", f'<input value="{LONG_PASSWORD}">')
    assert secret_watch.found == {("page /sign-in", "password")}


@pytest.mark.shows_secrets
def test_a_link_in_somebody_elses_mail_is_found(lobby: Lobby, secret_watch: Watch) -> None:
    """One mailbox gets it; a second one makes it worth nothing."""
    secret, code = new_secret(), new_short_code()
    for recipient in ("owner@lab.example", "stranger@lab.example"):
        to = Recipient(recipient, "Pat", "en")
        payload = {"email": to.email, "values": {"link": f"/confirm/{secret}", "code": code}}
        with lobby.provider.database.transaction() as tx:
            outbox.enqueue(tx, lobby.provider.master, kind="mail", name="x", payload=payload, now=int(time.time()))
    assert secret_watch.look(databases=True) == {
        ("mail to somebody else", "secret"),
        ("mail to somebody else", "short code"),
    }


def test_tokens_and_client_secrets_are_known_to_the_watch(house: House, secret_watch: Watch) -> None:
    """What a client got and sent; and none of it is found anywhere."""
    tokens = house.tokens()
    for name in ("access_token", "refresh_token", "id_token"):
        assert tokens[name] in secret_watch.secrets
    assert "client secret" in secret_watch.secrets.values()
    assert house.refresh(tokens["refresh_token"]).status_code == 200
    assert secret_watch.look(databases=True) == set()


def test_a_dump_holds_what_was_written(lobby: Lobby, secret_watch: Watch) -> None:
    """The look into a database sees rows: it does not find nothing because it reads nothing."""
    lobby.add_account("somebody", company="Glassworks Jena")
    (engine,) = secret_watch.engines
    assert "Glassworks Jena" in dump(engine)
