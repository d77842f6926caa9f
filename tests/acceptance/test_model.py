"""The money protocol's model in every state: some 650,000 of them, 40 s of one core."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chaos.model.__main__ import explore, summary, walks
from chaos.model.scenarios import CRASH_POINTS


@pytest.mark.timeout(900)  # a search: bounded by its count of states
def test_the_protocol_holds_in_every_state(record_property: Callable[[str, object], None]) -> None:
    found = explore(640_000, show=False)
    walked = walks(100, seed=1, show=False)
    record_property("shown", summary(found, walked))
    assert found.broken == walked.broken == {}
    assert found.states >= 300_000
    never = [point for point in CRASH_POINTS if not found.taken[point]]
    assert never == []
    # Not vacuous: rounds close, with wins in them, and every front's word.
    for step in (
        "the close commits",
        "front N confirms N-N",
        "credit commits up to N-N",
        "front N awards packet N to user N",
    ):
        assert found.taken[step] > 100
    assert walked.steps > 1000
