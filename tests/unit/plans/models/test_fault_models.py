"""Faults and drills as files: what ships is good, and every mistake is told with its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chaos.library import load_faults, read_faults
from plans.models import PlanError, drill_files, fault_files, load_drill
from system.contract.audit import INVARIANTS
from tests.support.plan_files import CUT, N15


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


def test_a_fault_may_aim_at_every_rule_of_an_audit(home: Path) -> None:
    spoil(home / "faults" / N15, "aims: [", f"aims: [{', '.join(INVARIANTS)}, ")
    assert set(INVARIANTS) <= set(load_faults(home)["N15"].aims)


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        pytest.param("[credit-postgres]", "[credit-postgress]", "targets", "did you mean credit-postgres?", id="link"),
        pytest.param("[credit-postgres]", "[credit-postgres, credit-postgres]", "targets", "stands twice", id="twice"),
        pytest.param("heal: {kind: remove_toxics}\n", "", "# One link", "`heal` is missing", id="no heal"),
        pytest.param("heal_probe: {kind: link_answers, within: 5s}\n", "", "# One link", "`heal_probe` is missing",
                     id="no heal probe"),
        pytest.param("kind: remove_toxics", "kind: restart", "kind: restart", "does not undo toxics", id="no way back"),
        pytest.param("kind: link_silent", "kind: process_gone", "process_gone", "cannot see toxics", id="blind probe"),
        pytest.param("type: timeout", "type: timeot", "timeot", "did you mean timeout?", id="toxic"),
        pytest.param("{timeout: 0}", "{timeot: 0}", "timeot", "timeout has no attribute timeot", id="attribute"),
        pytest.param("[credit-postgres]", "[front-0]", "inject:", "toxics on front-0; expected a link", id="part"),
        pytest.param("id: N15", "id: n15", "id:", "pattern '^[A-Z][0-9]{1,3}[a-z]?$', not 'n15'", id="its pattern"),
        pytest.param("aims: [S4,", "aims: [S19,", "aims", "S19", id="invariant"),
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


OWN = "{kind: exec, command: [./mine.sh], within: 2s}"


def test_a_probe_of_one_s_own_fits_every_fault(home: Path) -> None:
    file = home / "faults" / N15
    spoil(
        file, "effect_probe: {kind: link_silent, alone: true, within: 3s}", f"effect_probe: {OWN}\nsteady_probe: {OWN}"
    )
    spoil(file, "heal_probe: {kind: link_answers, within: 5s}", f"heal_probe: {OWN}")
    fault = load_faults(home)["N15"]
    assert fault.steady_probe is not None
    assert [fault.effect_probe.kind, fault.heal_probe.kind, fault.steady_probe.kind] == ["exec"] * 3


@pytest.mark.parametrize(
    ("probe", "says"),
    [
        ("{kind: exec, command: [], within: 2s}", "command"),
        ("{kind: exec, command: [a], exit: 300, within: 2s}", "less than or equal to 255"),
        ("{kind: http, within: 2s}", "an http probe asks one place; expected `part` or `url`"),
        ("{kind: http, url: 'http://example.org/', within: 2s}", "is no address of this host"),
        ("{kind: http, part: valkey, within: 2s}", "valkey does not speak HTTP"),
        ("{kind: promql, query: up, op: '=>', value: 1, within: 2s}", "one of >, >=, <"),
        ("{kind: promql, query: up, op: '>', value: 1, within: 2s, lable: a}", "unknown key `effect_probe.lable`"),
        ("{kind: throughput_falls, within: 2s}", "throughput_falls cannot see toxics"),
    ],
)
def test_a_broken_probe_is_refused_with_its_line(home: Path, probe: str, says: str) -> None:
    file = home / "faults" / N15
    spoil(file, "effect_probe: {kind: link_silent, alone: true, within: 3s}", f"effect_probe: {probe}")
    with pytest.raises(PlanError) as refused:
        load_faults(home)
    assert says in str(refused.value)
    assert f"{file}:{line_of(file, 'effect_probe')}" in str(refused.value)


TWO = """faults:
  - {id: N15, target: credit-postgres, at: 3s, for: 4s}
  - {id: N1, target: front-valkey, at: 5s, for: 4s}"""


def drill_of_two(home: Path) -> Path:
    file = home / "drills" / CUT
    spoil(file, "fault: {id: N15, target: credit-postgres, at: 3s, for: 8s}", TWO)
    return file


def test_a_drill_of_two_faults(home: Path) -> None:
    loaded = load_drill(drill_of_two(home), load_faults(home))
    assert [(when.target, fault.id) for when, fault in loaded.timed] == [
        ("credit-postgres", "N15"),
        ("front-valkey", "N1"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("id: N1,", "id: X2,", "`faults[2].id`: no fault X2"),
        ("target: front-valkey", "target: play-postgres", "`faults[2].target`: N1 is not aimed at play-postgres"),
        ("at: 5s", "at: 13s", "`faults[2]` ends after the load"),
        ("id: N1, target: front-valkey", "id: N15, target: credit-postgres",
         "`faults[2].at`: N15 and N15 on credit-postgres at the same time; expected one after the other"),
    ],
)  # fmt: skip
def test_a_second_fault_is_checked_as_the_first(home: Path, old: str, new: str, says: str) -> None:
    file = drill_of_two(home)
    spoil(file, old, new)
    with pytest.raises(PlanError) as refused:
        load_drill(file, load_faults(home))
    assert f"{file}:{line_of(file, 'at: 3s') + 1}: {says}" in str(refused.value)


def test_one_fault_and_several_are_not_both(home: Path) -> None:
    file = home / "drills" / CUT
    spoil(file, "fault: {", TWO + "\nfault: {")
    with pytest.raises(PlanError, match="`fault`, `faults` and `trials`; expected exactly one of them"):
        load_drill(file, load_faults(home))
