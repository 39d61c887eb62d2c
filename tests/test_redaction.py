"""Whatever gets into a log line: secrets do not get out of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog

from idp.accounts.passwords import DEMO_PASSWORD
from idp.keys.secrets import new_identifier, new_long_secret, new_reference, new_secret
from idp.logs import configure_logging
from idp.redaction import NAMES, REMOVED, redact, redact_text

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl"


@contextmanager
def logging_as_in_life() -> Iterator[None]:
    """With the handler and the level of a process of ours; loggers are put back afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("idp")
    before = (root.handlers[:], root.level, ours.level)
    configure_logging("debug")
    try:
        yield
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])


@pytest.mark.parametrize(
    "secret",
    [
        new_secret(),
        new_long_secret(),
        JWT,
        f"{new_secret()}.{new_secret()}",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$2b$12$abcdefghijklmnopqrstuv",
        "BCDF-GHJK-LMNP-QRST-VWXZ",
    ],
    ids=["secret", "long secret", "JWT", "two secrets", "argon2", "bcrypt", "temporary password"],
)
def test_what_looks_like_a_secret_is_in_no_text(secret: str) -> None:
    """In the middle of a sentence, in an address, in quotes (GO-7)."""
    for text in (secret, f"no such code: {secret}, sorry", f"/reset/{secret}?x=1", f"{{'token': '{secret}'}}"):
        assert secret not in redact_text(text)
        assert REMOVED in redact_text(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Basic c2l0ZTpzZWNyZXQ=", "Authorization: Basic (removed)"),
        ("got 'bearer abcdefghi7'", "got 'bearer (removed)'"),
        ("smtp://mailer:geheim@mail.example/x", "smtp://(removed)@mail.example/x"),
        ("postgresql+psycopg://idp:pw@db/idp", "postgresql+psycopg://(removed)@db/idp"),
    ],
)
def test_credentials_in_headers_and_addresses_go(text: str, left: str) -> None:
    """What stands around them stays, so that the line is still of use."""
    assert redact_text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        new_identifier(),
        new_reference("R-"),
        "4711:" + "0123456789abcdef" * 4,
        "a_function_with_a_very_long_name_that_tells_everything",
        "https://id.example.com/oauth/authorize",
        "2026-11-23T15:16:52.196035Z",
        "basic training for bearers",
    ],
    ids=["identifier", "reference", "mark", "name", "address", "time", "sentence"],
)
def test_what_an_operator_looks_for_stays(text: str) -> None:
    """Identifiers, references, the mark of the audit trail, names, addresses, times."""
    assert redact_text(text) == text


@pytest.mark.parametrize("name", sorted(NAMES))
def test_fields_with_such_names_are_emptied(name: str) -> None:
    """However short the value, at any depth, in any spelling of the name."""
    line = redact(None, "info", {"event": "e", name: "x", "inner": [{name.upper().replace("_", "-"): DEMO_PASSWORD}]})
    assert line == {"event": "e", name: REMOVED, "inner": [{name.upper().replace("_", "-"): REMOVED}]}
    assert redact(None, "info", {name: ""}) == {name: ""}


def test_no_line_shows_one_whoever_writes_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Ours with a field or in the text, a library's warning, the text of an exception, bound context (GO-7, LG-4)."""
    secrets = [new_secret() for _ in range(6)]
    log = structlog.get_logger("idp.test")
    with logging_as_in_life():
        with structlog.contextvars.bound_contextvars(link=f"/confirm/{secrets[0]}"):
            log.debug("tried", value=secrets[1])
        log.info("tried %s", secrets[2])
        logging.getLogger("library.client").warning("sent %s with %r", secrets[3], {"a": secrets[4]})
        try:
            raise RuntimeError(f"cannot read {secrets[5]}")
        except RuntimeError:
            log.exception("failed")
    lines = capsys.readouterr().err
    assert len(lines.splitlines()) == 4
    assert "RuntimeError" in lines
    for number, secret in enumerate(secrets):
        assert secret not in lines, number


def test_names_of_keys_stay() -> None:
    """They are published, and an operator looks for them."""
    kid = "Ob_lq1fL5GlxKbjYROpPz1bTALpn3lQwGJgKG-yiFeM"
    assert redact(None, "info", {"kid": kid}) == {"kid": kid}


def test_a_long_text_takes_no_time() -> None:
    """Lines of 100 kB of any one kind of sign are read once (RX-3, RX-5)."""
    for sign in ("a", "A", "-", ".", "$", ":", "eyJ", "a:"):
        assert redact_text(sign * 100_000)
