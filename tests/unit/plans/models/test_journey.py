"""Journey files: rows that plans share, each with a rate that follows from the forecast's fan-out."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engine import shots
from plans.models import PlanError, find, journey_files, load_journey, load_plan
from plans.models.fan_out import per_packet

FULL = find("full-link", "stress")
SMOKE = find("smoke", "stress")
HOME = FULL.parents[1]


def write(folder: Path, rows: str, plan: Path = FULL) -> Path:
    """The plan with one journey of its own, `mine.yaml`."""
    head = "kind: journey\nid: mine\ntitle: {zh: 我的, en: Mine}\nrows:\n"
    (folder / "mine.yaml").write_text(head + rows, encoding="utf-8")
    text = plan.read_text(encoding="utf-8").replace("../forecasts", str(HOME / "forecasts"))
    kept = [line for line in text.splitlines() if not line.startswith(("  - ../journeys", "journeys:"))]
    file = folder / "own.yaml"
    whole = "\n".join(kept).replace(f"id: {plan.stem}", "id: own") + "\njourneys: [mine.yaml]\n"
    file.write_text(whole, encoding="utf-8")
    return file


def test_each_journey_of_the_project_is_good_and_is_part_of_the_full_link() -> None:
    loaded = load_plan(FULL, shots.files())
    named = {(FULL.parent / name).resolve() for name in loaded.plan.journeys}
    assert named == {file.resolve() for file in journey_files()}
    rows = [row.name for file in journey_files() for row in load_journey(file).rows]
    assert sorted(rows) == sorted(one.name for one in loaded.plan.beside)


def test_a_row_has_the_rate_that_the_forecast_gives_it(tmp_path: Path) -> None:
    rows = (
        "  - {shot: wallet, after: tap, on: [win], per_win: 60%}\n"
        "  - {shot: share, after: wallet, on: [funded], fan_out: shares}\n"
    )
    loaded = load_plan(write(tmp_path, rows), shots.files())
    assert [one.peak_rps(2500, 1.0) for one in loaded.plan.beside] == pytest.approx([60.0, 9.0])
    assert [one.peak_rps(500, 0.2) for one in loaded.plan.beside] == pytest.approx([12.0, 1.8])
    assert per_packet(loaded.forecast, "claims") == 0.45
    warm_up, measured = loaded.plan.segments_of(loaded.plan.beside[0], 2500, 1.0)
    assert (warm_up["rate_rps"], measured["rate_rps"]) == (0.0, pytest.approx(60.0))


def test_the_locked_plan_is_read_back_with_its_rows() -> None:
    from plans.models import StressPlan

    plan = load_plan(FULL).plan
    again = StressPlan.model_validate(plan.model_dump(mode="json"), context={"parsed": True})
    assert again == plan


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param(
            "  - {shot: wallet, after: taps, on: [win], per_win: 1%}\n", "no journey taps above it", id="whom"
        ),
        pytest.param("  - {shot: wallet, after: tap, per_win: 1%}\n", "which answers of tap", id="no outcome"),
        pytest.param("  - {shot: wallet, on: [win], per_win: 1%}\n", "`on` of a journey that follows none", id="on"),
        pytest.param("  - {shot: wallet, each: 3, per_win: 1%}\n", "`each` of a journey that follows none", id="each"),
        pytest.param("  - {shot: tap, share: 100%}\n", "the plan itself taps", id="taps"),
        pytest.param("  - {shot: wallet, per_win: 1%, share: 1%}\n", "share and per_win", id="two rates"),
        pytest.param("  - {shot: walet, per_win: 1%}\n", "no shot `walet`", id="shot"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, rows: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        load_plan(write(tmp_path, rows), shots.files())


def test_a_file_that_is_not_there_and_a_name_that_stands_twice(tmp_path: Path) -> None:
    file = write(tmp_path, "  - {shot: wallet, per_win: 1%}\n")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[mine.yaml]", "[mime.yaml, mine.yaml, mine.yaml]"), encoding="utf-8")
    with pytest.raises(PlanError) as caught:
        load_plan(file, shots.files())
    assert "mime.yaml: no such file" in str(caught.value)
    assert "journey wallet stands twice" in str(caught.value)


def test_a_fan_out_needs_a_season(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="no season, which says how many shares there are"):
        load_plan(write(tmp_path, "  - {shot: share, after: tap, on: [win], fan_out: shares}\n", SMOKE), shots.files())
