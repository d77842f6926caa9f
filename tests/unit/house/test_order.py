"""The order of tests for workers side by side: each begins with his share of the long files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.order import dealt, is_short

LONG = [Path(f"tests/integration/test_{name}.py") for name in "abcde"]
SHORT = [Path(f"tests/unit/test_{name}.py") for name in "vwxyz"]


def items(long: int, short: int) -> list[tuple[Path, int]]:
    """Tests of these files, so many in each, as pytest collects them."""
    return [
        (file, number) for files, many in ((LONG, long), (SHORT, short)) for file in files for number in range(many)
    ]


def cut(order: list[tuple[Path, int]], workers: int) -> list[list[tuple[Path, int]]]:
    """Each worker's first tests, as xdist sends them."""
    left, parts = list(order), []
    for number in range(workers):
        size = len(left) // (workers - number)
        parts.append(left[:size])
        left = left[size:]
    return parts


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(("long", "short"), [(2, 9), (3, 8), (1, 0), (0, 5)])
def test_no_test_is_lost_or_twice(workers: int, long: int, short: int) -> None:
    before = items(long, short)
    order = dealt(before, workers, lambda item: item[0])
    assert sorted(order) == sorted(before)


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_each_worker_begins_with_long_files_and_ends_with_short_ones(workers: int) -> None:
    parts = cut(dealt(items(2, 9), workers, lambda item: item[0]), workers)
    for number, part in enumerate(parts):
        mine = LONG[number::workers]
        assert [item for item in part if not is_short(item[0])] == [(file, n) for file in mine for n in range(2)]
        assert [is_short(file) for file, _ in part] == sorted(is_short(file) for file, _ in part)
        assert is_short(part[-1][0])


def test_where_the_long_ones_are_more_than_a_share_none_is_cut_in_two() -> None:
    order = dealt(items(9, 1), 4, lambda item: item[0])
    begins = [index for index, item in enumerate(order) if item[1] == 0 and not is_short(item[0])]
    for at in begins:
        assert [number for _, number in order[at : at + 9]] == list(range(9))
        assert len({file for file, _ in order[at : at + 9]}) == 1
