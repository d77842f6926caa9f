"""Pairs of an address book, as ties: once each, in the order of locks, with a bit for each side."""

from __future__ import annotations

import numpy as np
import pytest

from system.contract.errors import Refused
from system.ledger.interactions import SelfTie
from system.play.ties.ingest import canonical, to_copy


@pytest.mark.parametrize("above", [0, (1 << 31) - 10, (1 << 31) - 9, (1 << 62)])
def test_each_tie_once_in_order_with_the_bits_of_both_sides(above: int) -> None:
    ties, book = canonical(np.array([[9, 2], [1, 2], [2, 9], [1, 2], [4, 3]]) + above)
    assert (ties - above).tolist() == [[1, 2], [2, 9], [3, 4]]
    assert book.tolist() == [1, 3, 2]


@pytest.mark.parametrize(("pairs", "error"), [([[1, 2], [4, 4]], SelfTie), ([[1, 2], [-4, 4]], Refused)])
def test_a_pair_that_is_none(pairs: list[list[int]], error: type[Exception]) -> None:
    with pytest.raises(error, match="4"):
        canonical(np.array(pairs))


def test_the_copy_is_postgresqls_binary_format() -> None:
    text = to_copy(np.array([[1, 258]]), np.array([3], dtype=np.int16))
    row = b"\0\3" + b"\0\0\0\x08" + (1).to_bytes(8) + b"\0\0\0\x08" + (258).to_bytes(8) + b"\0\0\0\2" + b"\0\3"
    assert text == b"PGCOPY\n\xff\r\n\0" + bytes(8) + row + b"\xff\xff"
