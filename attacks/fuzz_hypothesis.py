"""What Hypothesis thinks of: field by field of recorded requests, and Schemathesis on the description of the interface.

A failing example is made smaller before it is told.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import hypothesis
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from attacks.fuzz_wire import Line, Reply, Request
from attacks.fuzz_world import World

Note = Callable[[str, bytes, Reply], bool]

_TEXT = st.one_of(
    st.text(max_size=80),
    st.binary(max_size=80),
    st.integers().map(str),
    st.floats().map(str),
    st.emails(),
    st.datetimes().map(str),
)
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)),
    max_leaves=12,
)


class Found(AssertionError):
    """The server failed."""


def fuzz_fields(world: World, samples: Sequence[Request], note: Note, *, count: int, seed: int) -> None:
    """So many requests whose fields hold what Hypothesis draws."""
    fields = [request for request in samples if request.body or b"?" in request.target]
    if not count or not fields:
        return
    line = Line(world.port)

    @_limits(count)
    @given(st.sampled_from(fields), st.integers(0, 30), _TEXT, _JSON)
    def attempt(request: Request, place: int, text: str | bytes, document: Any) -> None:
        changed = _with_json(request, place, document) if request.body[:1] == b"{" else _with_text(request, place, text)
        raw = changed.render(world.host, world.fill)
        if note("hypothesis", raw, line.send(raw, clean=False)):
            raise Found(repr(raw))

    _go_on(attempt, seed)
    line.close()


def fuzz_described(world: World, note: Note, *, count: int, seed: int) -> None:
    """So many requests that Schemathesis makes from `/api/openapi.json`, as told there and not as told."""
    if not count:
        return
    import schemathesis
    from schemathesis.generation import GenerationMode

    description = requests.get(f"{world.base}/api/openapi.json", timeout=30).json()
    operations: list[Any] = [result.ok() for result in schemathesis.openapi.from_dict(description).get_all_operations()]  # type: ignore[union-attr]
    line = Line(world.port)
    for number, operation in enumerate(operations):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @_limits(max(1, count // (2 * len(operations))))
            @given(operation.as_strategy(generation_mode=mode))
            def attempt(case: Any) -> None:
                raw = _of_case(case).render(world.host, world.fill)
                if note("schemathesis", raw, line.send(raw, clean=False)):
                    raise Found(repr(raw))

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _go_on(attempt, seed + number)
    line.close()


def _limits(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )


def _go_on(attempt: Callable[[], None], seed: int) -> None:
    """Run it; what it finds is noted already, and what cannot be made is nobody's fault."""
    try:
        hypothesis.seed(seed)(attempt)()
    except (Found, hypothesis.errors.HypothesisException, BaseExceptionGroup):
        return


def _with_text(request: Request, place: int, text: str | bytes) -> Request:
    value = quote_from_bytes(
        text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), safe=""
    ).encode()
    path, mark, query = request.target.partition(b"?")
    pairs = (request.body or query).split(b"&")
    name = pairs[place % len(pairs)].partition(b"=")[0]
    pairs[place % len(pairs)] = name + b"=" + value
    joined = b"&".join(pairs)
    return replace(request, body=joined) if request.body else replace(request, target=path + mark + joined)


def _with_json(request: Request, place: int, value: Any) -> Request:
    document = json.loads(request.body)
    names = list(document)
    if place == 0 or not names:
        document = value
    else:
        document[names[place % len(names)]] = value
    return replace(request, body=json.dumps(document).encode())


def _of_case(case: Any) -> Request:
    kwargs = case.as_transport_kwargs(base_url="")
    query = urlencode(kwargs.get("params") or {}, doseq=True, errors="replace")
    target = "/api" + case.formatted_path + (f"?{query}" if query else "")
    headers = [(b"Authorization", b"Bearer {{staff_access}}")]
    body: Any = kwargs.get("data") or b""
    if "json" in kwargs:
        body = json.dumps(kwargs["json"]).encode()
        headers.append((b"Content-Type", b"application/json"))
    body = body if isinstance(body, bytes) else str(body).encode("utf-8", "replace")
    return Request(
        case.method.upper().encode(), quote_from_bytes(target.encode(), safe="/?&=%").encode(), tuple(headers), body
    )
