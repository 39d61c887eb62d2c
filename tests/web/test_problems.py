"""Whoever cannot be served is told so: people by a page with a reference, programs by JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, abort
from structlog.testing import capture_logs

from idp import create_app
from idp.errors import Busy, ProtocolError, Refusal
from tests.test_smoke import settings_in

REFERENCE = re.compile(r'(?<=class="code">)[B-Z2-9]{4}-[B-Z2-9]{4}')  # not what looks like one in a nonce


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """A provider with two views, for people and for programs, that fail as a test wants."""
    app = create_app(settings_in(tmp_path))
    app.config["FAIL"] = None

    def view() -> str:
        app.config["FAIL"]()
        return "fine"

    app.add_url_rule("/fail", "fail_for_people", view)
    app.add_url_rule("/oauth/fail", "fail_for_programs", view)
    return app


def raiser(error: Exception) -> Callable[[], None]:
    """A function that raises."""

    def fail() -> None:
        raise error

    return fail


FAULTS = [
    (raiser(RuntimeError("/etc/secret SELECT 1")), 500, "server_error"),
    (raiser(Refusal("some.key", value="<b>")), 403, "access_denied"),
    (raiser(Busy(7)), 503, "temporarily_unavailable"),
    (raiser(ProtocolError("invalid_scope", "A scope is unknown", detail="secret")), 400, "invalid_scope"),
    (lambda: abort(404), 404, "invalid_request"),
    (lambda: abort(418), 418, "invalid_request"),
    (lambda: abort(429), 429, "slow_down"),
]


@pytest.mark.parametrize(("fail", "status", "code"), FAULTS)
def test_a_person_gets_a_page(app: Flask, fail: Callable[[], None], status: int, code: str) -> None:
    """A heading, a way on, and a reference that is in the log once (GO-2, GO-8, UX 5)."""
    app.config["FAIL"] = fail
    with capture_logs() as logs:
        answer = app.test_client().get("/fail")
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert 'id="error-title"' in answer.text
    assert 'class="button primary"' in answer.text
    assert "secret" not in answer.text
    assert "<b>" not in answer.text
    shown = REFERENCE.search(answer.text)
    assert shown
    assert [entry["reference"] for entry in logs if entry["event"] == "problem"] == [shown[0]]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("fail", "status", "code"), FAULTS)
def test_a_program_gets_json(app: Flask, fail: Callable[[], None], status: int, code: str) -> None:
    """A registered code, no-store, nothing of the inside (GO-5, RFC 6749 §5.2)."""
    app.config["FAIL"] = fail
    answer = app.test_client().get("/oauth/fail")
    assert answer.status_code == status
    assert answer.get_json()["error"] == code
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.get_json()) <= {"error", "error_description"}
    assert "secret" not in answer.text


def test_busy_says_when_to_come_back(app: Flask) -> None:
    """PW-6, GO-1."""
    app.config["FAIL"] = raiser(Busy(7))
    assert app.test_client().get("/fail").headers["Retry-After"] == "7"


def test_a_refused_method_names_those_that_work(app: Flask) -> None:
    """RFC 9110 §15.5.6."""
    answer = app.test_client().get("/sign-out")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_a_description_outside_the_allowed_characters_stays_inside(app: Flask) -> None:
    """RFC 6749 §5.2 allows neither quotes nor line breaks (GO-5)."""
    app.config["FAIL"] = raiser(ProtocolError("invalid_request", 'a "quoted"\nthing'))
    assert app.test_client().get("/oauth/fail").get_json() == {"error": "invalid_request"}


def test_a_database_that_is_away_is_no_defect(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with `Retry-After`, for a signed-in browser as well, whose pages read the database first (GO-1, RL-2)."""
    database = app.extensions["idp"].database
    client = app.test_client()
    client.set_cookie("idp_session", "a" * 43)
    database.engine.dispose()
    monkeypatch.setattr(database.engine, "raw_connection", raiser_of_away())
    answer = client.get("/sign-in")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert 'id="error-title"' in answer.text


def raiser_of_away() -> Callable[[], None]:
    """What SQLite says when its file cannot be opened."""
    import sqlite3

    return raiser(sqlite3.OperationalError("unable to open database file"))


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/confirm/{}"), ("POST", "/reset/{}"), ("GET", "/confirm/{}/"), ("GET", "/register/status/{}/more")],
)
def test_no_log_line_names_the_secret_of_a_link(tmp_path: Path, method: str, path: str) -> None:
    """A form that is not ours, a wrong method, an address that a mail program damaged: the link still works (GO-7)."""
    secret = "Zk3q-_9vY1" * 4 + "abc"
    browser = create_app(settings_in(tmp_path)).test_client()
    with capture_logs() as logs:
        answer = browser.open(path.format(secret), method=method)
    assert answer.status_code in (400, 404, 405)
    assert [line for line in logs if line["event"] == "problem"]
    assert secret[:20] not in repr(logs)
