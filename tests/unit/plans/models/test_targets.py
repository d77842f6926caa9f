"""The allow-list: what it names, what it refuses."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from plans.models import PlanError
from plans.models.home import HOME
from plans.models.targets import HoursOfDay, load_targets
from system.contract.addresses import is_loopback

GOOD = """kind: targets
targets:
  - {id: staging, hosts: [a.example, "b.example:8000"], rate_max: 100/s, duration_max: 1m}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "targets.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://a.example:1/x", True),
        ("http://b.example:8000", True),
        ("http://b.example", False),
        ("http://b.example:8001", False),
        ("http://x.a.example", False),
        ("http://a.example@evil.example", False),
    ],
)
def test_hosts(tmp_path: Path, url: str, allowed: bool) -> None:
    entry = load_targets(written(tmp_path, GOOD)).entry(url)
    assert (entry is not None) is allowed
    assert entry is None or (entry.rate_max, entry.duration_max) == (100.0, 60.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(GOOD.replace("a.example", '"*.example"'), "targets.yaml:3: ", id="a wildcard"),
        pytest.param(GOOD.replace("rate_max", "rate_most"), "did you mean rate_max", id="a misspelt key"),
        pytest.param(GOOD.replace("a.example", '"b.example:8000"'), "stands twice", id="a host twice"),
    ],
)
def test_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        load_targets(written(tmp_path, text))


def test_the_projects_own_list_allows_nothing() -> None:
    assert load_targets(HOME / "targets.yaml").targets == ()


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:80", True), ("http://localhost", True), ("http://[::1]:8", True),
        ("http://127.0.0.1.example", False), ("http://10.0.0.1", False), ("http://localhost.example", False),
        ("http://127.0.0.1:99999/", False), ("http://127.0.0.1:x/", False), ("http://[::1", False),
    ],
)  # fmt: skip
def test_loopback(url: str, here: bool) -> None:
    assert is_loopback(url) is here


FULL = GOOD.replace(
    "duration_max: 1m",
    'duration_max: 1m, step_max: 10/s, hours: {from: "22:00", until: "05:00", zone: "+08:00"},'
    " capacity: 500/s, live_headroom: 30%, approval: true",
)


def test_what_a_system_may_be_granted(tmp_path: Path) -> None:
    (one,) = load_targets(written(tmp_path, FULL)).targets
    assert (one.step_max, one.capacity, one.live_headroom, one.approval) == (10.0, 500.0, 0.3, True)
    assert str(one.hours) == "22:00 to 05:00 (+08:00)"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(FULL.replace("live_headroom: 30%, ", ""), "`capacity` alone says nothing", id="no headroom"),
        pytest.param(FULL.replace("capacity: 500/s, ", ""), "`live_headroom` alone says nothing", id="no capacity"),
        pytest.param(FULL.replace("22:00", "24:00"), "targets.yaml:3: ", id="no such hour"),
        pytest.param(FULL.replace("+08:00", "CST"), "targets.yaml:3: ", id="a zone by name"),
        pytest.param(FULL.replace("22:00", "05:00"), "from 05:00 until 05:00 is no time", id="no time at all"),
        pytest.param(FULL.replace("step_max: 10/s", "step_max: 10"), "targets.yaml:3: ", id="a rate without its unit"),
    ],
)
def test_a_limit_that_says_nothing_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        load_targets(written(tmp_path, text))


@pytest.mark.parametrize(
    ("hours", "start", "lasts_s", "held"),
    [
        pytest.param(("22:00", "05:00", "+00:00"), "2016-02-07T21:59:59+00:00", 1, False, id="before"),
        pytest.param(("22:00", "05:00", "+00:00"), "2016-02-07T22:00:00+00:00", 7 * 3600, True, id="all of it"),
        pytest.param(("22:00", "05:00", "+00:00"), "2016-02-07T22:00:00+00:00", 7 * 3600 + 1, False, id="and more"),
        pytest.param(("22:00", "05:00", "+00:00"), "2016-02-08T04:00:00+00:00", 3600, True, id="over midnight"),
        pytest.param(("22:00", "05:00", "+00:00"), "2016-02-08T05:00:00+00:00", 1, False, id="over"),
        pytest.param(("01:00", "02:00", "+08:00"), "2016-02-07T17:30:00+00:00", 60, True, id="another zone"),
        pytest.param(("01:00", "02:00", "-03:30"), "2016-02-07T05:29:00+00:00", 60, True, id="west"),
        pytest.param(("01:00", "02:00", "-03:30"), "2016-02-07T05:30:00+00:00", 60, False, id="west, over"),
    ],
)
def test_the_hours_of_a_day(hours: tuple[str, str, str], start: str, lasts_s: float, held: bool) -> None:
    first, until, zone = hours
    one = HoursOfDay.model_validate({"from": first, "until": until, "zone": zone})
    assert one.hold(datetime.fromisoformat(start), lasts_s) is held
