"""The tape: what happened to each tap of one worker, in preallocated columns. The hot path writes single cells.

Columns are ``array`` objects for quick single cells, and numpy views of the same memory for everything else.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

NEVER = (1 << 63) - 1


def _zeros(code: str, length: int) -> array[int]:
    cells = array(code, bytes(array(code).itemsize * length))
    return cells


def _cells(code: str, values: npt.NDArray[np.int64] | npt.NDArray[np.int32]) -> array[int]:
    cells = array(code)
    cells.frombytes(values.tobytes())
    return cells


@dataclass(slots=True)
class Tape:
    """``intended`` has one cell more, NEVER, so that the pacer needs no bounds check. All times CLOCK_MONOTONIC ns."""

    intended: array[int]
    connection: array[int]
    user: array[int]
    kind: npt.NDArray[np.uint8]
    phase: npt.NDArray[np.uint8]
    reached: array[int] = field(init=False)
    sent: array[int] = field(init=False)
    done: array[int] = field(init=False)
    code: array[int] = field(init=False)
    awards: dict[int, tuple[int, int]] = field(default_factory=dict)
    """tap → (packet, fen), for the few answers that name an award."""

    def __post_init__(self) -> None:
        taps = len(self.kind)
        # Written zeros, not lazily mapped ones: a page fault in the hot phase would be our own lag.
        self.reached, self.sent, self.done = (_zeros("q", taps + 1) for _ in range(3))
        self.code = _zeros("H", taps + 1)

    @classmethod
    def of(
        cls,
        intended_ns: npt.NDArray[np.int64],
        connection: npt.NDArray[np.int32],
        user: npt.NDArray[np.int32],
        kind: npt.NDArray[np.uint8],
        phase: npt.NDArray[np.uint8],
    ) -> Tape:
        intended = _cells("q", np.append(intended_ns, NEVER))
        return cls(intended, _cells("i", connection), _cells("i", user), kind, phase)

    def __len__(self) -> int:
        return len(self.kind)

    def shift(self, start_ns: int) -> None:
        """Turns offsets into times of the clock."""
        self.times(self.intended)[:] += start_ns

    def times(self, cells: array[int]) -> npt.NDArray[np.int64]:
        """numpy view of a column of times, without the sentinel."""
        return np.frombuffer(cells, np.int64, len(self))

    def codes(self) -> npt.NDArray[np.uint16]:
        return np.frombuffer(self.code, np.uint16, len(self))

    def users(self) -> npt.NDArray[np.int32]:
        return np.frombuffer(self.user, np.int32, len(self))
