"""`junit.xml` of a run: indicators and invariants as test cases, for machines that read nothing else. Pure."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from harness.run_record import RunRecord
from harness.verdict import exit_code


def _case(suite: ET.Element, classname: str, name: str, state: str, text: str) -> None:
    """FAIL is a failure, NO_DATA an error (never green), NOT_EVALUATED skipped; WARN passes and says so."""
    case = ET.SubElement(suite, "testcase", classname=classname, name=name, time="0")
    tags = {"FAIL": "failure", "NO_DATA": "error", "NOT_EVALUATED": "skipped"}
    if state in tags:
        ET.SubElement(case, tags[state], message=text)
    elif state == "WARN":
        ET.SubElement(case, "system-out").text = f"WARN: {text}"


def _invariant_state(valid: object, counted: int) -> str:
    if valid is None:
        return "NOT_EVALUATED"
    if valid == "unknown" or (valid is True and counted <= 0):
        return "NO_DATA"
    return "PASS" if valid is True else "FAIL"


def render_junit(record: RunRecord) -> str:
    """One suite: the verdict, each indicator, each invariant."""
    suite = ET.Element("testsuite", name=f"xiu {record.plan}", timestamp=record.started_at, id=record.run_id)
    said = "; ".join(reason.text for reason in record.reasons)
    green = exit_code(record.verdict) == 0
    _case(suite, "verdict", record.verdict, record.verdict if green else "FAIL", said or "as forecast")
    for row in record.forecast:
        actual = "no data" if row.actual is None else f"{row.actual:g}"
        text = f"{actual} {row.unit}; expected {row.expected:g}, {row.lower:g} to {row.upper:g}"
        _case(suite, f"forecast.{row.link}", row.indicator, row.state, text)
    for finding in record.invariants:
        text = f"{finding.says}: {finding.violations} violations in {finding.counted}; {finding.first}".rstrip("; ")
        _case(suite, "invariant", finding.code, _invariant_state(finding.valid, finding.counted), text)
    kinds = ("failure", "error", "skipped")
    failures, errors, skipped = (len(suite.findall(f"testcase/{kind}")) for kind in kinds)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    suite.set("errors", str(errors))
    suite.set("skipped", str(skipped))
    ET.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"
