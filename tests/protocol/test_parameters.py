"""Parameters: bytes in, sound values and named faults out (RFC 6749 §3.1)."""

from __future__ import annotations

import pytest

from idp.errors import ProtocolError
from idp.protocol.parameters import parse_parameters

FAULTS = [
    (b"a=1&a=1", "a"),
    (b"a=1&b=2&a=", None),
    (b"a=&a=1", None),
    (b"a=%ff", "a"),
    (b"a=%c3%28", "a"),
    (b"a=x%0d%0ay", "a"),
    (b"a=%7f", "a"),
    (b"a=%c2%85", "a"),
    (b"a=" + b"x" * 4001, "a"),
    (b"a=" + b"x" * 4000, None),
    (b"resource=1&resource=2", None),
]


@pytest.mark.parametrize(("source", "fault"), FAULTS)
def test_a_fault_never_becomes_a_value(source: bytes, fault: str | None) -> None:
    """RD-7, RD-8: repeated, not UTF-8, control characters, too long; empty counts as absent."""
    parameters = parse_parameters(source)
    assert set(parameters.faults) == ({fault} if fault else set())
    assert fault is None or parameters.get(fault) is None


def test_values_are_decoded_once() -> None:
    """Appendix B: plus and percent, UTF-8, and what is not percent-encoding stays."""
    parameters = parse_parameters(b"a=x+y%2Bz&b=%C3%A9%2525&c=%zz&d&=e")
    assert dict(parameters.values) == {"a": "x y+z", "b": "é%25", "c": "%zz", "": "e"}


def test_several_resources_stand_together() -> None:
    """The one parameter that may be repeated (RFC 8707 §2); a faulty one spoils all."""
    assert parse_parameters(b"resource=a&x=1&resource=b", b"resource=c").get("resource") == "a b c"
    assert parse_parameters(b"resource=a&resource=%ff").get("resource") is None


def test_query_and_body_together_are_one_request() -> None:
    """RD-7: one in each is twice."""
    assert set(parse_parameters(b"a=1", b"a=1&b=2").faults) == {"a"}


@pytest.mark.parametrize("source", [b"a=" + b"x" * 16_384, b"&".join(b"p%d=1" % n for n in range(101))])
def test_what_is_too_large_is_not_looked_at(source: bytes) -> None:
    """RD-8, RX-3."""
    with pytest.raises(ProtocolError) as caught:
        parse_parameters(source)
    assert caught.value.may_redirect is False
