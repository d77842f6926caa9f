"""What the sampler makes of what the processes tell: a figure of a worker that hangs is no figure."""

from __future__ import annotations

import pytest

from harness.orchestrate.sampler import added, backlog, oldest_age_s

LAG, PROGRESS = "hongbao_stream_lag_entries", "hongbao_credit_progress_age_seconds"


@pytest.mark.parametrize(
    ("told", "entries"),
    [
        pytest.param({LAG: 0.0, PROGRESS: 0.2}, 0, id="empty, as it just saw"),
        pytest.param({LAG: 7.0, PROGRESS: 0.2}, 7, id="some wait"),
        pytest.param({LAG: 0.0, PROGRESS: 5.0}, None, id="empty five seconds ago: it does not know"),
        pytest.param({LAG: 7.0, PROGRESS: 5.0}, 7, id="so many at least"),
        pytest.param({LAG: 0.0}, 0, id="a worker that tells no progress"),
        pytest.param({}, None, id="no answer"),
    ],
)
def test_an_empty_backlog_is_believed_only_of_a_worker_that_goes_on(told: dict[str, float], entries: int | None):
    assert backlog(told) == entries


def test_workers_of_several_cells_are_one_figure_and_none_where_one_is_silent() -> None:
    age = "hongbao_stream_oldest_age_seconds"
    assert oldest_age_s([{age: 0.5}, {age: 3.0}]) == 3.0
    assert oldest_age_s([{age: 0.5}, {}]) is None
    assert oldest_age_s([]) is None
    assert added([{0.1: 2.0, 1.0: 5.0}, {0.1: 1.0, 1.0: 1.0}]) == {0.1: 3.0, 1.0: 6.0}
    assert added([{0.1: 2.0}, None]) is None
