"""A run's safety end to end: a system elsewhere, a rate changed by hand, a pre-check that agrees, a lane untouched."""

from __future__ import annotations

import json
import re

import pytest

from harness.stack import Stack
from tests.support.command import SLICE, Xiu, plan_with, wait

pytestmark = pytest.mark.serial


def said(xiu: Xiu, kind: str) -> list[str]:
    return [event["text"] for event in xiu.events() if event["kind"] == kind]


def test_one_stack_looked_at_from_all_sides(xiu: Xiu, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    url = stack.addresses.control_url or ""

    # Without the operators' token nothing begins; with it the run is judged by what HTTP tells.
    assert xiu("plan", "run", SLICE, "--scale", "1", "--on", url, "--yes").returncode == 2
    monkeypatch.setenv("XIU_ADMIN_TOKEN", stack.admin_token)
    done = xiu.valid("plan", "run", SLICE, "--scale", "1", "--on", url, "--yes", "--json")
    record = json.loads(done.stdout)
    assert done.returncode == 0, record["reasons"]
    assert (record["target"], record["lane"]) == (url, "stress")
    assert record["money"]["residue_fen"] == 0
    assert {row["valid"] for row in record["invariants"]} == {None}
    states = {row["indicator"]: row["state"] for row in record["forecast"]}
    assert states["wins"] == "PASS"
    assert states["credit_delay_p99_s"] == states["wins_residue"] == "NOT_EVALUATED"

    # Half the rate from the middle on; the lane beside is not touched.
    known = len(xiu.runs())
    process = xiu.start("plan", "run", plan_with(xiu.folder, ("lane: live", "lane: stress")), "--scale", "1")
    wait(lambda: len(xiu.runs()) > known and "measured" in said(xiu, "phase"), 60, xiu.output)
    changed = xiu("plan", "rate", "100")
    assert changed.returncode == 0, changed.stderr
    assert process.wait(90) in (0, 10), xiu.output()
    assert len(said(xiu, "rate")) == 1
    tables = re.match(r"live lane untouched: (\d+) tables", said(xiu, "live_lane")[0])
    assert tables is not None
    assert int(tables[1]) >= 11, "the draw's eight, the transfers' three, and what plays brought"
    assert "no record of one lane was met in the other: 0 into live, 0 into stress" in said(xiu, "live_lane")
    looked = xiu.precheck()
    assert {row["item"] for row in looked["items"] if row["state"] == "good"} >= {
        "tag", "forged tag", "shadow", "live sum", "double", "kill switch", "clock", "disk", "forecast",
    }  # fmt: skip
    assert looked["took_ms"] < 5000, "a start does not wait for it (the live lane's sum was read before, too)"
    record = xiu.record()
    live = record["guard"]["live_lane"]
    assert (live["before"], live["changed"], live["into_live"], live["into_stress"]) == (live["after"], [], 0, 0)
    outside = live["outside"]
    assert {name: outside[name] for name in ("denied", "into_party", "into_double")} == dict.fromkeys(
        ("denied", "into_party", "into_double"), 0
    )
    assert "Guard and clean-up" in (xiu.runs()[-1] / "report.html").read_text(encoding="utf-8")
    assert record["load"]["scheduled"] < 1500
    assert {row["state"] for row in record["forecast"] if row["cls"] == "demand"} == {"NOT_EVALUATED"}

    # Who did all this stands in the audit log, and every run's own hash points into it.
    told = xiu("plan", "log", "--json")
    assert (told.returncode, json.loads(told.stdout)["problems"]) == (0, [])
    lines = json.loads(told.stdout)["lines"]
    assert [line["act"] for line in lines][-3:] == ["started", "rate", "ended"]
    assert lines[-3]["sha256"] == record["guard"]["audit_sha256"]
