"""Both doors give the same answers, byte for byte, and the front answers what it claims (DESIGN, "Small print")."""

from __future__ import annotations

import base64
import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from idp.protocol.pkce import make_challenge
from idp.store import grants, sessions
from idp.store.database import Statement
from idp.web.front import Front
from tests.support.databases import FreshDatabase
from tests.support.tokens import (
    CALLBACK,
    FORM,
    SECRET,
    VERIFIER,
    House,
    MovableClock,
    add_client,
    basic,
    make_app,
    settle,
)

SITE, SERVICE = basic("site", SECRET), basic("service", SECRET)
API = "https://api.example/"


@dataclass
class Doors:
    """The same provider twice, each on its own copy of the database, with the same luck."""

    houses: tuple[House, House]
    patch: pytest.MonkeyPatch
    asked: int = 0
    is_numbered: bool = False
    kept: list[dict[str, str]] = field(default_factory=lambda: [{}, {}])

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> TestResponse:
        """The same request at both doors; `{name}` in body and headers is what an earlier answer brought.

        Out: the answer, which was the same at both.
        """
        self.asked += 1
        first, second = (self._ask(door, method, path, body, headers) for door in (0, 1))
        assert first.status == second.status
        assert self._headers(first) == self._headers(second)
        assert first.data == second.data or self.is_numbered
        return first

    def _ask(self, door: int, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> TestResponse:
        draw(self.patch, f"request {self.asked}")
        sent = {name.replace("_", "-"): self._fill(door, value) for name, value in headers.items()}
        data = self._fill(door, body.decode()).encode() if body is not None else None
        answer = self.houses[door].app.test_client(use_cookies=False).open(path, method=method, data=data, headers=sent)
        if method != "HEAD" and answer.is_json and isinstance(answer.json, dict):
            self.kept[door] |= {name: value for name, value in answer.json.items() if isinstance(value, str)}
        return answer

    def _fill(self, door: int, text: str) -> str:
        for name, value in self.kept[door].items():
            text = text.replace("{" + name + "}", value)
        return text

    @staticmethod
    def _headers(answer: TestResponse) -> list[tuple[str, str]]:
        return sorted((name, value) for name, value in answer.headers if name != "Date")

    @property
    def answered(self) -> int:
        """How many requests the front answered itself."""
        front: Front = self.houses[1].app.extensions["idp_front"]
        assert "idp_front" not in self.houses[0].app.extensions
        return front.answered.total()


def draw(patch: pytest.MonkeyPatch, seed: str) -> None:
    """From now on what is random is the same for the same seed."""
    luck = random.Random(seed)  # noqa: S311 - that is the point
    patch.setattr(
        secrets,
        "token_urlsafe",
        lambda size=32: base64.urlsafe_b64encode(luck.randbytes(size)).rstrip(b"=").decode(),
    )


@pytest.fixture
def doors(
    fresh_database: FreshDatabase,
    prepare_house: Callable[[str], None],
    house_keys: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Doors]:
    """Without the front, and with it."""
    made = []
    for front in (False, True):
        app = make_app(fresh_database(prepare_house), house_keys, MovableClock(), front=front)
        draw(monkeypatch, "people and sites")
        house = settle(app)
        add_client(
            house.provider, "es", id_token_signed_response_alg="ES256", resources=[API], access_token_format="jwt"
        )
        add_client(house.provider, "daemon", grant_types=["client_credentials"], resources=[API])
        made.append(house)
    yield Doors((made[0], made[1]), monkeypatch)
    for house in made:
        house.provider.database.engine.dispose()


def form(**values: str) -> bytes:
    """A body; what stands in braces is filled in later."""
    return urlencode(values, safe="{}").encode()


def redeem(doors: Doors, client_id: str = "site") -> dict[str, Any]:
    """The tokens of a new code at both doors."""
    for door, house in enumerate(doors.houses):
        draw(doors.patch, client_id)
        doors.kept[door]["code"] = house.code(client_id)
    answer = doors.ask("POST", "/oauth/token", code_form(), Content_Type=FORM, Authorization=basic(client_id, SECRET))
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def code_form() -> bytes:
    """What redeems a code."""
    return form(grant_type="authorization_code", code="{code}", redirect_uri=CALLBACK, code_verifier=VERIFIER)


def test_the_way_of_tokens_is_the_same_at_both_doors(doors: Doors) -> None:
    """Code, introspection, userinfo, refresh, its grace, revocation, replay; ES256 and JWT access tokens as well."""
    for client_id in ("site", "es"):
        mine = basic(client_id, SECRET)
        redeem(doors, client_id)
        asked = {"Content_Type": FORM, "Authorization": mine}
        told = doors.ask("POST", "/oauth/introspect", form(token="{access_token}"), **asked)
        assert (told.json or {})["active"] is True
        doors.ask("POST", "/oauth/introspect", form(token="{access_token}"), Content_Type=FORM, Authorization=SERVICE)
        doors.ask("POST", "/oauth/introspect", form(token="{refresh_token}"), **asked)
        if client_id == "site":
            assert doors.ask("GET", "/oauth/userinfo", Authorization="Bearer {access_token}").status_code == 200
            assert (
                doors.ask("POST", "/oauth/userinfo", form(access_token="{access_token}"), Content_Type=FORM).status_code
                == 200
            )
        for kept in doors.kept:
            kept["old"] = kept["refresh_token"]
        again = form(grant_type="refresh_token", refresh_token="{old}")
        assert doors.ask("POST", "/oauth/token", again, **asked).status_code == 200
        assert doors.ask("POST", "/oauth/token", again, **asked).status_code == 200
        assert doors.ask("POST", "/oauth/revoke", form(token="{access_token}"), **asked).status_code == 200
        told = doors.ask("POST", "/oauth/introspect", form(token="{access_token}"), **asked)
        assert told.json == {"active": False}
        assert doors.ask("POST", "/oauth/token", code_form(), **asked).status_code == 400
        assert doors.ask("POST", "/oauth/token", again, **asked).status_code == 400
    assert doors.answered == 22


def test_a_clients_own_token_is_the_same_at_both_doors(doors: Doors) -> None:
    """`client_credentials`, and the audience of its token."""
    asked = {"Content_Type": FORM, "Authorization": basic("daemon", SECRET)}
    assert doors.ask("POST", "/oauth/token", form(grant_type="client_credentials"), **asked).status_code == 200
    told = doors.ask("POST", "/oauth/introspect", form(token="{access_token}"), **asked)
    assert (told.json or {})["aud"] == API
    assert doors.answered == 2


USUAL: dict[str, tuple[str, str, bytes | None, dict[str, str], int]] = {
    "metadata": ("GET", "/.well-known/openid-configuration", None, {}, 200),
    "metadata of OAuth": ("GET", "/.well-known/oauth-authorization-server", None, {}, 200),
    "keys": ("GET", "/oauth/jwks", None, {"Origin": "https://elsewhere.example"}, 200),
    "nobody's token": (
        "POST",
        "/oauth/introspect",
        form(token="x"),
        {"Content_Type": FORM, "Authorization": SITE},
        200,
    ),
    "no token": ("POST", "/oauth/introspect", b"", {"Content_Type": FORM, "Authorization": SITE}, 400),
    "no client": ("POST", "/oauth/introspect", form(token="x"), {"Content_Type": FORM}, 401),
    "a wrong secret": (
        "POST",
        "/oauth/token",
        form(grant_type="client_credentials"),
        {"Content_Type": FORM, "Authorization": basic("site", "wrong")},
        401,
    ),
    "another type of body": (
        "POST",
        "/oauth/token",
        b"{}",
        {"Content_Type": "application/json", "Authorization": SITE},
        400,
    ),
    "no type of body": ("POST", "/oauth/token", b"grant_type=x", {"Authorization": SITE}, 400),
    "a parameter twice": (
        "POST",
        "/oauth/token",
        b"grant_type=a&grant_type=b",
        {"Content_Type": FORM, "Authorization": SITE},
        400,
    ),
    "broken escapes": (
        "POST",
        "/oauth/token",
        b"grant_type=%zz%00",
        {"Content_Type": FORM, "Authorization": SITE},
        400,
    ),
    "bytes that are no text": (
        "POST",
        "/oauth/token",
        b"grant_type=%ff",
        {"Content_Type": FORM, "Authorization": SITE},
        400,
    ),
    "an unknown grant": (
        "POST",
        "/oauth/token",
        form(grant_type="magic"),
        {"Content_Type": FORM, "Authorization": SITE},
        400,
    ),
    "userinfo without a token": ("GET", "/oauth/userinfo", None, {"Origin": "https://site.example"}, 401),
    "userinfo with nobody's token": ("GET", "/oauth/userinfo", None, {"Authorization": "Bearer x"}, 401),
    "a token in two places": (
        "POST",
        "/oauth/userinfo",
        form(access_token="x"),
        {"Content_Type": FORM, "Authorization": "Bearer y"},
        400,
    ),
    "revoking nobody's token": (
        "POST",
        "/oauth/revoke",
        form(token="x"),
        {"Content_Type": FORM, "Authorization": SITE},
        200,
    ),
    "a signed introspection": (
        "POST",
        "/oauth/introspect",
        form(token="x"),
        {"Content_Type": FORM, "Authorization": SITE, "Accept": "application/token-introspection+jwt"},
        200,
    ),
}
UNUSUAL: dict[str, tuple[str, str, bytes | None, dict[str, str], int]] = {
    "HEAD": ("HEAD", "/oauth/jwks", None, {}, 200),
    "another method": ("DELETE", "/oauth/token", None, {}, 405),
    "GET where a body is needed": ("GET", "/oauth/token", None, {}, 405),
    "parameters in the address": ("POST", "/oauth/token?x=1", form(grant_type="x"), {"Content_Type": FORM}, 400),
    "the keys with a parameter": ("GET", "/oauth/jwks?x=1", None, {}, 200),
    "known keys": ("GET", "/oauth/jwks", None, {"If_None_Match": "*"}, 304),
    "very many parameters": (
        "POST",
        "/oauth/token",
        b"&".join(b"a%d=1" % n for n in range(2000)),
        {"Content_Type": FORM},
        413,
    ),
    "many parameters": (
        "POST",
        "/oauth/token",
        b"&".join(b"a%d=1" % n for n in range(200)),
        {"Content_Type": FORM},
        400,
    ),
    "a preflight": (
        "OPTIONS",
        "/oauth/token",
        None,
        {"Origin": "https://site.example", "Access_Control_Request_Method": "POST"},
        204,
    ),
    "another address": ("GET", "/oauth/nothing", None, {}, 404),
    "an empty Authorization": (
        "POST",
        "/oauth/introspect",
        form(token="x"),
        {"Content_Type": FORM, "Authorization": ""},
        401,
    ),
    "a slash more": ("GET", "/oauth/jwks/", None, {}, 404),
}


@pytest.mark.parametrize("name", USUAL)
def test_usual_requests_are_answered_by_the_front_as_by_flask(doors: Doors, name: str) -> None:
    """Refusals too."""
    method, path, body, headers, status = USUAL[name]
    assert doors.ask(method, path, body, **headers).status_code == status
    assert doors.answered == 1


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_requests_fall_through(doors: Doors, name: str) -> None:
    """Nothing of them is answered by the front."""
    method, path, body, headers, status = UNUSUAL[name]
    assert doors.ask(method, path, body, **headers).status_code == status
    assert doors.answered == 0


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/userinfo"])
def test_a_defect_is_told_by_flasks_handlers(doors: Doors, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same 500 in JSON, and nothing of the defect in it."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("something secret")

    monkeypatch.setattr("idp.protocol.endpoint.parse_parameters", fail)
    monkeypatch.setattr("idp.protocol.userinfo.parse_parameters", fail)
    body = form(token="x", access_token="x", grant_type="client_credentials")
    headers = {"Authorization": SITE} if path != "/oauth/userinfo" else {}
    answer = doors.ask("POST", path, body, Content_Type=FORM, **headers)
    assert (answer.status_code, answer.json) == (500, {"error": "server_error"})
    assert doors.answered == 0


ASKED = {
    "client_id": "site",
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "openid profile",
    "state": "a state with blanks",
    "nonce": "n",
    "code_challenge": make_challenge(VERIFIER),
    "code_challenge_method": "S256",
}
AT_ONCE: dict[str, dict[str, str]] = {
    "as usual": {},
    "silent": {"prompt": "none"},
    "a scope that does not exist": {"scope": "openid nothing"},
    "no code challenge": {"code_challenge": "", "code_challenge_method": ""},
}
WITH_A_PAGE: dict[str, dict[str, str]] = {
    "asks for the password": {"prompt": "login"},
    "a form": {"response_mode": "form_post"},
    "no type": {"response_type": ""},
    "a language to remember": {"language": "de"},
    "too long": {"state": "s" * 5000},
}


def sit_down(doors: Doors) -> str:
    """Anna's cookies, the same at both doors."""
    for house in doors.houses:
        draw(doors.patch, "cookies")
        with house.provider.database.transaction() as tx:
            anna, now = house.anna.account_id, house.clock()
            grants.save_grant(tx, anna, "site", frozenset({"openid", "profile"}), now)
            started = sessions.start_session(tx, account_id=anna, kept=False, lifetime=43200, now=now)
    return f"idp_session={started.secret}; idp_browser={'b' * 43}"


def authorize(doors: Doors, cookies: str, changes: dict[str, str]) -> TestResponse:
    """An authorization request at both doors."""
    query = urlencode({name: value for name, value in (ASKED | changes).items() if value})
    return doors.ask("GET", f"/oauth/authorize?{query}", Cookie=cookies)


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_signed_in_person_who_is_asked_nothing_is_sent_back_by_the_front(doors: Doors, name: str) -> None:
    """With a code or with an error; the code is good at both doors."""
    answer = authorize(doors, sit_down(doors), AT_ONCE[name])
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(CALLBACK)
    assert answer.headers["Cache-Control"] == "no-store"
    assert doors.answered == 1


@pytest.mark.parametrize("name", WITH_A_PAGE)
def test_a_request_that_needs_more_is_left_to_flask(doors: Doors, name: str) -> None:
    """And no half of it stays: both databases hold the same afterwards."""
    authorize(doors, sit_down(doors), WITH_A_PAGE[name])
    assert doors.answered == 0
    assert count_rows(doors.houses[0]) == count_rows(doors.houses[1])


@pytest.mark.parametrize("spoil", ["idp_session=x", "", "{0}; {0}", "idp_session=" + "c" * 43])
def test_cookies_that_say_nothing_are_left_to_flask(doors: Doors, spoil: str) -> None:
    """None, broken, doubled, nobody's (SE-5)."""
    session, _, browser = sit_down(doors).partition("; ")
    authorize(doors, f"{spoil.format(session)}; {browser}", {})
    assert doors.answered == 0


@pytest.mark.parametrize("changes", [{"redirect_uri": "https://elsewhere.example/"}, {"client_id": "nobody"}])
def test_an_error_that_must_not_travel_is_left_to_flask(doors: Doors, changes: dict[str, str]) -> None:
    """Our own page, which has a number of its own at each time (RD-4)."""
    doors.is_numbered = True
    assert authorize(doors, sit_down(doors), changes).status_code == 400
    assert doors.answered == 0


def test_an_idle_session_is_left_to_flask(doors: Doors) -> None:
    """The password is asked again."""
    cookies = sit_down(doors)
    for house in doors.houses:
        house.clock.now += house.provider.settings.lifetimes.idle + 1
    authorize(doors, cookies, {})
    assert doors.answered == 0


def count_rows(house: House) -> list[int]:
    """How much there is of what an authorization request may leave."""
    tables = ("pending_authorizations", "codes", "token_families")
    with house.provider.database.reading() as tx:
        rows = [tx.one(Statement(f"SELECT count(*) AS n FROM {table}")) for table in tables]  # noqa: S608
    return [row["n"] for row in rows if row]
