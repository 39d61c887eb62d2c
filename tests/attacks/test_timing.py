"""What `make timing` computes from its samples, with made-up ones: nothing here is timed (EN-2)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import cast

import pytest

from attacks.meter import Measured, Meter, shape_of
from attacks.separation import chance_of, fastest_of, measure_separation
from attacks.timing import Figures, compare, describe, measure
from attacks.timing_people import Probe
from attacks.volley import Request, form

ROUNDS = 400


class FakeServer:
    """Answers without a wire: `cost` says how long a kind takes, `says` what it is told."""

    def __init__(self, cost: Mapping[str, int], says: Mapping[str, str] | None = None) -> None:
        self._cost, self._says, self._luck = cost, says or {}, random.Random(1)  # noqa: S311 - made-up noise
        self.asked: list[str] = []

    def ask(self, request: Request, *, name: str = "") -> Measured:
        """Take the time of the kind in the request, and noise."""
        kind = request.body.decode().partition("=")[2]
        self.asked.append(kind or request.path)
        noise = self._luck.randrange(1000)
        return Measured(self._cost.get(kind, 0) + noise, 422, 10, self._says.get(kind, "wrong"), {"idp_browser": name})


def run(server: FakeServer, *, next_form: str = "") -> list[Figures]:
    """Measure `known` and `unknown` at it."""
    probes = [
        Probe("sign-in", kind, kind, form("/sign-in", {"kind": kind}), next_form) for kind in ("unknown", "known")
    ]
    return compare(measure(cast(Meter, server), [probes] * ROUNDS))


def test_what_takes_longer_is_told_apart() -> None:
    """A leak of half the noise is far over what may be; none is within chance (EN-2)."""
    (leaky,) = run(FakeServer({"known": 500}))
    assert leaky.time > 0.8
    assert leaky.fastest > leaky.time
    assert not leaky.is_good
    (tight,) = run(FakeServer({}))
    assert tight.best < 0.55
    assert tight.is_good
    assert "told apart" in describe([leaky])
    assert "told apart" not in describe([tight])


def test_what_takes_less_time_is_told_apart_too() -> None:
    """The attacker chooses the direction."""
    (figures,) = run(FakeServer({"unknown": 500}))
    assert figures.time > 0.8


def test_words_that_differ_are_told() -> None:
    """However alike the times are (EN-1)."""
    (figures,) = run(FakeServer({}, {"known": "wrong password"}))
    assert not figures.says_the_same
    assert not figures.is_good
    assert "says something else" in describe([figures])


def test_the_kinds_are_asked_about_in_mixed_order() -> None:
    """Not in blocks, so that what slows the machine for a while slows both; the next page is measured in between."""
    server = FakeServer({})
    run(server)
    kinds = [kind for kind in server.asked if kind in ("known", "unknown")]
    assert {tuple(kinds[at : at + 2]) for at in range(0, len(kinds), 2)} == {("known", "unknown"), ("unknown", "known")}
    assert set(server.asked[1::2]) == {"/register/mail"}


def test_the_page_behind_a_form_is_measured_in_the_same_browser() -> None:
    """It is a form of its own in the table."""
    server = FakeServer({})
    assert {figures.form for figures in run(server, next_form="check mail")} == {"sign-in", "check mail"}
    assert server.asked.count("/register/status") == 2 * ROUNDS


@pytest.mark.parametrize(
    ("ones", "others", "area"),
    [
        ([1, 2, 3], [4, 5, 6], 1.0),
        ([4, 5, 6], [1, 2, 3], 1.0),
        ([1, 1, 1], [1, 1, 1], 0.5),
        ([1, 4], [2, 3], 0.5),
        ([1, 2], [2, 3], 0.875),
    ],
)
def test_separation_is_that_of_mann_and_whitney(ones: list[float], others: list[float], area: float) -> None:
    """Ties count half; the better direction counts."""
    assert measure_separation(ones, others) == pytest.approx(area)


def test_chance_is_what_samples_of_one_kind_show() -> None:
    """Many draws of nothing scatter by the standard deviation that the table tells."""
    luck = random.Random(2)  # noqa: S311 - made-up samples
    draws = [measure_separation(_draw(luck.random), _draw(luck.random)) - 0.5 for _ in range(300)]
    assert (sum(d * d for d in draws) / 300) ** 0.5 == pytest.approx(chance_of(60, 60), rel=0.15)


def test_the_least_of_each_group_is_kept() -> None:
    """What does not fill a group is left out."""
    assert fastest_of([3, 1, 2, 9, 8, 7, 0], 3) == [1, 7]


def test_nothing_is_said_about_no_samples() -> None:
    """An empty kind is a fault of the measurement."""
    with pytest.raises(ValueError, match="both kinds"):
        measure_separation([], [1.0])


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ('<script nonce="a1">', '<script nonce="b2">', True),
        ('data-wait="59"', 'data-wait="60"', True),
        ("Number ABCD-EFGH", "Number JKLM-NPQR", True),
        ("We have written to anna@lab.example", "We have written to bert@lab.example", True),
        ("We have written to anna@lab.example", "bert@lab.example has an account", False),
    ],
)
def test_a_shape_leaves_out_what_always_changes(one: str, other: str, is_same: bool) -> None:
    """And nothing else."""
    assert (shape_of(one, "anna") == shape_of(other, "bert")) is is_same


def _draw(draw: Callable[[], float]) -> list[float]:
    return [draw() for _ in range(60)]
