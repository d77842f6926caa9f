"""The rules that both readers of `junit.xml` make: the strict schema of Apache Ant's task, and Jenkins' own."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

CASE_ATTRIBUTES = {"name", "classname", "time"}
SUITE_ATTRIBUTES = {"name", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"}
TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
TIME = re.compile(r"[0-9]+(\.[0-9]{1,3})?")


def token(text: str | None) -> bool:
    """Not empty, and no blanks but single ones inside."""
    return bool(text) and text == " ".join((text or "").split())


def complaints(xml: str) -> list[str]:
    """What a strict reader would refuse; raises ParseError for what is no XML at all."""
    suite = ET.fromstring(xml.encode())
    found = []
    if suite.tag != "testsuite" or suite.attrib.keys() != SUITE_ATTRIBUTES:
        found.append(f"{suite.tag} with {sorted(suite.attrib)}")
    for name in ("name", "hostname"):
        if not token(suite.get(name)):
            found.append(f"{name}: {suite.get(name)!r}")
    if not TIMESTAMP.fullmatch(suite.get("timestamp", "")):
        found.append(f"timestamp {suite.get('timestamp')}")
    order = [child.tag for child in suite]
    cases = suite.findall("testcase")
    if order != ["properties", *["testcase"] * len(cases), "system-out", "system-err"]:
        found.append(f"order {order}")
    for tag, name in (("testcase", "tests"), ("testcase/failure", "failures"), ("testcase/error", "errors"),
                      ("testcase/skipped", "skipped")):  # fmt: skip
        if suite.get(name) != str(len(suite.findall(tag))):
            found.append(f"{name} {suite.get(name)}, counted {len(suite.findall(tag))}")
    for one in suite.iterfind("properties/*"):
        if one.tag != "property" or one.attrib.keys() != {"name", "value"} or not token(one.get("name")):
            found.append(f"property {one.attrib}")
    for case in cases:
        found += _case(case)
    found += [f"time {one.get('time')}" for one in (suite, *cases) if not TIME.fullmatch(one.get("time", ""))]
    if len({(case.get("classname"), case.get("name")) for case in cases}) != len(cases):
        found.append("two cases of one name")
    return found


def _case(case: ET.Element) -> list[str]:
    found = []
    if case.attrib.keys() != CASE_ATTRIBUTES or not token(case.get("name")) or not token(case.get("classname")):
        found.append(f"case {case.attrib}")
    if len(case) > 1:
        found.append(f"{case.get('name')} has {[child.tag for child in case]}")
    for child in case:
        wanted = {"skipped": {"message"}, "failure": {"type", "message"}, "error": {"type", "message"}}
        if child.attrib.keys() != wanted.get(child.tag):
            found.append(f"{child.tag} with {sorted(child.attrib)}")
    return found
