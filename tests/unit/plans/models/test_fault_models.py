"""Faults and drills as files: what ships is good, and every mistake is told with its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chaos.library import load_faults, read_faults
from plans.models import PlanError, drill_files, fault_files, load_drill
from plans.models.load import HOME

N15, CUT = "n15-link-cut.yaml", "credit-cut.yaml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the kit's files, to be spoilt."""
    for folder in ("faults", "drills", "stress", "forecasts"):
        shutil.copytree(HOME / folder, tmp_path / folder)
    return tmp_path


def spoil(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, f"the file has no {old!r} to be spoilt"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def line_of(file: Path, words: str) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def test_every_file_of_the_kit_is_good() -> None:
    faults = load_faults()
    assert {"N1", "N15", "P1", "V13"} <= set(faults)
    drills = [load_drill(file, faults).drill for file in drill_files()]
    assert {"credit-cut", "front-killed", "valkey-slow", "flush", "kill9"} <= {drill.id for drill in drills}


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        pytest.param("[credit-postgres]", "[credit-postgress]", "targets", "did you mean credit-postgres?", id="link"),
        pytest.param("heal: {kind: remove_toxics}\n", "", "# One link", "`heal` is missing", id="no heal"),
        pytest.param("heal_probe: {kind: link_answers, within: 5s}\n", "", "# One link", "`heal_probe` is missing",
                     id="no heal probe"),
        pytest.param("kind: remove_toxics", "kind: restart", "kind: restart", "does not undo toxics", id="no way back"),
        pytest.param("kind: link_silent", "kind: process_gone", "process_gone", "cannot see toxics", id="blind probe"),
        pytest.param("type: timeout", "type: timeot", "timeot", "did you mean timeout?", id="toxic"),
        pytest.param("{timeout: 0}", "{timeot: 0}", "timeot", "timeout has no attribute timeot", id="attribute"),
        pytest.param("[credit-postgres]", "[front-0]", "inject:", "toxics on front-0; expected a link", id="part"),
        pytest.param("aims: [S4,", "aims: [S13,", "aims", "S13", id="invariant"),
        pytest.param("expires: 60s", "expires: 60", "expires", "a number with its unit", id="no unit"),
        pytest.param("kind: link_silent, alone: true", "kind: round_trip_rises", "effect_probe",
                     "round_trip_rises without a latency", id="a rise by nothing"),
        pytest.param("kind: link_silent", "share: 0%, kind: link_silent", "effect_probe", "greater than 0", id="0 %"),
        pytest.param("kind: link_answers", "kind: part_ready", "heal_probe:", "does not show the end of toxics",
                     id="heal not seen"),
    ],
)  # fmt: skip
def test_a_broken_fault_is_refused_with_its_line(home: Path, old: str, new: str, at: str, says: str) -> None:
    file = home / "faults" / N15
    spoil(file, old, new)
    with pytest.raises(PlanError) as refused:
        load_faults(home)
    text = str(refused.value)
    assert says in text
    assert f"{file}:{line_of(file, at)}" in text


def test_a_signal_is_seen_and_undone_as_its_kind(home: Path) -> None:
    file = home / "faults" / "p1-front-killed.yaml"
    spoil(file, "signal: KILL", "signal: STOP")
    with pytest.raises(PlanError) as refused:
        load_faults(home)
    text = str(refused.value)
    assert f"{file}:{line_of(file, 'effect_probe')}: `effect_probe`: process_gone cannot see STOP" in text
    assert f"{file}:{line_of(file, 'heal:')}: `heal`: restart does not undo STOP" in text


def test_one_id_in_two_faults_is_refused_with_the_line(home: Path) -> None:
    twin = home / "faults" / "z-twin.yaml"
    shutil.copy(home / "faults" / N15, twin)
    with pytest.raises(PlanError) as refused:
        read_faults(fault_files(home))
    assert f"{twin}:{line_of(twin, 'id: N15')}: `id`: N15 stands in {home / 'faults' / N15} too" in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        pytest.param("id: N15", "id: N151", "fault:", "no fault N151", id="no such fault"),
        pytest.param("target: credit-postgres", "target: credit-valkey", "fault:", "not aimed at credit-valkey",
                     id="another target"),
        pytest.param("target: credit-postgres", "target: nowhere", "fault:", "no link or part nowhere", id="nowhere"),
        pytest.param("at: 3s", "at: 13s", "fault:", "ends after the load", id="too late"),
        pytest.param("for: 8s", "for: 70s", "fault:", "longer than N15 may last", id="longer than it may last"),
        pytest.param("drill-town.yaml", "drill-tow.yaml", "plan:", "did you mean drill-town.yaml?", id="no plan"),
        pytest.param("name: CreditStalled", "name: CreditStaled", "name: CreditStaled", "did you mean CreditStalled?",
                     id="no alert"),
        pytest.param("harms: [drain_s]", "harms: [residue_fen]", "harms", "residue_fen", id="harm to an invariant"),
        pytest.param("kind: drill", "kind: drill\nundo: never", "undo", "unknown key `undo`", id="unknown key"),
    ],
)  # fmt: skip
def test_a_broken_drill_is_refused_with_its_line(home: Path, old: str, new: str, at: str, says: str) -> None:
    file = home / "drills" / CUT
    spoil(file, old, new)
    with pytest.raises(PlanError) as refused:
        load_drill(file, load_faults(home))
    text = str(refused.value)
    assert says in text
    assert f"{file}:{line_of(file, at)}" in text


def test_faults_that_cannot_be_read_make_no_drill_wrong(home: Path) -> None:
    assert load_drill(home / "drills" / CUT, None).fault is None


def test_one_id_in_two_drills_is_refused_with_the_line(home: Path) -> None:
    twin = home / "drills" / "twin.yaml"
    shutil.copy(home / "drills" / CUT, twin)
    with pytest.raises(PlanError, match="each id in one file") as refused:
        load_drill(twin, load_faults(home))
    assert f"{twin}:{line_of(twin, 'id: credit-cut')}" in str(refused.value)
