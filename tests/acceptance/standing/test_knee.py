"""The plan that climbs to the knee, played on a system whose knee is known."""

from __future__ import annotations

import json

import pytest

from harness.stack import Stack
from tests.support.command import Xiu
from tests.support.knee import knee_of

pytestmark = pytest.mark.serial

SCALE, PEAK_RPS = "1/100000", 3500.0
KNEE_RPS = 120.0
"""Between 1% and 10% of the peak: the second and the third stair."""


def test_the_knee_is_found_within_one_step(xiu: Xiu, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIU_ADMIN_TOKEN", stack.admin_token)
    (front,) = stack.addresses.front_urls
    with knee_of(stack.addresses.control_url or "", front, KNEE_RPS) as (url, desk):
        done = xiu.valid("plan", "run", "step-to-knee", "--scale", SCALE, "--on", url, "--yes", "--json")
    assert done.returncode == 99, done.stderr
    record = json.loads(done.stdout)
    assert record["capacity"] == {"held_rps": 0.01 * PEAK_RPS, "red_rps": 0.1 * PEAK_RPS, "peak_rps": PEAK_RPS}
    assert record["reasons"][0]["code"] == "climb_stopped"
    warm, *stairs = record["steps"]
    assert (warm["phase"], warm["seen"]) == ("warm-up", None)
    assert [(one["from_rps"], one["seen"], one["held"]) for one in stairs] == [
        (pytest.approx(1 / 3), "green", True),
        (35.0, "green", True),
        (350.0, "red", False),
    ]
    assert stairs[2]["duration_s"] == 6.0, "two red windows, and no third"
    assert stairs[2]["scheduled"] == 6 * 350
    load = record["load"]
    assert load["scheduled"] == load["sent"] + load["dropped"] + load["unsent"]
    assert load["sent"] == sum(load["outcomes"].values())
    assert record["money"]["residue_fen"] == 0
    assert desk.served >= load["sent"]
    told = [event["text"] for event in xiu.events() if event["kind"] in ("window", "climb_over")]
    assert told[-1].startswith("window")
    assert told[-1].endswith("red, slower than promised; the climb ends")
