"""A plan of several rounds and workers: a count, or a list; as written before, it is one of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.orchestrate.prepare import RoundPlace
from plans.models.errors import PlanError
from plans.models.home import HOME
from plans.models.load import load_plan
from plans.models.stress import StressPlan

SMOKE = (HOME / "stress" / "smoke.yaml").read_text().replace("../", f"{HOME}/")
LINE = len(SMOKE.splitlines()) + 1
"""That of the first line that is added."""


def planned(tmp_path: Path, *lines: str) -> StressPlan:
    file = tmp_path / "own.yaml"
    file.write_text(SMOKE.replace("id: smoke", "id: own") + "".join(f"{line}\n" for line in lines))
    return load_plan(file).plan


@pytest.mark.parametrize(
    ("lines", "pauses", "workers"),
    [
        ((), [0.0], 1),
        (("rounds: 3", "workers: 2"), [0.0, 0.0, 0.0], 2),
        (("rounds: [{}, {pause: 2s}]",), [0.0, 2.0], 1),
    ],
)
def test_rounds(lines: tuple[str, ...], pauses: list[float], workers: int, tmp_path: Path) -> None:
    plan = planned(tmp_path, *lines)
    assert ([one.pause for one in plan.rounds], plan.workers) == (pauses, workers)
    again = StressPlan.model_validate(plan.model_dump(mode="json"), context={"parsed": True})
    assert again == plan, "as it is locked"


@pytest.mark.parametrize("line", ["rounds: 0", "rounds: 9", "rounds: two", "rounds: []", "rounds: true", "workers: 0"])
def test_what_is_no_count_is_refused_in_its_line(line: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=rf"own\.yaml:{LINE}: .*{line.split(':')[0]}.*1"):
        planned(tmp_path, line)


def test_a_pause_before_the_first_round_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=rf"own\.yaml:{LINE}: .*the first round has a pause; expected one between two"):
        planned(tmp_path, "rounds: [{pause: 3s}, {}]")


def test_a_later_round_begins_a_whole_number_of_seconds_after_the_first() -> None:
    first_ns = 1_000_000_000_123_456_000
    assert RoundPlace().pad_us(first_ns) == 0
    later = RoundPlace(2, first_ns)
    for passed_us in (20_000_000, 20_000_001, 20_999_999):
        pad_us = later.pad_us(first_ns + passed_us * 1000)
        assert 0 <= pad_us < 1_000_000
        assert (passed_us + pad_us) % 1_000_000 == 0
