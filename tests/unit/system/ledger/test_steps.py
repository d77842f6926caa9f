"""Steps in order, never changed once taken: what contradicts that is a sentence with the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from system.contract.errors import SettingsError
from system.ledger.steps import AppliedStep, MigrationStep, refuse_contradictions, steps
from system.ledger.version import Version

KNOWN = steps()


def taken(*numbers: int, **checksums: str | None) -> dict[int, AppliedStep]:
    """What a ledger took of these steps, as they are."""
    return {
        number: AppliedStep(number, KNOWN[number].name, checksums.get(f"n{number}", KNOWN[number].checksum))
        for number in numbers
    }


def test_the_files_are_in_order_and_run_for_control_or_for_each_lane() -> None:
    assert [step.number for step in KNOWN] == list(range(len(KNOWN)))
    assert [step.name for step in KNOWN[:3]] == ["0000_beginning", "0001_switch_by_lane", "0002_version_is_readable"]
    assert [len(list(step.texts())) for step in KNOWN[:2]] == [3, 1]
    assert all(b"{schema}" not in text for step in KNOWN for text in step.texts())


def test_a_file_that_names_the_schema_runs_for_each_lane(tmp_path: Path) -> None:
    (tmp_path / "0001_more.sql").write_text("ALTER TABLE {schema}.round ADD COLUMN note text;")
    *_, last = steps(tmp_path)
    assert [text.split()[2] for text in last.texts()] == [b"live.round", b"stress.round"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        pytest.param(["0001_a", "0003_b"], "0003_b.sql:1: out of order; expected 0002_ and small", id="a gap"),
        pytest.param(["0001_a", "0001_b"], "0001_b.sql:1: out of order; expected 0002_ and small", id="a number twice"),
        pytest.param(["0000_a"], "0000_a.sql:1: out of order; expected 0001_ and small", id="before the beginning"),
        pytest.param(["0001_a", "2_b"], "2_b.sql:1: out of order; expected 0002_ and small", id="too short a number"),
        pytest.param(["0001-A"], "0001-A.sql:1: out of order; expected 0001_ and small", id="a name that is none"),
    ],
)
def test_a_file_out_of_order(tmp_path: Path, names: list[str], told: str) -> None:
    for name in names:
        (tmp_path / f"{name}.sql").write_text("SELECT 1")
    with pytest.raises(SettingsError) as caught:
        steps(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/{told}")


@pytest.mark.parametrize(
    ("names", "also"),
    [
        pytest.param(["0001_a", "0001_b"], "{folder}/0001_a.sql:1 has the number 0001 as well", id="beside it"),
        pytest.param(["0001_a", "0002_b", "0001_c"], "{folder}/0001_a.sql:1 has the number 0001", id="sorted by name"),
        pytest.param(["0000_a"], "system/ledger/schema.sql:1 has the number 0000 as well", id="the beginning's"),
    ],
)
def test_a_number_that_two_files_have_blames_both(tmp_path: Path, names: list[str], also: str) -> None:
    for name in names:
        (tmp_path / f"{name}.sql").write_text("SELECT 1")
    with pytest.raises(SettingsError) as caught:
        steps(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/")
    assert also.format(folder=tmp_path) in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1;\n-- \xff\n")
    with pytest.raises(SettingsError, match=r"0001_a\.sql:2: this is no UTF-8; expected a text of SQL"):
        steps(tmp_path)


@pytest.mark.parametrize(
    "there",
    [
        pytest.param({}, id="nothing taken"),
        pytest.param(taken(0, 1), id="the first two"),
        pytest.param(taken(*range(len(KNOWN))), id="all"),
        pytest.param(taken(1, n1=None), id="before checksums, and before the beginning was noted"),
    ],
)
def test_what_agrees(there: dict[int, AppliedStep]) -> None:
    refuse_contradictions(KNOWN, there)


@pytest.mark.parametrize(
    ("known", "there", "told"),
    [
        pytest.param(
            [*KNOWN[:1], replace(KNOWN[1], control="SELECT 1"), *KNOWN[2:]], taken(0, 1),
            "system/ledger/migrations/0001_switch_by_lane.sql:1: changed after the ledger took it", id="changed",
        ),
        pytest.param(
            [replace(KNOWN[0], lane="SELECT 1"), *KNOWN[1:]], taken(0, 1),
            "system/ledger/schema.sql:1: changed after the ledger took it", id="the beginning changed",
        ),
        pytest.param(
            [*KNOWN[:1], replace(KNOWN[1], name="0001_other"), *KNOWN[2:]], taken(0, 1),
            "system/ledger/migrations/0001_switch_by_lane.sql:1: changed after the ledger took it", id="renamed",
        ),
        pytest.param(
            KNOWN, taken(0, 2),
            "system/ledger/migrations/0001_switch_by_lane.sql:1: out of order, the ledger took 0002_", id="put before",
        ),
        pytest.param(
            KNOWN[:2], taken(0, 1, 2),
            "the ledger took 0002_version_is_readable, which this program does not have", id="a newer ledger",
        ),
    ],
)  # fmt: skip
def test_what_contradicts(known: list[MigrationStep], there: dict[int, AppliedStep], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        refuse_contradictions(known, there)
    assert str(caught.value).startswith(told)


def test_an_older_version_says_which_it_is() -> None:
    assert Version(2, "0002_x", 2, read=True).note == ""
    assert Version(1, "0001_x", 2, read=True).note == (
        "the ledger is of version 1 (0001_x), this program's is 2: read as it is"
    )
    assert "0 (0000_x, seen by its tables)" in Version(0, "0000_x", 2, read=False).note
