"""Benches: medians of alternated pairs, the document's fields, the search for the highest rate that holds."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from harness.bench.common import Report, alternate
from harness.bench.engine import highest
from harness.errors import BadInput
from xiu.commands import bench


def _counter(values: list[float], log: list[str], name: str) -> Callable[[], float]:
    queue = iter(values)

    def measure() -> float:
        log.append(name)
        return next(queue)

    return measure


def test_value_and_anchor_take_turns_and_medians_are_compared() -> None:
    log: list[str] = []
    value, anchor = _counter([6, 90, 8], log, "value"), _counter([2, 1, 4], log, "anchor")
    report = Report("x", "y/s", "z", alternate(value, anchor, log.append, 3), {"more": 1})
    assert [word for word in log if word in ("value", "anchor")] == ["value", "anchor"] * 3
    document = report.document()
    assert (document["value"], document["anchor_value"], document["ratio"]) == (8, 2, 4)
    assert document["samples"] == [[6, 2], [90, 1], [8, 4]]
    assert {"bench", "anchor", "unit", "environment", "more"} <= document.keys()


def test_fewer_than_three_samples_are_refused() -> None:
    with pytest.raises(BadInput, match="at least 3"):
        alternate(lambda: 1.0, lambda: 1.0, str, 2)


@pytest.mark.parametrize(
    ("limit", "start"),
    [
        pytest.param(70_000, 40_000, id="above the start"),
        pytest.param(12_345, 40_000, id="below it"),
        pytest.param(40_000, 40_000, id="right on it"),
    ],
)
def test_highest_rate_that_holds(limit: float, start: float) -> None:
    found = highest(lambda rate: rate <= limit, start)
    assert limit / 1.03 <= found <= limit


def test_nothing_holds() -> None:
    assert highest(lambda rate: False, 40_000) == 0.0


def test_an_unknown_bench_is_refused_with_what_was_meant() -> None:
    with pytest.raises(BadInput, match=r"open-loop.*did you mean open-loop"):
        bench.run(argparse.Namespace(bench="openloop", seconds=None, json=False))


def test_the_benches_of_this_part_are_there() -> None:
    known = {
        "cards",
        "credit",
        "credit-cells",
        "engine",
        "fission",
        "front",
        "k6",
        "kill",
        "locustfile",
        "memory",
        "open-loop",
        "peers",
        "recorder",
        "relations",
        "report",
        "tickets",
        "wins",
        "wins-cells",
        "workers",
    }
    assert set(bench.names()) == known


@pytest.mark.parametrize("name", ["credit", "recorder", "report", "tickets"])
def test_a_bench_with_work_to_do_takes_no_length(name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} takes no --seconds"):
        bench.run(argparse.Namespace(bench=name, seconds=1.0, json=False))


def test_pairs_are_for_relations_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInput, match="credit takes no --pairs"):
        bench.run(argparse.Namespace(bench="credit", seconds=None, pairs=100, json=False))
    parser = argparse.ArgumentParser()
    bench.configure(parser)
    assert parser.parse_args(["relations", "--pairs", "3000"]).pairs == 3_000
    for wrong in ("2", "-5", "1e6", "100000001"):
        with pytest.raises(SystemExit):
            parser.parse_args(["relations", "--pairs", wrong])
        assert "expected 3 to 100000000" in capsys.readouterr().err
