"""`junit.xml` of a run: one suite of the same cases whatever the result, for programs that read nothing else. Pure.

A case's name says what was judged, never the result, because a build server follows a name over its runs. Valid for the
strict schema (Apache Ant's) and for Jenkins'.
"""

from __future__ import annotations

import re
from datetime import datetime
from xml.etree import ElementTree as ET

from harness.forecast.judge import Judged
from harness.runs.record import RunRecord
from harness.verdict import exit_code
from system.contract.audit import INVARIANTS, Finding

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for, not even escaped: control characters, halves of pairs, two non-characters."""
NO_TIME = "1970-01-01T00:00:00"
TAGS = {"FAIL": "failure", "NO_DATA": "error", "NOT_EVALUATED": "skipped"}


def clean(text: str) -> str:
    """The text with a mark in place of what XML cannot hold."""
    return NOT_XML.sub("\ufffd", text)


def _case(suite: ET.Element, classname: str, name: str, state: str, text: str) -> str:
    """FAIL is a failure, NO_DATA an error (never green), NOT_EVALUATED skipped; WARN passes. Gives a line of log."""
    classname, name = " ".join(clean(classname).split()), " ".join(clean(name).split())
    case = ET.SubElement(suite, "testcase", classname=classname, name=name, time="0")
    if state in TAGS:
        more = {} if state == "NOT_EVALUATED" else {"type": state}
        ET.SubElement(case, TAGS[state], {**more, "message": clean(text)})
    return clean(f"{state} {name}: {text}")


def _invariant_state(finding: Finding) -> str:
    if finding.valid is None:
        return "NOT_EVALUATED"
    if finding.valid == "unknown" or (finding.valid is True and finding.counted <= 0):
        return "NO_DATA"
    return "PASS" if finding.valid is True else "FAIL"


def _indicator(row: Judged, record: RunRecord) -> tuple[str, str]:
    """State and text. Where the generator was the limit only what counts exactly is judged."""
    actual = "no data" if row.actual is None else f"{row.actual:g}"
    text = f"{actual} {row.unit}; expected {row.expected:g}, {row.lower:g} to {row.upper:g}"
    if record.verdict == "INVALID" and row.cls != "invariant":
        return "NOT_EVALUATED", f"not judged, for the run is INVALID: {text}"
    return row.state, text


def _findings(record: RunRecord) -> list[Finding]:
    """Every invariant, also those that an unfinished run never reached."""
    seen = {finding.code: finding for finding in record.invariants}
    missing = [
        Finding(code=code, says=says, valid=None, counted=0, violations=0, figure="not looked at")
        for code, says in INVARIANTS.items()
        if code not in seen
    ]
    return [*record.invariants, *missing]


def _timestamp(started_at: str) -> str:
    """The strict schema wants seconds, and no zone."""
    try:
        return datetime.fromisoformat(started_at).replace(tzinfo=None).isoformat(timespec="seconds")
    except ValueError:
        return NO_TIME


def _properties(suite: ET.Element, record: RunRecord) -> None:
    properties = ET.SubElement(suite, "properties")
    known = {
        "run_id": record.run_id, "plan": record.plan, "lane": record.lane, "target": record.target,
        "scale": record.scale.factor, "seed": str(record.seed), "started_at": record.started_at,
        "commit": record.environment.commit if record.environment else "",
        "forecast_sha256": record.forecast_sha256 or "",
    }  # fmt: skip
    for name, value in known.items():
        ET.SubElement(properties, "property", name=name, value=clean(value))


def render_junit(record: RunRecord) -> str:
    """One suite: the verdict, each indicator, each invariant; the log says each one's figures."""
    lasted_s = max(0.0, record.lasted_s or 0.0)
    suite = ET.Element(
        "testsuite",
        name=" ".join(clean(f"xiu {record.plan}").split()),
        timestamp=_timestamp(record.started_at),
        hostname="localhost",  # no machine's name goes into the file; the schema wants one
        time=f"{lasted_s:.3f}",
    )
    _properties(suite, record)
    text = "; ".join(reason.text for reason in record.reasons) or "as forecast"
    green = exit_code(record.verdict) == 0
    log = [_case(suite, "xiu.run", "verdict", record.verdict if green else "FAIL", f"{record.verdict}: {text}")]
    for row in record.forecast:
        state, text = _indicator(row, record)
        log.append(_case(suite, f"xiu.forecast.{row.link}", row.indicator, state, text))
    for finding in _findings(record) if record.service is None else ():
        text = f"{finding.says}: {finding.violations} violations in {finding.counted}; {finding.first}".rstrip("; ")
        log.append(_case(suite, "xiu.invariant", finding.code, _invariant_state(finding), text))
    ET.SubElement(suite, "system-out").text = "\n".join(log)
    ET.SubElement(suite, "system-err").text = "" if green else clean(f"{record.verdict}: {text}")
    suite.set("tests", str(len(suite.findall("testcase"))))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    ET.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"
