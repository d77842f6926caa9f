"""Token buckets: so many at once, so many a second, each key its own, and a wait that is enough."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry

from system.contract.errors import SettingsError, TooFast
from system.play.limits import RequestLimits, TokenBuckets
from system.settings import PlaySettings


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("rate", "burst"), [(1, 1), (7, 7), (50, 200), (3, 10)])
def test_so_many_at_once_and_so_many_a_second(rate: int, burst: int) -> None:
    clock = Clock()
    buckets = TokenBuckets(rate, burst, clock)
    assert [buckets.wait_s("a") == 0 for _ in range(burst + 2)] == [True] * burst + [False] * 2
    for _ in range(10):
        clock.now += 1
        assert [buckets.wait_s("a") == 0 for _ in range(rate + 1)] == [True] * rate + [False]
    clock.now += 10 * burst
    assert [buckets.wait_s("a") == 0 for _ in range(burst + 1)] == [True] * burst + [False], "never more than it holds"


def test_whoever_waits_as_told_is_let_in() -> None:
    clock = Clock()
    buckets = TokenBuckets(3, 3, clock)
    for _ in range(200):
        wait_s = buckets.wait_s("a")
        clock.now += wait_s
        assert not wait_s or buckets.wait_s("a") == 0
    clock.now += buckets.wait_s("a") * 0.99
    assert buckets.wait_s("a") > 0, "and whoever waits less is not"


def test_what_is_given_back_can_be_taken_again_and_no_more() -> None:
    clock = Clock()
    buckets = TokenBuckets(1, 2, clock)
    assert [buckets.wait_s("a") == 0 for _ in range(3)] == [True, True, False]
    buckets.give_back("a")
    buckets.give_back("nobody")
    assert [buckets.wait_s("a") == 0 for _ in range(2)] == [True, False]
    for _ in range(5):
        assert buckets.wait_s("b") == 0
        buckets.give_back("b")
    assert [buckets.wait_s("b") == 0 for _ in range(3)] == [True, True, False]


def test_keys_have_buckets_of_their_own_and_the_oldest_is_forgotten() -> None:
    clock = Clock()
    buckets = TokenBuckets(1, 1, clock, most=2)
    assert [buckets.wait_s(key) == 0 for key in "aab"] == [True, False, True]
    assert buckets.wait_s("c") == 0
    assert buckets.wait_s("b") > 0, "was seen last but one"
    assert buckets.wait_s("a") == 0, "was forgotten: nobody can fill the memory"


def test_refusals_are_counted_and_say_how_long_to_wait() -> None:
    registry = CollectorRegistry()
    settings = PlaySettings(("", 0), "", b"", user_rate_per_s=1, user_burst=2, address_rate_per_s=4, address_burst=4)
    limits = RequestLimits(settings, registry)
    for _ in range(2):
        limits.take("user", 5)
    limits.take("user", 6)
    for _ in range(3):
        with pytest.raises(TooFast) as caught:
            limits.take("user", 5)
        assert caught.value.headers() == {"Retry-After": "1"}
    limits.take("address", 5)

    def counted(whose: str) -> float | None:
        return registry.get_sample_value("hongbao_play_limited_total", {"whose": whose})

    assert (counted("user"), counted("address")) == (3, 0)
    assert math.ceil(TokenBuckets(0.1, 1).wait_s("a")) == 0


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("XIU_USER_LIMIT", "5"), ("XIU_USER_LIMIT", "0:5"), ("XIU_USER_LIMIT", "6:5"), ("XIU_USER_LIMIT", "-1:5"),
        ("XIU_ADDRESS_LIMIT", "a:b"), ("XIU_ADDRESS_LIMIT", "1.5:7"), ("XIU_ADDRESS_LIMIT", ":"),
    ],
)  # fmt: skip
def test_limits_that_cannot_be(env: dict[str, str], variable: str, text: str) -> None:
    with pytest.raises(SettingsError):
        PlaySettings.from_env(env | {variable: text})


def test_limits_from_the_environment(env: dict[str, str]) -> None:
    settings = PlaySettings.from_env(env | {"XIU_USER_LIMIT": "2:3", "XIU_ADDRESS_LIMIT": "4:5"})
    assert (settings.user_rate_per_s, settings.user_burst) == (2, 3)
    assert (settings.address_rate_per_s, settings.address_burst) == (4, 5)
    untold = PlaySettings.from_env(env)
    assert untold.user_rate_per_s < untold.user_burst < untold.address_burst


@pytest.fixture
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    secret = tmp_path_factory.mktemp("secret") / "master"
    secret.write_text("00" * 32)
    return {
        "XIU_LISTEN": "127.0.0.1:1", "XIU_POSTGRES_URL": "postgresql://127.0.0.1:1/x", "XIU_SECRET_FILE": str(secret),
    }  # fmt: skip
