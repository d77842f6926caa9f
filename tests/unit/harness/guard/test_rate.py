"""A rate changed by hand: the file, and the rest of the plan at the new rate."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadInput, EnvironmentNotReady
from harness.guard.audit_log import read
from harness.guard.kill import REGISTER, registered
from harness.guard.rate import Granted, beyond, read_rate, rest_of, write_grant, write_rate
from harness.orchestrate.rate import set_rate

PLAN: list[dict[str, Any]] = [
    {"kind": "constant", "rate_rps": 10.0, "duration_s": 2.0, "phase": 0},
    {"kind": "constant", "rate_rps": 20.0, "duration_s": 5.0, "phase": 1},
]


@pytest.mark.parametrize(
    ("passed_s", "left"),
    [
        pytest.param(0.5, [(0, 1.5), (1, 5.0)], id="in the warm-up: its rest, then the whole measured part"),
        pytest.param(3.0, [(1, 4.0)], id="in the measured part: its rest"),
        pytest.param(7.0, [], id="at the end: nothing"),
    ],
)
def test_the_rest_of_a_plan(passed_s: float, left: list[tuple[int, float]]) -> None:
    rest = rest_of(PLAN, passed_s, 7)
    assert [(one["phase"], one["duration_s"]) for one in rest] == left
    assert all(one["rate_rps"] == 7.0 for one in rest)


def test_versions_grow(tmp_path: Path) -> None:
    assert read_rate(tmp_path) is None
    assert write_rate(tmp_path, 5).version == 1
    second = write_rate(tmp_path, 6)
    assert (second.version, read_rate(tmp_path)) == (2, second)


def test_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentNotReady, match="no plan runs"):
        set_rate(5, tmp_path)
    with pytest.raises(BadInput, match="xiu kill"):
        set_rate(0, tmp_path)


@pytest.mark.parametrize(
    ("rate", "now_rps", "says"),
    [
        pytest.param(1000, 900.0, "", id="as much as is granted"),
        pytest.param(1001, 901.0, "1,001 taps/s; the allow-list grants 1,000", id="one more"),
        pytest.param(500, 400.0, "", id="a step as high as is granted"),
        pytest.param(501, 400.0, "101 taps/s more within a second; the allow-list grants 100", id="one more than that"),
        pytest.param(100, None, "", id="from nothing"),
        pytest.param(
            101, None, "101 taps/s more within a second; the allow-list grants 100", id="nobody knows from what"
        ),
        pytest.param(1, 900.0, "", id="down, as far as one likes"),
    ],
)
def test_a_changed_rate_keeps_to_what_is_granted(tmp_path: Path, rate: int, now_rps: float | None, says: str) -> None:
    write_grant(tmp_path, Granted(rate_max=1000.0, step_max=100.0))
    assert beyond(tmp_path, rate, now_rps) == says


def test_a_run_of_this_host_is_granted_everything(tmp_path: Path) -> None:
    assert beyond(tmp_path, 10**9, None) == ""
    write_grant(tmp_path, Granted())
    assert beyond(tmp_path, 10**9, None) == ""


def test_beyond_what_is_granted_no_pilot_is_told(tmp_path: Path) -> None:
    run = tmp_path / "r1"
    run.mkdir()
    counts = [{"event": "counts", "at_ns": n * 10**9, "reached": n * 300} for n in range(3)]
    (run / "progress-0.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in counts))
    write_grant(run, Granted(rate_max=1000.0, step_max=100.0))
    with registered([tmp_path / REGISTER], os.getpid(), "r1", run / "kill", run):
        with pytest.raises(BadInput, match="a rate of 101 taps/s more within a second"):
            set_rate(401, tmp_path)
        with pytest.raises(BadInput, match="a rate of 1,001 taps/s; the allow-list grants 1,000"):
            set_rate(1001, tmp_path)
    assert read_rate(run) is None


def answering(run: Path, late: int, over: threading.Event) -> None:
    """Two cannons: the second one sees so many orders too late; both answer each order once."""
    seen = 0
    while not over.wait(0.002):
        order = read_rate(run)
        if order is None or order.version == seen:
            continue
        seen = order.version
        took = {"event": "rate", "version": seen, "at_ns": 1, "taps": 9}
        missed = {"event": "error", "about": "rate", "version": seen, "message": "rate refused: it comes 7 ms too late"}
        for worker, said in enumerate((took, missed if seen <= late else took)):
            with (run / f"progress-{worker}.jsonl").open("a") as file:
                file.write(f"{json.dumps(said)}\n")


@pytest.mark.parametrize(("late", "versions"), [(0, 1), (1, 2), (2, 3), (3, None)])
def test_an_order_that_one_worker_sees_too_late_is_given_anew_to_all(
    tmp_path: Path, late: int, versions: int | None
) -> None:
    run, over = tmp_path / "r1", threading.Event()
    run.mkdir()
    cannons = threading.Thread(target=answering, args=(run, late, over))
    cannons.start()
    try:
        with (
            registered([tmp_path / REGISTER], os.getpid(), "r1", run / "kill", run),
            registered([tmp_path / REGISTER / "two"], os.getpid(), "r1", run / "kill", run),
        ):
            (tmp_path / REGISTER / "two" / f"{os.getpid()}.json").rename(tmp_path / REGISTER / "second.json")
            if versions is None:
                with pytest.raises(EnvironmentNotReady, match="it comes 7 ms too late"):
                    set_rate(40, tmp_path)
                return
            assert "40 taps/s" in set_rate(40, tmp_path)
        order = read_rate(run)
        assert order is not None
        assert order.version == versions
        (line,) = read(tmp_path)
        assert (line.act, line.about["version"]) == ("rate", versions), "one act, whatever it took"
    finally:
        over.set()
        cannons.join(10)
