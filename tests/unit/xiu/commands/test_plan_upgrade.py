"""xiu plan upgrade: what is written and told, and when nothing is."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from plans.models.home import HOME
from tests.support.plan_files import PLAN, line_of


def old(name: str, *changes: tuple[str, str]) -> Path:
    text = PLAN.read_text(encoding="utf-8").replace("../forecasts", f"{HOME}/forecasts")
    text = text.replace("format: 2\n", "").replace("id: gala-share", f"id: {name}")
    text = text.replace("foreign: 1_200}", "foreign: 1_200, replayed: 5}")
    for before, after in changes:
        text = text.replace(before, after)
    Path(f"{name}.yaml").write_text(text, encoding="utf-8")
    return Path(f"{name}.yaml")


def test_files_are_upgraded_in_their_place_and_checked_as_good(xiu: Any) -> None:
    lunch, dinner = old("lunch"), old("dinner")
    lunch.chmod(0o640)
    Path("link.yaml").symlink_to(dinner)
    assert xiu("plan", "check", "lunch.yaml")[0] == 2
    code, out, _ = xiu("plan", "upgrade", "lunch.yaml", "link.yaml")
    assert code == 0
    assert out.splitlines() == [
        "lunch.yaml: format 1 → 2",
        "  `probes.replayed` is left out: nobody sent such a probe",
        "link.yaml: format 1 → 2",
        "  `probes.replayed` is left out: nobody sent such a probe",
    ]
    assert stat.S_IMODE(lunch.stat().st_mode) == 0o640
    assert Path("link.yaml").is_symlink()
    Path("link.yaml").unlink()
    assert xiu("plan", "check", "lunch.yaml", "dinner.yaml")[0] == 0
    assert {file.name for file in Path().glob("*.yaml*")} == {"lunch.yaml", "dinner.yaml"}
    code, out, _ = xiu("plan", "upgrade", "lunch.yaml")
    assert (code, out) == (0, "lunch.yaml: format 2 already\n")


def test_a_byte_order_mark_stays(xiu: Any) -> None:
    lunch = old("lunch")
    lunch.write_bytes(b"\xef\xbb\xbf" + lunch.read_bytes())
    code, out, _ = xiu("plan", "upgrade", "lunch.yaml", "--json")
    assert code == 0
    told = ["`probes.replayed` is left out: nobody sent such a probe"]
    assert json.loads(out) == {"files": [{"file": "lunch.yaml", "was": 1, "changes": told}]}
    assert lunch.read_bytes().startswith(b"\xef\xbb\xbf# yaml-language-server")


def test_no_file_is_touched_where_one_cannot_be_upgraded(xiu: Any) -> None:
    lunch, dinner = old("lunch"), old("dinner", ("lane: stress", "lane: stres"))
    before = lunch.read_bytes(), dinner.read_bytes()
    code, _, err = xiu("plan", "upgrade", "lunch.yaml", "dinner.yaml", "nowhere.yaml")
    assert code == 2
    at = line_of(Path("dinner.yaml"), "lane: stres")
    assert f"dinner.yaml:{at}: `lane`: 'stres'; expected one of live, stress; did you mean stress?" in err
    assert "nowhere.yaml: cannot be read" in err
    assert (lunch.read_bytes(), dinner.read_bytes()) == before


def test_a_plan_for_one_s_own_service_has_a_format_too(xiu: Any) -> None:
    file = Path("mine.yaml")
    text = (HOME / "stress" / "own-service.yaml").read_text(encoding="utf-8").replace("id: own-service", "id: mine")
    file.write_text(text.replace("format: 2\n", ""), encoding="utf-8")
    code, out, _ = xiu("plan", "upgrade", "mine.yaml")
    assert (code, out) == (0, "mine.yaml: format 1 → 2\n")
    assert file.read_text(encoding="utf-8") == text
