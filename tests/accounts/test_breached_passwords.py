"""Passwords of breaches: asked for by five digits of a hash at a real service on loopback (PW-4)."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.accounts import breached_passwords
from idp.accounts.breached_passwords import REST_SECONDS, BreachRange, check_chosen_password
from idp.errors import Refusal
from idp.signals.fetcher import Fetcher
from tests.support.applicant import FORM, Applicant
from tests.support.listener import Listener, answer_with, listening
from tests.support.lobby import Lobby

KNOWN, UNKNOWN = "seven quiet lighthouses", "eight quiet lighthouses"


def digest(password: str) -> str:
    """SHA-1 in capital digits."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def lines(*known: str) -> bytes:
    """An answer: others of the range, padding of the unknown one, and what is known."""
    rest = [f"{'0' * 34}{n}:7" for n in range(3)] + [f"{digest(UNKNOWN)[5:]}:0"]
    return "\r\n".join(rest + [f"{digest(one)[5:]}:12" for one in known]).encode()


@pytest.fixture
def service() -> Iterator[Listener]:
    """A service that knows one password."""
    with listening(answer_with("200 OK", lines(KNOWN))) as made:
        yield made


def range_at(site: Listener, now: list[float]) -> BreachRange:
    """The look-up at a listener, with a clock."""
    return BreachRange(Fetcher(allow_hosts=(site.host,)), site.url("/range/"), monotonic=lambda: now[0])


def test_five_digits_are_sent_and_nothing_else(service: Listener) -> None:
    """Padding counts for nothing; neither the password nor the rest of its hash leaves the house."""
    asked = range_at(service, [0.0])
    assert (asked.knows(KNOWN), asked.knows(UNKNOWN)) == (True, False)
    for request, password in zip(service.requests, (KNOWN, UNKNOWN), strict=True):
        head = request.decode()
        assert head.startswith(f"GET /range/{digest(password)[:5]} HTTP/1.1\r\n")
        assert "\r\nAdd-Padding: true\r\n" in head
        assert not [part for part in (digest(password)[5:12], "lighthouses", "quiet") if part.lower() in head.lower()]


def test_nobody_is_asked_without_an_address() -> None:
    """Off unless the operator says so."""
    assert BreachRange(Fetcher(), "").knows(KNOWN) is False


@pytest.mark.parametrize(
    ("status", "body"),
    [("503 Away", b""), ("200 OK", b"x" * 70_000), ("302 Found", b""), ("200 OK", b"\xff\xfe<html>")],
)
def test_who_cannot_say_knows_nothing(status: str, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """The password is taken; a service that is away is left alone for a minute; no line names password or digits."""
    now = [0.0]
    with listening(answer_with(status, body)) as site, caplog.at_level(logging.DEBUG):
        asked = range_at(site, now)
        assert asked.knows(KNOWN) is False
        assert asked.knows(KNOWN) is False
        rests = len(site.requests) == 1
        now[0] += REST_SECONDS
        asked.knows(KNOWN)
    assert rests is not (body.startswith(b"\xff"))
    assert len(site.requests) in (2, 3)
    assert KNOWN not in caplog.text
    assert digest(KNOWN)[:5] not in caplog.text


def test_whoever_registers_is_told_at_the_field(lobby: Lobby, service: Listener) -> None:
    """With everything that was typed kept; another password is taken."""
    object.__setattr__(lobby.provider, "breaches", range_at(service, [0.0]))
    nora = Applicant(lobby)
    refused = nora.register(new_password=KNOWN)
    assert (refused.status_code, "known from a breach of another site" in refused.text) == (422, True)
    assert f'value="{FORM["email"]}"' in refused.text
    assert not lobby.rows("SELECT 1 FROM registrations")
    assert nora.register(new_password=UNKNOWN).status_code == 303


def test_every_door_that_sets_a_password_asks(lobby: Lobby, service: Listener) -> None:
    """Registration, confirmation, reset, change, and the way from the old portal (PW-4)."""
    object.__setattr__(lobby.provider, "breaches", range_at(service, [0.0]))
    with pytest.raises(Refusal, match=r"password\.breached"):
        check_chosen_password(lobby.provider, KNOWN)
    check_chosen_password(lobby.provider, UNKNOWN)
    folder = Path(breached_passwords.__file__).parent
    setters = {
        path for path in folder.glob("*.py") if re.search(r"passwords\.hash\(", path.read_text(encoding="utf-8"))
    }
    asking = {
        path
        for path in setters
        if re.search(r"check_chosen_password\(|breaches\.knows\(", path.read_text(encoding="utf-8"))
    }
    assert {path.stem for path in asking} >= {"registration", "confirmation", "password_reset", "profile", "old_portal"}
    assert {path.stem for path in setters - asking} <= {
        "sign_in",
        "temporary_password",
        "made_up_people",
        "hashing_worker",
    }
