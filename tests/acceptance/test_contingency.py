"""The demo's bad minute: credit cut off in mid-round, alert, playbook, heal; the books closed all the same."""

from __future__ import annotations

import json

import pytest

from harness.stack import tools
from tests.support.command import Xiu, plan_with

pytestmark = pytest.mark.serial

MINUTE = (
    ("round: {opens: 0s, duration: 7s, release: 60%}", "round: {opens: 0s, duration: 47s, release: 80%}"),
    ("share: 100%, duration: 5s}", "share: 100%, duration: 45s}"),
    ("round: {full: 7s, short: 7s", "round: {full: 47s, short: 47s"),
    ("packets: {low: 40, mid: 40, high: 40", "packets: {low: 400, mid: 400, high: 400"),
    ("audience: {low: 225, mid: 250, high: 275", "audience: {low: 1_800, mid: 2_000, high: 2_200"),
    ("tapping_at_once: {low: 45%, mid: 50%, high: 55%", "tapping_at_once: {low: 6%, mid: 6.25%, high: 7%"),
    ("budget: 20元", "budget: 100元"),
)


@pytest.mark.skipif(tools.find("prometheus") is None or tools.find("alertmanager") is None, reason="nobody to alert")
def test_the_demo_is_disturbed_in_mid_round_and_answers(xiu: Xiu) -> None:
    done = xiu.valid("demo", "--plan", plan_with(xiu.folder, *MINUTE), "--scale", "1", "--json")
    record = json.loads(done.stdout)
    assert record["verdict"] in ("PASS", "WARN"), record["reasons"]
    (drill,) = record["drills"]
    assert drill["verdict"] == "PASS"
    assert drill["injected_s"] < drill["effect_s"] < drill["alert_s"] < drill["healed_s"] <= drill["heal_seen_s"]
    assert drill["drain_s"] <= 10
    mine = [each for each in record["playbooks"] if each["id"] == "credit-stalled"]
    assert [each["state"] for each in mine] == ["closed"]
    assert mine[0]["times"]["t4"] - mine[0]["times"]["t2"] <= 2
    kinds = [event["kind"] for event in xiu.events()]
    order = ["fault_injected", "effect_seen", "alert", "healed", "heal_seen", "drained", "closed"]
    assert [kind for kind in kinds if kind in order] == order
    assert "playbook" in kinds
    assert record["credit_delay_s"]["in_faults"]["count"] > 0
    assert record["money"]["residue_fen"] == 0
    assert all(row["valid"] is True for row in record["invariants"])
    page = (xiu.runs()[-1] / "report.html").read_text()
    assert "CreditStalled" in page
    assert "credit-stalled" in page
