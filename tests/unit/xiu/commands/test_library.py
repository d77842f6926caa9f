"""`xiu plan`: every plan of the library is listed, checked and shown as it would be run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plans.models import stress_files
from plans.models.service import is_service

FILES = stress_files()


def test_the_list_names_each_with_its_purpose(xiu: Any) -> None:
    listed = {one["id"]: one for one in json.loads(xiu("plan", "list", "--json")[1])["plans"]}
    assert listed.keys() == {file.stem for file in FILES}
    assert len(listed) >= 16
    assert all(one["valid"] and set(one["purpose"]) == {"when", "cannot_tell", "looks_for"} for one in listed.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_is_checked_and_dry_run(xiu: Any, file: Path) -> None:
    assert xiu("plan", "check", str(file))[:2] == (0, f"{file}: good\n")
    code, out, err = xiu("plan", "run", str(file), "--dry-run", *(() if is_service(file) else ("--short",)))
    assert (code, err) == (0, "")
    assert "use it" in out
    assert "indicator" in out, "its targets"
    assert "│" in out, "its curve"
