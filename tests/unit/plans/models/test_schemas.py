"""The committed JSON Schemas: current, good for every file of the checkout, and strict about units and keys."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from plans.models.home import HOME
from plans.models.scalars import load
from tests.support.plan_files import FORECAST, PLAN
from xiu.commands.schema import KINDS, text_of

FOLDER = HOME / "schemas"
OTHERS = {"drills": "drill", "faults": "fault", "playbooks": "playbook"}
FILES = [file for name in ("stress", "journeys", "forecasts", *OTHERS) for file in (HOME / name).glob("*.yaml")]
NAMED = re.compile(r"\A# yaml-language-server: \$schema=(\S+)\n")


def named_by(file: Path) -> Path:
    """The schema that a file tells an editor to use, or that of its folder."""
    if kind := OTHERS.get(file.parent.name):
        return FOLDER / f"{kind}.schema.json"
    found = NAMED.match(file.read_text(encoding="utf-8"))
    assert found, f"{file}: its first line names no schema"
    return Path(os.path.normpath(file.parent / found[1]))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_committed_schema_is_current(kind: str) -> None:
    file = FOLDER / f"{kind}.schema.json"
    assert file.read_text(encoding="utf-8") == text_of(kind), "run: xiu schema all --to plans/schemas"


def test_no_schema_is_left_over() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {f"{kind}.schema.json" for kind in KINDS}


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_file_fits_its_schema_and_each_plan_names_it(file: Path) -> None:
    schema = json.loads(named_by(file).read_text(encoding="utf-8"))
    data = load(file.read_text(encoding="utf-8"))
    assert [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(data)] == []


@pytest.mark.parametrize(
    ("file", "place", "value"),
    [
        pytest.param(PLAN, ("warm_up", "duration"), 6, id="a duration without a unit"),
        pytest.param(PLAN, ("warm_up", "duration"), "6 sec", id="another spelling of a unit"),
        pytest.param(PLAN, ("warm_up", "share"), "130", id="a share without a percent"),
        pytest.param(PLAN, ("warm_up", "share"), 1.3, id="a share above all"),
        pytest.param(PLAN, ("probes", "forged"), "1,200", id="a count with commas"),
        pytest.param(PLAN, ("probes", "forged"), -1, id="a negative count"),
        pytest.param(PLAN, ("probes", "forgd"), 1, id="an unknown key"),
        pytest.param(PLAN, ("lane",), "stres", id="an unknown value"),
        pytest.param(FORECAST, ("limits", "taps_per_client"), "7", id="a rate without a time"),
        pytest.param(FORECAST, ("sponsors", 0, "classes"), [{"amount": 200, "share": "100%"}], id="money without 元"),
    ],
)
def test_an_editor_marks_what_the_models_refuse(file: Path, place: tuple[Any, ...], value: object) -> None:
    checks = jsonschema_rs.validator_for(json.loads(named_by(file).read_text(encoding="utf-8")))
    data = load(file.read_text(encoding="utf-8"))
    inside = data
    for part in place[:-1]:
        inside = inside[part]
    inside[place[-1]] = value
    assert not checks.is_valid(data)


def test_what_the_models_read_is_good_for_an_editor() -> None:
    checks = jsonschema_rs.validator_for(json.loads((FOLDER / "plan.schema.json").read_text(encoding="utf-8")))
    data = load(PLAN.read_text(encoding="utf-8"))
    data["round"]["opens"], data["warm_up"]["duration"], data["warm_up"]["share"] = 0, "1m 30s", 0.3
    assert checks.is_valid(data)
