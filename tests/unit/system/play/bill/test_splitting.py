"""Equal parts of a bill: everybody the same, exact to the fen; a bill that cannot be is refused with its own code."""

from __future__ import annotations

import random

import pytest

from system.contract.errors import Refused
from system.play.bill.splitting import part


@pytest.mark.parametrize("seed", range(20))
def test_parts_are_equal_and_the_payer_bears_what_is_left_over(seed: int) -> None:
    rng = random.Random(seed)
    asked = rng.sample(range(1, 1000), rng.randint(1, 50))
    fen = rng.randint(len(asked) + 1, 10 ** rng.randint(3, 12))
    each = part(fen, 0, asked)
    own = fen - each * len(asked)
    assert each >= 1
    assert each <= own <= each + len(asked)


@pytest.mark.parametrize(
    ("fen", "asked", "each"), [(100, [1], 50), (100, [1, 2], 33), (3, [1, 2], 1), (10_000, [9, 8, 7], 2500)]
)
def test_parts(fen: int, asked: list[int], each: int) -> None:
    assert part(fen, 0, asked) == each


@pytest.mark.parametrize(
    ("fen", "asked", "code"),
    [
        pytest.param(100, [1, 0], "self_bill", id="himself"),
        pytest.param(100, [1, 2, 1], "asked_twice", id="one twice"),
        pytest.param(2, [1, 2], "bill_too_small", id="less than a fen each"),
    ],
)
def test_a_bill_that_cannot_be(fen: int, asked: list[int], code: str) -> None:
    with pytest.raises(Refused) as refused:
        part(fen, 0, asked)
    assert (refused.value.code, refused.value.status, refused.value.effect) == (code, 409, "none")
