"""A run's order as the pre-check's question, and the file that keeps the answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from harness.control_client import ControlClient
from harness.errors import EnvironmentNotReady
from harness.forecast import write_lock
from harness.forecast.lock import LOCK_FILE, LockBroken
from harness.guard.precheck import FILE, Checked, StartRequest
from harness.guard.rate import Granted, beyond
from harness.orchestrate import checks
from harness.orchestrate.checks import Beginning, granted, keep, look
from harness.orchestrate.prepare import Sizes
from harness.orchestrate.system import System
from harness.orchestrate.untouched import LiveLane
from harness.runs.order import order_of
from harness.stack.addresses import Addresses
from plans.models import find, load_plan
from tests.support.sample_run import sample_lock


@dataclass
class Nothing:
    """A system that is not looked at."""

    elsewhere: bool = False
    addresses: Addresses = field(default_factory=Addresses.plain)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[StartRequest]:
    """The questions, instead of their answers."""
    every: list[StartRequest] = []
    monkeypatch.setattr(checks, "precheck", lambda ask: every.append(ask) or [])
    return every


def ask(runs: Path, overload: float = 1.0, beginning: Beginning | None = None, plan: str = "gala-share") -> None:
    order = order_of(load_plan(find(plan, "stress")), runs, lane="stress")
    system, control = cast(System, Nothing()), cast(ControlClient, None)
    look(order, system, control, order.share(), Sizes(500, None), overload, beginning)


def test_the_burst_is_asked_for_with_its_overload_and_without_what_is_the_run_s(
    asked: list[StartRequest], tmp_path: Path
) -> None:
    ask(tmp_path)
    ask(tmp_path, 1.35)
    plain, hot = asked
    assert hot.peak_rps == pytest.approx(1.35 * plain.peak_rps)
    assert (hot.burst, hot.ceiling_rps, hot.sum_live, hot.look_at_shadow, hot.check_lock) == (True,) + (None,) * 4
    assert plain.rules
    assert plain.register == tmp_path / ".generators"


def test_a_climb_beyond_the_peak_is_asked_for_at_its_top(asked: list[StartRequest], tmp_path: Path) -> None:
    ask(tmp_path)
    ask(tmp_path, plan="step-to-knee")
    ask(tmp_path, 1.35, plan="step-to-knee")
    plain, climb, burst = asked
    assert climb.peak_rps == pytest.approx(1.2 * plain.peak_rps)
    assert burst.peak_rps == pytest.approx(1.35 * plain.peak_rps), "the burst itself goes no stairs"
    assert climb.taps_rps == plain.taps_rps


def test_a_run_brings_its_lock_its_live_lane_and_what_was_calibrated(asked: list[StartRequest], tmp_path: Path) -> None:
    sealed = sample_lock()
    write_lock(sealed, tmp_path)
    live = cast(LiveLane, LiveLane(cast(System, None), cast(ControlClient, None), lambda kind, text: None))
    ask(tmp_path, beginning=Beginning(tmp_path, sealed.sha256, live, {"ceiling_rps": 35_000}))
    (found,) = asked
    assert (found.burst, found.ceiling_rps) == (False, 35_000)
    assert found.taps_rps > 0
    assert (found.sum_live, found.look_at_shadow) == (live.before, live.shadow)
    assert found.check_lock is not None
    assert found.check_lock() == sealed.sha256
    lock = tmp_path / LOCK_FILE
    lock.write_text(lock.read_text().replace('"seed": ', '"seed": 9'))
    with pytest.raises(LockBroken):
        found.check_lock()


def test_a_run_on_the_live_lane_with_a_scale_of_its_own(asked: list[StartRequest], tmp_path: Path) -> None:
    ask(tmp_path, beginning=Beginning(tmp_path, "", None, {}))
    (found,) = asked
    assert (found.sum_live, found.look_at_shadow, found.ceiling_rps) == (None, None, None)


def test_what_was_found_stands_in_the_run_s_folder(tmp_path: Path) -> None:
    keep([Checked("refused", "no room", "", 18, "disk", "the disk has too little room", 0.25)], tmp_path, Granted(9.0))
    assert beyond(tmp_path, 10, None) == "10 taps/s; the allow-list grants 9"
    assert json.loads((tmp_path / FILE).read_text())["items"] == [
        {"state": "refused", "says": "no room", "subject": "", "number": 18, "item": "disk", "took_ms": 0.25}
    ]


def test_a_folder_that_cannot_be_written_refuses_the_start(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentNotReady, match="nothing was sent"):
        keep([], tmp_path / "none", Granted())


ALLOWED = """kind: targets
targets:
  - {id: here, hosts: ["127.0.0.1:1", "127.0.0.1:2"], rate_max: 900/s, duration_max: 1m, step_max: 50/s}
  - {id: play, hosts: ["127.0.0.1:3"], rate_max: 800/s, duration_max: 1m}
"""


def test_what_is_granted_is_the_least_of_the_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, three, four = (f"http://127.0.0.1:{port}" for port in (1, 2, 3, 4))
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "targets.yaml").write_text(ALLOWED)
    monkeypatch.chdir(tmp_path)
    both = Nothing(addresses=Addresses.plain(control_url=one, front_urls=(two,), play_url=three))
    assert granted(cast(System, both)) == Granted(rate_max=800.0, step_max=50.0)
    assert granted(cast(System, Nothing(addresses=Addresses.plain(control_url=four)))) == Granted()


def test_a_step_of_the_plan_and_of_the_burst(asked: list[StartRequest], tmp_path: Path) -> None:
    ask(tmp_path, 1.35)
    ask(tmp_path, beginning=Beginning(tmp_path, "", None, {}))
    burst, run = asked
    assert burst.step_rps == burst.peak_rps, "from nothing to all of it"
    assert 0 < run.step_rps < run.peak_rps
    assert run.started_by
