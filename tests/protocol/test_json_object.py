"""JSON of strangers is an object, in UTF-8, of bounded depth, each member once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from idp.protocol.json_object import DEEPEST, parse_json_object


def nested(levels: int, *, lists: bool) -> bytes:
    """So many objects, or lists in an object, within each other."""
    if lists:
        return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize("lists", [False, True])
def test_depth_is_bounded(lists: bool) -> None:
    """20 levels are read, 21 are not, nor so many that reading would break off (JW-5, IV-6)."""
    assert parse_json_object(nested(DEEPEST, lists=lists))
    for levels in (DEEPEST + 1, 500, 50_000):
        with pytest.raises(ValueError, match="nested"):
            parse_json_object(nested(levels, lists=lists))


def test_a_wide_object_is_no_deep_one() -> None:
    """Many members side by side are read (RX-3)."""
    wide = {str(number): [{}] * 20 for number in range(500)}
    assert parse_json_object(json.dumps(wide).encode()) == wide


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"1",
        b'"text"',
        b"null",
        b"{",
        b"{} {}",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'\xff{"a":1}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_one_plain_object_is_refused(data: bytes) -> None:
    """Other values, two values, members that come twice, numbers that are none, other encodings (JW-5, IV-6)."""
    with pytest.raises(ValueError):  # noqa: PT011 - json's own errors are among them
        parse_json_object(data)


def test_members_keep_their_types() -> None:
    """What is a number stays one; a caller sees `true` where a number should be (JW-5)."""
    found: dict[str, Any] = parse_json_object(b'{"exp":true,"iat":"5","aud":[1,null],"n":1.5}')
    assert found == {"exp": True, "iat": "5", "aud": [1, None], "n": 1.5}
    assert isinstance(found["exp"], bool)
