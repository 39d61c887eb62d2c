"""Parallel tries at the token endpoint: one winner, decided by the database (CO-1, CO-2, RF-2, RF-3, RF-5, RC-1).

Two server processes on PostgreSQL; on SQLite one server and the command line, which writes beside it. `ROUNDS` rounds of
`TRIES` parallel tries each.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from sqlalchemy import create_engine, text

from idp.store.database import driver_url
from tests.support.deployment import Deployment, deployment
from tests.support.flow import authorize, introspect, redeem, refresh, sign_in
from tests.support.smtp import SmtpServer
from tests.support.visitor import Visitor
from tests.support.world import PASSWORD

ROUNDS = int(os.environ.get("IDP_TEST_ROUNDS", "20"))
TRIES = 16
GRACE = 5

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def running(tmp_path: Path, database_url: str, smtp_server: SmtpServer) -> Iterator[Deployment]:
    """Two servers on PostgreSQL; one on SQLite, with the command line writing beside it."""
    is_sqlite = database_url.startswith("sqlite")
    settings = f"[lifetimes]\nrefresh_grace = {GRACE}\n"
    with deployment(tmp_path, database_url, smtp_server.url, servers=1 if is_sqlite else 2, settings=settings) as made:
        stop = threading.Event()
        beside = threading.Thread(target=write_beside, args=(made, stop)) if is_sqlite else None
        if beside:
            beside.start()
        yield made
        stop.set()
        if beside:
            beside.join()


def write_beside(made: Deployment, stop: threading.Event) -> None:
    """Let the command line change something, again and again."""
    environment = {**os.environ, "IDP_CONFIG": str(made.config)}
    while not stop.is_set():
        for act in ("disable", "enable"):
            command = [sys.executable, "-m", "idp", "clients", act, "license-service"]
            subprocess.run(command, env=environment, check=True, capture_output=True)


@pytest.fixture
def visitor(running: Deployment) -> Visitor:
    """Anna, signed in."""
    made = Visitor(running.issuer)
    sign_in(made, "anna", PASSWORD)
    return made


def all_at_once(running: Deployment, act: Callable[[str], requests.Response]) -> list[requests.Response]:
    """The same act from many threads at the same moment, spread over the servers."""
    barrier = threading.Barrier(TRIES)
    endpoints = [server.url + "/oauth/token" for server in running.servers]

    def one(number: int) -> requests.Response:
        barrier.wait()
        return act(endpoints[number % len(endpoints)])

    with ThreadPoolExecutor(TRIES) as pool:
        return list(pool.map(one, range(TRIES)))


def test_one_code_gives_one_answer_and_its_replay_kills_the_tokens(running: Deployment, visitor: Visitor) -> None:
    """Of 16 parallel redemptions exactly one is a 200; the others are replays, and what it gave is inactive."""
    client = running.client
    for _ in range(ROUNDS):
        code = authorize(visitor, client)
        answers = all_at_once(running, lambda url, code=code: redeem(url, client, code, headers=running.host_header))
        good = [answer for answer in answers if answer.status_code == 200]
        assert len(good) == 1, [answer.text for answer in answers]
        assert {answer.json()["error"] for answer in answers if answer is not good[0]} == {"invalid_grant"}
        tokens = good[0].json()
        assert introspect(running.issuer, client, tokens["access_token"]) == {"active": False}
        assert refresh(running.issuer + "/oauth/token", client, tokens["refresh_token"]).status_code == 400


def test_inside_the_grace_all_get_the_same_successor(running: Deployment, visitor: Visitor, database_url: str) -> None:
    """16 parallel refreshes give 16 answers with one refresh token, and the database has one successor row."""
    client = running.client
    engine = create_engine(driver_url(database_url))
    for _ in range(ROUNDS):
        tokens = redeem(running.issuer + "/oauth/token", client, authorize(visitor, client)).json()
        with engine.connect() as connection:
            before = connection.execute(text("SELECT COUNT(*) FROM refresh_tokens")).scalar_one()
        answers = all_at_once(
            running,
            lambda url, old=tokens["refresh_token"]: refresh(url, client, old, headers=running.host_header),
        )
        assert [answer.status_code for answer in answers] == [200] * TRIES, {answer.text for answer in answers}
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1
        with engine.connect() as connection:
            assert connection.execute(text("SELECT COUNT(*) FROM refresh_tokens")).scalar_one() == before + 1
        assert introspect(running.issuer, client, answers[0].json()["access_token"])["active"] is True
    engine.dispose()


def test_outside_the_grace_none_succeeds_and_the_family_is_dead(running: Deployment, visitor: Visitor) -> None:
    """Theft: the old token after the grace ends everything that came from the code."""
    client, endpoint = running.client, running.issuer + "/oauth/token"
    families = []
    for _ in range(ROUNDS):
        old = redeem(endpoint, client, authorize(visitor, client)).json()["refresh_token"]
        families.append((old, refresh(endpoint, client, old).json()))
    time.sleep(GRACE + 2)
    for old, successor in families:
        answers = all_at_once(running, lambda url, old=old: refresh(url, client, old, headers=running.host_header))
        assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(400, "invalid_grant")}
        assert refresh(endpoint, client, successor["refresh_token"]).status_code == 400
        assert introspect(running.issuer, client, successor["access_token"]) == {"active": False}


def test_a_used_successor_ends_the_grace(running: Deployment, visitor: Visitor) -> None:
    """Within the seconds of grace too, the old token is a replay once its successor was used (RF-3)."""
    client, endpoint = running.client, running.issuer + "/oauth/token"
    old = redeem(endpoint, client, authorize(visitor, client)).json()["refresh_token"]
    second = refresh(endpoint, client, old).json()["refresh_token"]
    third = refresh(endpoint, client, second).json()
    assert refresh(endpoint, client, old).status_code == 400
    assert refresh(endpoint, client, third["refresh_token"]).status_code == 400
