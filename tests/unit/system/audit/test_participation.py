"""S17 on small histories: what is equal passes, what is missing or too much does not, what nobody knows is unknown."""

from __future__ import annotations

import numpy as np
import pytest
from pyroaring import BitMap64

from system.audit.judging import Judge
from system.audit.season.participation import of_round
from system.contract.history import OP_DTYPE, Outcome

TOLD = (
    (1, Outcome.WIN, 200), (1, Outcome.REPEAT, 200), (2, Outcome.LOSE, 200), (2, Outcome.PENDING, 202),
    (3, Outcome.REFUSED, 429), (4, Outcome.REFUSED, 401),
)  # fmt: skip
"""(user, outcome, status): four taps of two people, one too fast, two that showed a sponsor."""
UNKNOWN = (5, Outcome.UNKNOWN, 0)


@pytest.mark.parametrize(
    ("more", "counted", "users", "died", "behind", "valid"),
    [
        pytest.param((), (4, 1, 2), {1, 2}, 0, 0, True, id="all equal"),
        pytest.param((), (3, 1, 2), {1, 2}, 0, 0, False, id="a tap that nobody counted"),
        pytest.param((), (5, 1, 2), {1, 2}, 0, 0, False, id="a tap that nobody made"),
        pytest.param((), (4, 2, 2), {1, 2}, 0, 0, False, id="too many that were too fast"),
        pytest.param((), (4, 1, 1), {1, 2}, 0, 0, False, id="a sponsor shown and not counted"),
        pytest.param((), (4, 1, 2), {1}, 0, 0, False, id="a user who is not counted"),
        pytest.param((), (4, 1, 2), {1, 2, 3}, 0, 0, False, id="a user who was only refused"),
        pytest.param((UNKNOWN,), (5, 1, 2), {1, 2, 5}, 0, 0, True, id="an unknown answer may be counted"),
        pytest.param((UNKNOWN,), (4, 1, 2), {1, 2}, 0, 0, True, id="or not"),
        pytest.param((UNKNOWN,), (6, 1, 2), {1, 2, 5}, 0, 0, False, id="but once"),
        pytest.param((), (2, 0, 1), {1}, 1, 0, True, id="a killed front: uncounted, a lower bound"),
        pytest.param((), (5, 1, 2), {1, 2}, 1, 0, False, id="which excuses nothing that is too much"),
        pytest.param((), (2, 0, 1), {1}, 0, 1, "unknown", id="a front that has more to write"),
        pytest.param((), (4, 1, 2), {1, 2}, 0, 1, True, id="and has written all"),
    ],
)
def test_counted_is_what_was_answered(
    more: tuple[tuple[int, Outcome, int], ...],
    counted: tuple[int, int, int],
    users: set[int],
    died: int,
    behind: int,
    valid: bool | str,
) -> None:
    ops = np.zeros(len(TOLD) + len(more), OP_DTYPE)
    for row, (uid, outcome, http) in zip(ops, (*TOLD, *more), strict=True):
        row["uid"], row["outcome"], row["http"], row["round"], row["sent_ns"] = uid, outcome, http, 7, 1
    judge = Judge("S17")
    of_round(judge, 7, ops, counted, BitMap64(users), died, behind)
    finding = judge.finding()
    assert finding.valid == valid, finding.first
    if died and valid is True:
        assert "uncounted 5" in finding.figure, "two taps, one too fast, one sponsor, one user"
