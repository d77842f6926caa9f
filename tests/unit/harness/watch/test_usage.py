"""What parts use of a CPU while a climb goes on: between two moments, and sampled by a thread of its own."""

from __future__ import annotations

import itertools

import pytest

from harness.capacity.suspect import MACHINE
from harness.errors import HarnessError
from harness.watch import usage
from harness.watch.usage import UsageSample, UsageSampler, cores_between
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
