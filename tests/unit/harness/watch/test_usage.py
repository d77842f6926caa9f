"""What parts use of a CPU while a climb goes on: between two moments, and sampled by a thread of its own."""

from __future__ import annotations

import itertools

import psutil
import pytest

from harness.capacity.signs import HOST
from harness.capacity.suspect import MACHINE
from harness.errors import HarnessError
from harness.stack.addresses import Addresses
from harness.watch import usage
from harness.watch.prom import PromError
from harness.watch.usage import UsageSample, UsageSampler, cores_between, told_by
from tests.support.stores import wait_until

SAMPLES = [UsageSample(at_s, {"front-0": at_s * share, "late": 0.0} if at_s > 4 else {"front-0": at_s * share})
           for at_s, share in ((0.0, 0.5), (2.0, 0.5), (4.0, 0.5), (6.0, 0.75), (8.0, 0.75))]  # fmt: skip


@pytest.mark.parametrize(
    ("from_s", "to_s", "cores"),
    [
        pytest.param(0.0, 4.0, 0.5, id="from sample to sample"),
        pytest.param(0.5, 3.5, 0.5, id="by the samples around"),
        pytest.param(4.0, 8.0, 1.0, id="another stair"),
        pytest.param(4.0, 99.0, 1.0, id="as far as it was sampled"),
        pytest.param(-9.0, 2.0, 0.5, id="from when it was sampled"),
    ],
)
def test_cores_between_two_moments(from_s: float, to_s: float, cores: float) -> None:
    assert cores_between(SAMPLES, from_s, to_s)["front-0"] == pytest.approx(cores)


def test_what_is_not_known_is_left_out() -> None:
    assert cores_between([], 0.0, 4.0) == {}
    assert cores_between(SAMPLES[:1], 0.0, 4.0) == {}
    assert set(cores_between(SAMPLES, 2.0, 8.0)) == {"front-0"}, "it was not there at the beginning"


def test_what_parts_tell_is_sampled_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With this host's disk where its processes run here; of a system elsewhere without."""
    monkeypatch.setattr(usage, "EVERY_S", 0.01)
    for used in ({"front-0": {"cpu_s": 1.0}}, {}):
        sampler = UsageSampler(lambda used=used: used, lambda: 7.0, lambda: {"front-0": {}})  # type: ignore[misc]
        sampler.start()
        try:
            wait_until(lambda one=sampler: len(one.told) >= 2, 20.0, "two samples")  # type: ignore[misc]
        finally:
            sampler.stop()
        assert sampler.told[0].at_s >= 7.0
        assert set(sampler.told[-1].told) - {HOST} == {"front-0"}
        assert (HOST in sampler.told[-1].told) is (bool(used) and hasattr(psutil.cpu_times(), "iowait"))


def test_who_does_not_answer_tells_nothing_and_takes_nobody_along(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def read(url: str, timeout_s: float, session: object) -> dict[object, float]:
        asked.append(url)
        if "9101" in url:
            raise PromError("away", away=True)
        return {("hongbao_front_places", frozenset()): 9.0, ("hongbao_requests_total", frozenset()): 1.0}

    monkeypatch.setattr(usage, "read_metrics", read)
    at = Addresses.plain(
        control_url="http://c", front_urls=("http://f0", "http://f1"),
        front_metrics_urls=("http://127.0.0.1:9100", "http://127.0.0.1:9101"), stores_metrics_url="http://s",
    )  # fmt: skip
    found = told_by(at.places)
    assert asked == ["http://127.0.0.1:9100/metrics", "http://127.0.0.1:9101/metrics", "http://s/metrics"]
    assert found["front-0"] == {("hongbao_front_places", frozenset()): 9.0}
    assert set(found) == {"front-0", "stores"}


def test_a_thread_samples_and_outlives_a_system_that_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "EVERY_S", 0.01)
    turns = itertools.count()

    def used() -> dict[str, dict[str, float]]:
        if (turn := next(turns)) % 2:
            raise HarnessError("away")
        return {"front-0": {"cpu_s": float(turn), "rss_mib_max": 1.0}} if turn else {}

    clock = itertools.count()
    sampler = UsageSampler(used, lambda: float(next(clock)))
    sampler.start()
    try:
        wait_until(lambda: len(sampler.samples) >= 2, 20.0, "two samples")
    finally:
        sampler.stop()
    first, second = sampler.samples[:2]
    assert (first.cpu_s["front-0"], second.cpu_s["front-0"]) == (2.0, 4.0)
    assert 0 < first.cpu_s[MACHINE] <= second.cpu_s[MACHINE]
    assert first.at_s < second.at_s
