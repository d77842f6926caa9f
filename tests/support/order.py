"""The order of the tests for workers that run side by side.

xdist gives each worker an equal run of neighbours; who has done his steals from the end of another's. In the order of
the folders one worker gets nearly all that starts a stack, and at last some wait for a long test that nobody can share.
So each worker begins with his share of the long files and ends with unit tests, which take milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def dealt(items: Sequence[T], workers: int, file: Callable[[T], Path]) -> list[T]:
    """The items, files of `tests/unit` last in each worker's run of neighbours. A file outside stays in one piece."""
    runs = [list(tests) for _, tests in groupby(items, file)]
    short = chain.from_iterable(run for run in runs if is_short(file(run[0])))
    long = [run for run in runs if not is_short(file(run[0]))]
    shares = [list(chain.from_iterable(long[number::workers])) for number in range(workers)]
    return [*chain.from_iterable(filled(shares, len(items), short)), *short]


def is_short(file: Path) -> bool:
    return "unit" in file.parts


def filled(shares: Sequence[list[T]], count: int, short: Iterable[T]) -> Iterator[list[T]]:
    """Each share with as many short ones as it lacks, as xdist cuts them: from the first, what is left by how many."""
    left = count
    short = iter(short)
    for number, share in enumerate(shares):
        size = left // (len(shares) - number)
        left -= size
        yield [*share, *islice(short, max(0, size - len(share)))]


def deal(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker: puts its tests in that order. All workers do the same, so all have the same list."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        items[:] = dealt(items, int(worker["workercount"]), lambda item: item.path)
