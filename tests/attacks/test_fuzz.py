"""A small `make fuzz` against a real server, and that the hunter sees what it looks for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from attacks.fuzz import Tally, fuzz, tell
from attacks.fuzz_mutate import chunk, is_clean, mutate, scramble
from attacks.fuzz_wire import Line, Reply, Request, is_complete
from attacks.fuzz_world import fuzz_world

FORM = Request(
    b"POST", b"/sign-in?next=%2F", ((b"Content-Type", b"application/x-www-form-urlencoded"),), b"a={{x}}&b=2"
)


def test_malformed_requests_do_no_harm(tmp_path: Path) -> None:
    """No 500, nothing over two seconds, no restart, no defect, no memory kept (RX-1, IV-1, GO-2); every route is reached.

    GO-1, GO-6, RX-3.
    """
    url = f"sqlite:///{tmp_path / 'idp.sqlite3'}"
    with fuzz_world(tmp_path, url, front=True) as world:
        tally = fuzz(world, count=800, seed=20, connections=4)
        assert tally.is_good, tell("sqlite", tally, tmp_path / "failures", world)
    assert tally.sent > 700
    assert {200, 303, 400, 403, 404, 405, 422} <= set(tally.statuses)


@pytest.fixture
def broken_server() -> Iterator[int]:
    """One that answers every request with 500, and keeps the connection; out: its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                while line.recv(65536):
                    line.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno")

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_a_server_that_fails_is_found(broken_server: int) -> None:
    """The connection is used again, and each answer is counted as a failure."""
    line, tally = Line(broken_server), Tally()
    raw = FORM.render(b"localhost", lambda text: text.replace(b"{{x}}", b"y"))
    for _ in range(3):
        assert tally.note("sign_in.page", raw, line.send(raw, clean=True))
    line.close()
    assert (line.opened, len(tally.failures), tally.is_good) == (1, 3, False)


def test_busy_is_an_answer_and_slowness_is_not() -> None:
    """503 with Retry-After may come from the full queue; without, it is a failure."""
    tally = Tally()
    assert not tally.note("x", b"", Reply(503, 0.1, b"HTTP/1.1 503\r\nRetry-After: 1"))
    assert tally.note("x", b"", Reply(503, 0.1, b"HTTP/1.1 503"))
    tally.note("x", b"slow", Reply(200, 2.5))
    assert tally.slow == [b"slow"]


def test_requests_are_rendered_whole() -> None:
    """Names are filled in before the length is counted."""
    raw = FORM.render(b"localhost", lambda text: text.replace(b"{{x}}", b"longer"))
    assert raw.endswith(b"Content-Length: 12\r\n\r\na=longer&b=2")
    assert b"Host: localhost\r\n" in raw
    assert is_complete(raw)
    assert not is_complete(raw[:-1])


def luck(number: int) -> Random:
    """Luck that can be had again."""
    return Random(number)  # noqa: S311 - no secret


def test_the_same_luck_makes_the_same_requests() -> None:
    """A seed can be run again; what is changed is not what it was, and unclean requests are told."""
    made, again = ([mutate(FORM, luck(number)) for number in range(300)] for _ in range(2))
    assert made == again
    assert sum(request != FORM for request in made) > 290
    assert 0 < sum(not is_clean(request) for request in made) < 150
    raw = FORM.render(b"localhost", bytes)
    assert scramble(raw, luck(1)) == scramble(raw, luck(1)) != raw
    assert b"Transfer-Encoding: chunked" in chunk(FORM, b"localhost", bytes, luck(1))
