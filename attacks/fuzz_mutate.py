"""Valid requests made invalid: fields, headers, addresses, methods, framing, and single bytes. The same ones for the same luck."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from attacks.fuzz_record import METHODS
from attacks.fuzz_values import HEADER_VALUES, HEADERS, JSON_VALUES, NASTY, TYPES
from attacks.fuzz_wire import Fill, Request

Change = Callable[[Request, Random], Request]


def mutate(request: Request, chance: Random) -> Request:
    """One to three changes of the parts."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3))):
        request = chance.choice(_CHANGES)(request, chance)
    return request


def is_clean(request: Request) -> bool:
    """Whether it is still one whole request for everybody who reads it, so that the connection can be used again."""
    parts = (request.method, request.target, *(piece for pair in request.headers for piece in pair))
    if any(byte in part for part in parts for byte in (b"\r", b"\n", b"\x00")) or b" " in request.target:
        return False
    framing = (b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"connection", b"host")
    known = request.method in (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS")
    return known and not any(key.lower() in framing for key, _ in request.headers)


def scramble(raw: bytes, chance: Random) -> bytes:
    """Change bytes of a rendered request: flips, cuts, repeats, insertions."""
    data = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        place = chance.randrange(len(data)) if data else 0
        kind = chance.randrange(6)
        if kind == 0 and data:
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 1 and data:
            data[place] = chance.choice(b"\x00\r\n\t %&=+;:,\"'<>\x7f\x80\xff{}[]")
        elif kind == 2:
            del data[place : place + chance.choice((1, 2, 8, 40))]
        elif kind == 3:
            data[place:place] = data[place : place + chance.choice((1, 4, 20, 100))] * chance.choice((1, 2, 30))
        elif kind == 4:
            data[place:place] = chance.choice(NASTY)
        else:
            del data[chance.randrange(len(data) // 2, len(data) + 1) if data else 0 :]
    return bytes(data)


def chunk(request: Request, host: bytes, fill: Fill, chance: Random) -> bytes:
    """The request with a chunked body, well-formed or nearly so."""
    kept = tuple((key, value) for key, value in request.headers if key.lower() != b"content-length")
    raw = replace(request, headers=(*kept, (b"Transfer-Encoding", b"chunked")), body=b"").render(host, fill)
    body, pieces = fill(request.body) or b"x=1", []
    while body:
        size = chance.randrange(1, 1 + len(body))
        pieces.append(b"%x\r\n%s\r\n" % (size, body[:size]))
        body = body[size:]
    end = (
        b"0\r\n\r\n",
        b"0\r\n\r\n",
        b"0\r\nX-Trailer: 1\r\n\r\n",
        b"-1\r\n\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\n0\r\n\r\n",
        b"zz\r\n0\r\n\r\n",
    )
    return raw + b"".join(pieces) + chance.choice(end)


def _change_field(request: Request, chance: Random) -> Request:
    if request.body[:1] in (b"{", b"["):
        return _change_json(request, chance)
    in_body = bool(request.body) and (chance.random() < 0.8 or b"?" not in request.target)
    path, mark, query = request.target.partition(b"?")
    pairs = _change_pairs(
        [tuple(pair.partition(b"=")[::2]) for pair in (request.body if in_body else query).split(b"&")], chance
    )
    text = b"&".join(name + b"=" + value for name, value in pairs)
    return replace(request, body=text) if in_body else replace(request, target=path + (mark or b"?") + text)


def _change_pairs(pairs: list[Any], chance: Random) -> list[tuple[bytes, bytes]]:
    place = chance.randrange(len(pairs))
    if pairs[place][0].endswith(b"csrf_token") and chance.random() < 0.8:
        place = chance.randrange(len(pairs))
    name, value = pairs[place]
    nasty = _encode(chance.choice(NASTY), chance)
    kind = chance.randrange(11)
    if kind <= 4:
        pairs[place] = (name, nasty)
    elif kind == 5:
        pairs.insert(place, (name, chance.choice((value, nasty))))
    elif kind == 6:
        del pairs[place]
    elif kind == 7:
        pairs[place] = (name + chance.choice((b"[]", b"[0]", b"[a][b]", b".a", b"%00", b" ", b"\xff")), value)
    elif kind == 8:
        pairs.append((_encode(chance.choice(NASTY), chance), nasty))
    elif kind == 9:
        pairs += [(b"p%d" % number, b"1") for number in range(chance.choice((99, 120, 999, 1100, 4000)))]
    else:
        pairs[place] = (name, _encode(unquote_to_bytes(value) + chance.choice(NASTY), chance))
    return pairs


def _encode(value: bytes, chance: Random) -> bytes:
    return value if chance.random() < 0.25 else quote_from_bytes(value, safe="{}").encode()


def _change_json(request: Request, chance: Random) -> Request:
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        return replace(request, body=chance.choice(NASTY))
    kind = chance.randrange(8)
    if kind == 0:
        return replace(request, body=json.dumps(chance.choice(JSON_VALUES)).encode())
    if kind == 1:
        return replace(
            request,
            body=chance.choice(
                (
                    b"[" * 20000,
                    b'{"a":' * 9000,
                    b'{"a":1e9999}',
                    b'{"a":1,"a":2}',
                    b"\xef\xbb\xbf{}",
                    b"{}x",
                    b'"\\ud800"',
                )
            ),
        )
    if kind == 2:
        return replace(request, body=json.dumps(document).encode(chance.choice(("utf-16", "utf-32", "utf-8-sig"))))
    if isinstance(document, dict) and document:
        name = chance.choice(list(document))
        if kind == 3:
            del document[name]
        elif kind == 4:
            document[
                chance.choice(("", "\x00", "__proto__", name + "#de", name + "#", "x" * 3000, "#", "client_id"))
            ] = chance.choice(JSON_VALUES)
        elif kind == 5 and isinstance(document[name], (list, dict)):
            document[name] = _inside(document[name], chance)
        else:
            document[name] = chance.choice(JSON_VALUES)
    return replace(
        request, body=json.dumps(document, ensure_ascii=chance.random() < 0.7).encode("utf-8", "surrogatepass")
    )


def _inside(value: Any, chance: Random) -> Any:
    """The same with something wrong further down."""
    if isinstance(value, list):
        return (
            [*value, chance.choice(JSON_VALUES)]
            if chance.random() < 0.5
            else [chance.choice(JSON_VALUES)] * chance.choice((1, 2, 500))
        )
    name = chance.choice(list(value)) if value else "a"
    deeper = value.get(name)
    return {
        **value,
        name: _inside(deeper, chance)
        if isinstance(deeper, (list, dict)) and chance.random() < 0.6
        else chance.choice(JSON_VALUES),
    }


def _change_header(request: Request, chance: Random) -> Request:
    name = chance.choice(HEADERS)
    value = chance.choice(HEADER_VALUES if chance.random() < 0.8 else NASTY)
    if chance.random() < 0.3:
        return replace(request, headers=(*request.headers, (name, value)))
    return request.with_header(name, value)


def _change_headers(request: Request, chance: Random) -> Request:
    headers = list(request.headers)
    kind = chance.randrange(5)
    if kind == 0 and headers:
        headers.append(chance.choice(headers))
    elif kind == 1 and headers:
        del headers[chance.randrange(len(headers))]
    elif kind == 2:
        headers += [(b"X-Many-%d" % number, b"1") for number in range(chance.choice((30, 90, 150)))]
    elif kind == 3:
        headers.append((chance.choice((b"X-Long", b"Cookie", b"Referer")), b"a" * chance.choice((4000, 16000, 40000))))
    else:
        headers.append(
            (
                chance.choice((b"", b"X Y", b"X\x00", b"X:", b"Content_Length", b"Transfer_Encoding", b"\xff", b"(x)")),
                b"1",
            )
        )
    return replace(request, headers=tuple(headers))


def _change_type(request: Request, chance: Random) -> Request:
    request = request.with_header(b"Content-Type", chance.choice(TYPES))
    if chance.random() < 0.3:
        part = b'--a\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{{csrf}}\r\n'
        part += b'--a\r\nContent-Disposition: form-data; name="q"; filename="x"\r\n\r\n\x00\xff\r\n'
        request = replace(request, body=part * chance.choice((1, 3)) + chance.choice((b"--a--\r\n", b"", b"--a")))
    return request


def _change_framing(request: Request, chance: Random) -> Request:
    length = str(len(request.body)).encode()
    lengths = (b"-1", b"0", b"abc", b"9" * 30, b"+5", length + b", " + length, b"\xb2", b"1 1", b"65537")
    codings = (b"chunked, identity", b"gzip", b"xchunked", b"\x0bchunked")
    pairs = [(b"Content-Length", value) for value in lengths] + [(b"Transfer-Encoding", value) for value in codings]
    return replace(request, headers=(*request.headers, chance.choice(pairs)))


def _change_target(request: Request, chance: Random) -> Request:
    path, mark, query = request.target.partition(b"?")
    pieces = path.split(b"/")
    kind = chance.randrange(8)
    if kind <= 2:
        place = chance.randrange(1, max(2, len(pieces)))
        pieces[place % len(pieces)] = quote_from_bytes(chance.choice(NASTY), safe="").encode()
        path = b"/".join(pieces) or b"/"
    elif kind == 3:
        path = chance.choice(
            (
                b"/" + path,
                path + b"/",
                path + b"/..",
                b"/./" + path,
                b"/x/.." + path,
                path.upper(),
                path + b";a=b",
                path + b"%2f",
                path + b"%00",
                path + b".json",
            )
        )
    elif kind == 4:
        path = chance.choice(
            (
                b"http://evil.example",
                b"http://localhost",
                b"https://localhost",
                b"*",
                b"//evil.example",
                b"http://[",
                b"http://a@b",
            )
        ) + chance.choice((path, b""))
    elif kind == 5:
        path = path + b"/" + b"a" * chance.choice((100, 3000, 20000))
    elif kind == 6:
        mark, query = (
            b"?",
            chance.choice(
                (
                    b"",
                    b"&",
                    b"=",
                    b"%",
                    b"%ff=%ff",
                    b"next=//evil.example",
                    b"next=%00",
                    b"after=" + b"9" * 400,
                    b"again=1&again=1",
                    b"lang=xx",
                    b"q=" + b"%F0%9F%98%80" * 900,
                    b"a=1&" * 1200,
                )
            ),
        )
    else:
        path = path + chance.choice(
            (b"\xff", b"\xc3\xbc", b"%ff", b"%c3%28", b" x", b"\t", b"\x01", b"#frag", b"\\..\\")
        )
    return replace(request, target=path + mark + query)


def _change_method(request: Request, chance: Random) -> Request:
    return replace(
        request, method=chance.choice((*METHODS, b"POST", b"GET", b"", b"A" * 300, b"G\xffT", b"MKCOL", b"PRI"))
    )


def _change_person(request: Request, chance: Random) -> Request:
    who = chance.choice(("nobody", "anna", "willi", "carla", "audrey", "olga"))
    return request.with_header(b"Cookie", b"{{%s.cookies}}" % who.encode())


_CHANGES: tuple[Change, ...] = (
    *(_change_field,) * 9,
    *(_change_header,) * 3,
    _change_headers,
    _change_type,
    _change_framing,
    *(_change_target,) * 3,
    _change_method,
    _change_person,
)
