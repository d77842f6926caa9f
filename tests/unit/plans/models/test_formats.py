"""The format of plan files: an older one is refused in words and upgraded in its place, a newer one is not read."""

from __future__ import annotations

import shutil
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from plans.models import PlanError, load_plan, stress_files
from plans.models import formats as module
from plans.models.document import Document
from plans.models.formats import CHANGES, FIRST, FORMAT, FormatChange, applied, changes_of
from plans.models.home import HOME
from plans.models.service import is_service, load_service
from plans.models.stress import StressPlan
from plans.models.upgrade import upgraded
from tests.support.plan_files import PLAN, line_of, spoil


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The gala's plan as the first releases had it."""
    (tmp_path / "forecasts").mkdir()
    (tmp_path / "stress").mkdir()
    shutil.copy(HOME / "forecasts" / "gala-share.yaml", tmp_path / "forecasts")
    copied = Path(shutil.copy(PLAN, tmp_path / "stress"))
    spoil(copied, (f"format: {FORMAT}\n", ""), ("foreign: 1_200}", "foreign: 1_200, replayed: 100}  # a sample"))
    return copied


def problems(file: Path) -> list[str]:
    with pytest.raises(PlanError) as caught:
        load_plan(file)
    return [str(problem) for problem in caught.value.problems]


def test_the_model_knows_each_format_and_every_step_between_them() -> None:
    known = typing.get_args(StressPlan.model_fields["format"].annotation)
    assert known == tuple(range(FIRST, FORMAT + 1))
    assert sorted(CHANGES) == list(range(FIRST, FORMAT))


@pytest.mark.parametrize("file", stress_files(), ids=lambda file: file.stem)
def test_the_plans_of_the_checkout_are_of_the_present_format(file: Path) -> None:
    plan = load_service(file).plan if is_service(file) else load_plan(file).plan
    assert plan.format == FORMAT


def test_an_older_key_is_refused_at_its_line_with_the_command(plan: Path) -> None:
    at = line_of(plan, "probes:")
    what = "`probes.replayed`: of format 1; nobody sent such a probe"
    assert problems(plan) == [f"{plan}:{at}: {what}; expected format 2: xiu plan upgrade {plan}"]


def test_a_file_without_anything_older_in_it_is_read_as_it_is(plan: Path) -> None:
    spoil(plan, (", replayed: 100}", "}"))
    assert load_plan(plan).plan.format == FIRST


def test_the_upgraded_text_is_the_old_one_but_for_what_the_format_changed(plan: Path) -> None:
    before = plan.read_text(encoding="utf-8")
    one = upgraded(plan)
    expected = before.replace("kind: stress\n", "kind: stress\nformat: 2\n").replace(", replayed: 100}", "}")
    assert (one.text, one.was) == (expected, 1)
    assert one.told == ("`probes.replayed` is left out: nobody sent such a probe",)
    plan.write_text(one.text, encoding="utf-8")
    assert load_plan(plan).plan.format == FORMAT
    again = upgraded(plan)
    assert (again.text, again.is_new) == (one.text, False), "twice is once"


BLOCK = "probes:\n  forged: 1_200   # a sample\n  expired: 1_200\n  foreign: 1_200\n"


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        pytest.param("probes: {replayed: 7, forged: 9}", "probes: {forged: 9}", id="the first of a line"),
        pytest.param("probes: {forged: 9, replayed: 7, foreign: 8}", "probes: {forged: 9, foreign: 8}", id="between"),
        pytest.param("probes: {replayed: 7}  # none", "probes: {}  # none", id="alone in a line"),
        pytest.param("probes:\n  replayed: 7 # none\n", "probes:\n  {} # none\n", id="alone in a block"),
        pytest.param(f"{BLOCK}  replayed: 7 # none\n", BLOCK, id="the last of a block"),
        pytest.param(
            BLOCK.replace("probes:\n", "probes:\n  replayed: 7\n"), BLOCK, id="the first of a block, comments stay"
        ),
        pytest.param("probes: {forged: 9,\n  replayed: 7}", "probes: {forged: 9}", id="over two lines"),
        pytest.param("probes:\r\n  forged: 9\r\n  replayed: 7\r\n", "probes:\r\n  forged: 9\r\n", id="of Windows"),
    ],
)
def test_a_key_goes_and_its_neighbours_stay(plan: Path, written: str, becomes: str) -> None:
    old = "probes: {forged: 1_200, expired: 1_200, foreign: 1_200, replayed: 100}  # a sample"
    text = plan.read_text(encoding="utf-8")
    if "\r" in written:
        text = text.replace("\n", "\r\n")
    plan.write_bytes(text.replace(old, written).encode())
    new = upgraded(plan).text
    end = "\r\n" if "\r" in written else "\n"
    assert new == text.replace(old, becomes).replace(f"kind: stress{end}", f"kind: stress{end}format: 2{end}")


def test_an_older_number_is_replaced(plan: Path) -> None:
    spoil(plan, ("kind: stress\n", "format: 1 # ours\nkind: stress\n"))
    assert "format: 2 # ours\nkind: stress\n" in upgraded(plan).text


@pytest.mark.parametrize(
    ("number", "says"),
    [
        pytest.param("3", "`format`: 3 is newer than this xiu reads; expected at most 2, or a newer xiu", id="newer"),
        pytest.param("two", "`format`: 'two'; expected one of 1, 2", id="no number"),
        pytest.param("true", "`format`: True is not a format; expected a whole number", id="a flag"),
        pytest.param("0", "`format`: 0; expected one of 1, 2", id="older than the first"),
    ],
)
def test_a_format_that_is_not_known_is_refused(plan: Path, number: str, says: str) -> None:
    spoil(plan, (", replayed: 100}", "}"), ("kind: stress\n", f"kind: stress\nformat: {number}\n"))
    assert problems(plan) == [f"{plan}:{line_of(plan, 'format:')}: {says}"]
    with pytest.raises(PlanError, match="`format`"):
        upgraded(plan)


def test_a_plan_that_says_the_present_format_has_no_older_key(plan: Path) -> None:
    spoil(plan, ("kind: stress\n", "kind: stress\nformat: 2\n"))
    assert "unknown key `probes.replayed`" in problems(plan)[0]


def test_other_problems_are_mended_first(plan: Path) -> None:
    spoil(plan, ("lane: stress", "lane: stres"))
    with pytest.raises(PlanError) as caught:
        upgraded(plan)
    assert [problem.what for problem in caught.value.problems] == ["`lane`: 'stres'"]
    assert len(problems(plan)) == 2, "and a check tells all of them"


def test_a_file_of_another_kind_has_no_format_to_upgrade() -> None:
    with pytest.raises(PlanError, match="this is a forecast, not a stress plan"):
        upgraded(HOME / "forecasts" / "gala-share.yaml")


def test_what_cannot_be_upgraded_in_its_place_is_refused(plan: Path) -> None:
    written = "probes: {replayed: &few 7, foreign: *few}"
    spoil(plan, ("probes: {forged: 1_200, expired: 1_200, foreign: 1_200, replayed: 100}", written))
    with pytest.raises(PlanError, match=r"cannot be upgraded as it is written; expected by hand, `format: 2`; `pro"):
        upgraded(plan)


def test_several_formats_are_crossed_in_their_order(monkeypatch: pytest.MonkeyPatch, plan: Path) -> None:
    def from_2(data: Mapping[str, Any]) -> list[FormatChange]:
        assert "replayed" not in data["probes"], "what the format before has left"
        return [FormatChange(("stop", 0, "window"), "it is longer now", "7s")]

    monkeypatch.setattr(module, "FORMAT", 3)
    monkeypatch.setitem(CHANGES, 2, from_2)
    data = Document(str(plan), plan.read_text(encoding="utf-8")).data
    found = changes_of(data)
    assert [change.key for change in found] == ["probes.replayed", "stop.1.window"]
    after = applied(data, found)
    assert after["stop"][0]["window"] == "7s"
    assert data["stop"][0]["window"] == "5s", "what was given stays"
