"""What the sampler makes of what the processes tell: a figure of a worker that hangs is no figure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest

from harness.control_client import ControlClient
from harness.errors import HarnessError
from harness.orchestrate import sampler
from harness.orchestrate.sampler import MoneySampler, added, backlog, oldest_age_s, usual
from harness.runs.state import RunState
from harness.stack.addresses import Addresses

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


APPENDS = "hongbao_append_duration_seconds_bucket"


def test_the_public_s_wins_and_what_they_were_before_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the stress lane, too: of the public's lane; the last figures before the first tap are the baseline."""
    state = RunState("r", "p", "stress", "1", "", 10.0)
    counted: dict[tuple[str, str], float] = {}
    pending: dict[str, float] = {}

    def read(url: str, *_: object) -> dict[object, float]:
        if "front" not in url:
            return {}
        rows = {(APPENDS, (("lane", lane), ("le", edge))): count for (lane, edge), count in counted.items()}
        return rows | {("hongbao_pending_awards", (("lane", lane),)): count for lane, count in pending.items()}

    monkeypatch.setattr(sampler, "read_metrics", read)
    at = Addresses.plain(control_url="http://control", front_metrics_urls=("http://front",))
    away = cast(ControlClient, SimpleNamespace(money=lambda round_: no_money()))
    mine = MoneySampler(at, away, 1, state)
    session = cast(Any, None)
    for now_s, count in ((-2.0, 100.0), (-1.0, 200.0), (1.0, 500.0), (2.0, 900.0)):
        state.now_s = now_s
        counted |= {("live", "0.01"): count, ("live", "+Inf"): count + 1, ("stress", "0.01"): 7_000.0}
        money = mine._sample(session)
        assert money.live_append == {0.01: count, float("inf"): count + 1}
        assert money.live_pending is None, "no front told it"
    assert money.live_baseline == {0.01: 200.0, float("inf"): 201.0}
    pending["live"], pending["stress"] = 3.0, 9.0
    assert mine._sample(session).live_pending == 3
    counted.clear()
    assert mine._sample(session).live_append is None


INF = float("inf")


@pytest.mark.parametrize(
    ("first", "now", "baseline"),
    [
        pytest.param(
            {0.1: 10.0, INF: 900.0}, {0.1: 310.0, INF: 1200.0}, {0.1: 300.0, INF: 300.0}, id="of just before the load"
        ),
        pytest.param({0.1: 10.0, INF: 10.0}, {0.1: 309.0, INF: 309.0}, {0.1: 309.0, INF: 309.0}, id="too few then"),
        pytest.param({0.1: 900.0, INF: 900.0}, {0.1: 400.0, INF: 400.0}, {0.1: 400.0, INF: 400.0}, id="a front anew"),
        pytest.param(None, {0.1: 400.0, INF: 400.0}, {0.1: 400.0, INF: 400.0}, id="nothing before"),
        pytest.param({0.1: 900.0, INF: 900.0}, None, None, id="nothing now"),
    ],
)
def test_what_is_usual(
    first: dict[float, float] | None, now: dict[float, float] | None, baseline: dict[float, float] | None
) -> None:
    assert usual(first, now) == baseline


def no_money() -> NoReturn:
    raise HarnessError("control is away")
