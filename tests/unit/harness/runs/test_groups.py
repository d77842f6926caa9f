"""Several runs beside several others: equal ones show no difference, a front slowed by a fifth is a regression."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from harness.runs.compare import NotComparable, NothingToCompare
from harness.runs.folder import new_run, write_run
from harness.runs.groups import STUDENT, compare_groups, interval
from harness.runs.noise import Figure, NoiseFloor
from harness.runs.record import Resource, RunRecord
from tests.support.sample_run import record, sponsors, timeline
from xiu.cli import main


def runs(name: str, slow: float = 1.0, *, count: int = 3, seed: int = 1, jitter: float = 0.02) -> list[RunRecord]:
    """Runs of one system, whose figures differ by chance; `slow`: times the front's work, and what waits for it."""
    random_, whole = random.Random(f"{name}{seed}"), record()
    found: list[RunRecord] = []
    for number in range(count):
        by = slow * (1 + random_.uniform(-jitter, jitter))
        latency: dict[str, Any] = {}
        for of in ("response", "service"):
            p = getattr(whole.latency_ms, of)
            latency[of] = p.model_copy(update={q: (getattr(p, q) or 1.0) * by for q in ("p50", "p95", "p99", "p999")})
        front = whole.resources["front-0"]
        used = {**whole.resources, "front-0": Resource(cpu_s=(front.cpu_s or 40.0) * by, rss_mib_max=front.rss_mib_max)}
        latencies = whole.latency_ms.model_copy(update=latency)
        found.append(record(run_id=f"{name}{number}", latency_ms=latencies, resources=used))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_equal_runs_show_no_difference(seed: int) -> None:
    found = compare_groups(runs("a", seed=seed), runs("b", seed=seed))
    assert (found.verdict, found.exit_code, found.regressions) == ("PASS", 0, ())
    assert {row.state for row in found.differences} <= {"same", "not judged", "no data"}


@pytest.mark.parametrize("seed", range(20))
def test_a_front_slowed_by_a_fifth_is_a_regression(seed: int) -> None:
    found = compare_groups(runs("a", seed=seed), runs("b", 1.2, seed=seed))
    assert (found.verdict, found.exit_code) == ("FAIL", 99)
    assert "front-0 CPU" in found.regressions
    assert "service p50" in found.regressions
    back = compare_groups(runs("b", 1.2, seed=seed), runs("a", seed=seed))
    assert (back.verdict, back.exit_code) == ("PASS", 0), "quicker is no regression"
    assert "better" in {row.state for row in back.differences}


def test_runs_that_differ_much_among_themselves_claim_nothing() -> None:
    wild = compare_groups(runs("a", jitter=0.3), runs("b", 1.2, jitter=0.3))
    assert wild.verdict == "PASS"
    (row,) = [one for one in wild.differences if one.what == "service p50"]
    assert row.noise > 0.2 * (row.a or 0.0)


def test_one_run_of_b_as_good_as_one_of_a_is_no_claim() -> None:
    b = runs("b", 1.2)
    again = [*b[:2], runs("a", seed=9)[0].model_copy(update={"run_id": "b9"})]
    assert compare_groups(runs("a"), again).regressions == ()


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        pytest.param(runs("a", count=2), runs("b"), "2 and 3 runs; expected 3 of each", id="too few"),
        pytest.param(runs("a"), [*runs("b")[:2], runs("a")[0]], "a0 stands twice", id="one on both sides"),
        pytest.param(
            runs("a"), [*runs("b")[:2], record(run_id="b2", plan="soak")], "b2: different plans", id="another plan"
        ),
    ],
)
def test_what_is_no_comparison_is_refused(a: list[RunRecord], b: list[RunRecord], says: str) -> None:
    with pytest.raises(NotComparable, match=says):
        compare_groups(a, b)


def test_a_run_without_a_judgement_is_named() -> None:
    b = [*runs("b")[:2], record(run_id="b2", verdict="INVALID")]
    with pytest.raises(NothingToCompare, match="b2 is INVALID"):
        compare_groups(runs("a"), b)


def test_a_fen_is_a_fen_in_any_run() -> None:
    b = runs("b")
    off = b[2].model_copy(update={"money": b[2].money.model_copy(update={"residue_fen": 1})})
    assert compare_groups(runs("a"), [*b[:2], off]).regressions == ("money residue",)


def test_the_interval_is_student_s_and_has_a_floor() -> None:
    one = Figure("response p50", "ms", 1.0, "lower", NoiseFloor(0.3, 1.0))
    wide = interval(one, [1.0, 1.1, 1.2], [2.0, 2.1, 2.2])
    assert wide == pytest.approx(STUDENT[4] * 0.1 * (2 / 3) ** 0.5)
    assert interval(one, [1.0] * 3, [2.0] * 3) == pytest.approx(0.05)
    assert interval(Figure("x", "ms", 1.0, "lower", NoiseFloor(0.3, 1.0)), [1.0] * 3, [2.0] * 3) == 1.0


def test_the_command_takes_them_with_commas_between(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    groups: dict[str, str] = {}
    for name, slow in (("a", 1.0), ("b", 1.0), ("c", 1.2)):
        folders = []
        for one in runs(name, slow):
            folder = new_run(tmp_path, one.run_id)
            write_run(folder, one.model_copy(update={"run_id": folder.name}), timeline(), sponsors())
            folders.append(folder.name)
        groups[name] = ",".join(folders)

    def compared(a: str, b: str, *more: str) -> int:
        try:
            return main(["--runs", str(tmp_path), "--json", "run", "compare", groups[a], groups[b], *more]) or 0
        except SystemExit as exc:
            return int(exc.code or 0)

    assert compared("a", "b") == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "PASS"
    assert compared("a", "c") == 99
    assert "front-0 CPU" in json.loads(capsys.readouterr().out)["regressions"]
    assert compared("a", "b", "--of", "3") == 2
