"""`junit.xml`: the same cases whatever came out, well-formed whatever a text holds, valid for strict readers."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from harness.forecast.actuals import Actuals
from harness.report.junit import render_junit
from harness.runs.record import RunRecord
from tests.support.junit_rules import complaints
from tests.support.sample_run import GOOD, findings, reason, record

ENDS = {
    "PASS": record(),
    "WARN": record(replace(GOOD, response_p99_ms=22.0)),
    "FAIL": record(replace(GOOD, wins=3), evidence={"invariants": findings(S3=2)}),
    "INVALID": record(evidence={"invalid": [reason("lag")]}),
    "NO_DATA": record(replace(GOOD, wins=None)),
    "ABORTED": record(Actuals(), evidence={"aborted": reason("interrupted"), "invariants": ()}),
}
NASTY = "a\x00\x0b\x1b[31m\ud800\udfff\ufffe ]]> <&\"' \U0001f9e7 \r\n\t z"


def suite(run: RunRecord) -> ET.Element:
    return ET.fromstring(render_junit(run).encode())


def names(run: RunRecord) -> set[tuple[str | None, str | None]]:
    return {(case.get("classname"), case.get("name")) for case in suite(run).iterfind("testcase")}


@pytest.mark.parametrize("verdict", ENDS)
def test_a_case_is_named_after_what_was_looked_at_not_after_what_came_out(verdict: str):
    run = ENDS[verdict]
    assert run.verdict == verdict
    assert names(run) == names(ENDS["PASS"])
    assert ("xiu.run", "verdict") in names(run)


@pytest.mark.parametrize("verdict", ENDS)
def test_strict_readers_take_it(verdict: str):
    assert complaints(render_junit(ENDS[verdict])) == []


@pytest.mark.parametrize(
    "times", [("", ""), ("yesterday", "now"), ("2026-01-01T00:00:09+08:00", "2026-01-01T00:00:00+08:00")]
)
def test_odd_times_are_no_odd_xml(times: tuple[str, str]):
    assert complaints(render_junit(record(started_at=times[0], ended_at=times[1]))) == []


def test_whatever_a_text_holds_the_file_is_well_formed():
    odd = findings(S1=1)[0].model_copy(update={"says": NASTY, "first": NASTY})
    run = record(
        evidence={"failures": [reason("odd", NASTY)], "invariants": (odd, *findings()[1:])},
        plan=NASTY, target=NASTY, run_id=NASTY,
    )  # fmt: skip
    xml = render_junit(run)
    assert complaints(xml) == []
    xml.encode()
    message = suite(run).find("testcase[@name='verdict']/failure")
    assert message is not None
    assert "]]> <&\"' \U0001f9e7" in str(message.get("message"))


def test_a_good_run_has_no_failures():
    tree = suite(record())
    assert (tree.get("failures"), tree.get("errors"), tree.get("skipped")) == ("0", "0", "0")
    assert tree.get("tests") == str(1 + 14 + 18)
    assert tree.get("time") == "91.000"
    assert tree.get("timestamp") == "2026-01-01T20:00:00"


def test_a_bad_run_names_each_bad_thing():
    bad = record(replace(GOOD, wins=3, drain_s=None, response_p99_ms=20.0), evidence={"invariants": findings(S3=2)})
    tree = suite(bad)
    failed = {case.get("name") for case in tree.iter("testcase") if case.find("failure") is not None}
    assert failed == {"verdict", "wins", "S3"}
    assert [case.get("name") for case in tree.iter("testcase") if case.find("error") is not None] == ["drain_s"]
    log = (tree.findtext("system-out") or "").splitlines()
    assert any(line.startswith("WARN response_p99_ms: 20 ms; expected") for line in log), "a WARN passes, and is said"


@pytest.mark.parametrize("verdict", ["INVALID", "NO_DATA", "ABORTED"])
def test_it_is_never_green_without_a_verdict(verdict: str):
    tree = suite(ENDS[verdict])
    assert tree.get("failures") == "1"
    message = tree.find("testcase[@name='verdict']/failure")
    assert message is not None
    assert str(message.get("message")).startswith(f"{verdict}: ")


def test_what_an_invalid_run_cannot_judge_is_skipped_and_what_it_counted_stands():
    run = record(replace(GOOD, response_p99_ms=999.0, residue_fen=0), evidence={"invalid": [reason("lag")]})
    tree = suite(run)
    skipped = {str(case.get("name")) for case in tree.iter("testcase") if case.find("skipped") is not None}
    assert {"response_p99_ms", "offered_rps"} <= skipped
    assert not {"residue_fen", "wins_residue", "S1"} & skipped
