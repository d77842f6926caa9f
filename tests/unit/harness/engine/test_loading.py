"""Loading: tokens to request bytes, workers' shares, foreign users abroad, orders that contradict themselves."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.engine.cannon import Cannon
from harness.engine.config import Beside, CannonConfig, ConfigError, ProbeTokens
from harness.engine.loading import load
from harness.engine.schedule import ScheduleError, constant, least_taps, ramp, schedule, spike
from harness.engine.tape import NEVER
from system.contract.history import Kind
from system.contract.routing import Topology, front_of

FRONTS = ("http://127.0.0.1:7001", "127.0.0.1:7002")


def _config(folder: Path, **more: Any) -> CannonConfig:
    tokens = folder / "tokens"
    tokens.write_text("".join(f"{uid}.9.ff\n" for uid in range(1000, 1200)))
    given: dict[str, Any] = {
        "fronts": FRONTS[:1],
        "segments": ({"kind": "constant", "rate_rps": 100, "duration_s": 10, "phase": 1},),
        "tokens": str(tokens),
        "result": str(folder / "result.json"),
        "slots": 50,
        "connections": 50,
    }
    return CannonConfig(**given | more)


def test_config_survives_json(tmp_path: Path) -> None:
    config = _config(tmp_path, probes=(ProbeTokens("forged", "file", 3),), too_fast_share=0.5)
    assert CannonConfig.from_json(config.to_json()) == config


def test_request_bytes(tmp_path: Path) -> None:
    loaded = load(_config(tmp_path, tag="run.9.aa", round=7))
    assert loaded.gun.requests[3] == (
        b"POST /v1/rounds/7/taps HTTP/1.1\r\nHost: 127.0.0.1:7001\r\nContent-Length: 0\r\n"
        b"Authorization: Bearer 1003.9.ff\r\nX-Xiu-Tag: run.9.aa\r\n\r\n"
    )
    assert loaded.uids[3] == 1003


def test_workers_divide_taps_users_and_connections(tmp_path: Path) -> None:
    parts = [load(_config(tmp_path, worker=worker, workers=3)) for worker in range(3)]
    assert sum(len(part.tape) for part in parts) == 1000
    assert sum(len(part.gun.connections) for part in parts) == 50
    assert sorted(np.concatenate([part.uids for part in parts]).tolist()) == list(range(1000, 1200))


def test_every_user_goes_to_the_front_that_owns_it_and_foreigners_to_another(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_text("".join(f"{uid}.9.ff\n" for uid in range(5000, 5100)))
    loaded = load(_config(tmp_path, fronts=FRONTS, probes=(ProbeTokens("foreign", str(foreign), 100),)))
    topology, tape = Topology(FRONTS, (0, 0)), loaded.tape
    for tap in range(len(tape)):
        front = loaded.gun.connections[tape.connection[tap]].front
        owner = front_of(int(loaded.uids[tape.user[tap]]), topology)
        assert (front != owner) is bool(tape.kind[tap] == Kind.FOREIGN)
    assert (tape.kind == Kind.FOREIGN).sum() == 100


def test_a_plan_version_replaces_what_is_still_to_come(tmp_path: Path) -> None:
    tape = load(_config(tmp_path, rate_headroom=1.5)).tape
    tape.shift(0)
    more = 5_000_000_000 + np.arange(700, dtype=np.int64) * 1_000_000
    assert tape.replan(5_000_000_000, more, np.ones(700, np.uint8)) == len(tape) == 1200
    intended = tape.times(tape.intended)
    assert intended[499] < 5_000_000_000
    assert np.array_equal(intended[500:], more)
    assert tape.intended[1200] == NEVER
    with pytest.raises(ScheduleError, match="room for 1500"):
        tape.replan(0, np.zeros(1501, np.int64), np.ones(1501, np.uint8))


WALLET = {
    "journey": "reads", "shot": "wallet", "addresses": ("127.0.0.1:7009",), "slots": 20, "connections": 5,
    "segments": ({"kind": "constant", "rate_rps": 20, "duration_s": 10, "phase": 1},),
}  # fmt: skip


def test_a_journey_beside_the_taps_has_its_own_connections_requests_and_times(tmp_path: Path) -> None:
    config = _config(tmp_path, fronts=FRONTS, beside=(Beside(**WALLET),), rate_headroom=1.5)
    assert CannonConfig.from_json(config.to_json()) == config
    loaded, alone = load(config), load(_config(tmp_path, fronts=FRONTS, rate_headroom=1.5))
    tape, gun = loaded.tape, loaded.gun
    assert np.bincount(tape.journey).tolist() == [1000, 200]
    assert [port for _, port in loaded.addresses] == [7001, 7002, 7009]
    assert len(gun.connections) == 55
    for tap in range(len(tape)):
        connection, request = gun.connections[tape.connection[tap]], gun.requests[tape.user[tap]]
        uid = int(loaded.uids[tape.user[tap]])
        assert connection.journey is gun.journeys[tape.journey[tap]]
        assert (connection.front == 2) is bool(tape.journey[tap]) is request.startswith(b"GET /v1/wallet ")
        assert b"Bearer %d." % uid in request
        assert bool(tape.kind[tap] == Kind.OTHER) is bool(tape.journey[tap])
    taps = tape.journey == 0
    assert np.array_equal(tape.users()[taps], alone.tape.users()), "the taps are what they were without it"
    assert np.array_equal(tape.times(tape.intended)[taps], alone.tape.times(alone.tape.intended))


def test_the_public_has_tokens_and_a_round_of_its_own_and_carries_no_tag(tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.write_text("".join(f"{uid}.9.ee\n" for uid in range(5000, 5020)))
    public = Beside(**WALLET | {"journey": "public", "shot": "public", "addresses": FRONTS[:1]})
    config = _config(tmp_path, tag="run.9.aa", round=7, beside=(public,), public=str(live), public_round=8)
    assert CannonConfig.from_json(config.to_json()) == config
    gun = load(config).gun
    theirs = [request for request in gun.requests if b"/v1/rounds/8/taps" in request]
    assert len(theirs) == 20
    assert not any(b"X-Xiu-Tag" in request for request in theirs)
    assert all(b".9.ee" in request for request in theirs)
    ours = [request for request in gun.requests if request not in theirs]
    assert len(ours) == 200
    assert all(b"/v1/rounds/7/taps" in request and b"X-Xiu-Tag: run.9.aa" in request for request in ours)
    with pytest.raises(ConfigError, match="no token of the live lane"):
        load(_config(tmp_path, beside=(public,)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"beside": (Beside(**WALLET | {"journey": "tap"}),)}, "each name once", id="a journey twice"),
        pytest.param({"beside": (Beside(**WALLET | {"addresses": ()}),)}, "one address", id="a journey to nobody"),
        pytest.param({"beside": (Beside(**WALLET | {"slots": 4}),)}, "5 connections for 4 slots", id="idle wires"),
        pytest.param({"fronts": ()}, "at least one front", id="nobody to fire at"),
        pytest.param({"fronts": ("localhost",)}, "expected host:port", id="no port"),
        pytest.param({"worker": 3, "workers": 3}, "worker 3 of 3", id="a worker too many"),
        pytest.param({"workers": 51}, "50 connections for 51 workers", id="more workers than connections"),
        pytest.param({"lease_s": 0}, "lease_s 0", id="a lease of nothing"),
        pytest.param({"probes": (ProbeTokens("odd", "f", 1),)}, "odd", id="a probe nobody knows"),
        pytest.param({"rate_headroom": 0.5}, "rate_headroom", id="less room than taps"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(_config(tmp_path, **change))


@pytest.mark.parametrize("text", [pytest.param("", id="empty"), pytest.param("token\n", id="no user's number")])
def test_token_files_that_are_none(tmp_path: Path, text: str) -> None:
    config = _config(tmp_path)
    (tmp_path / "tokens").write_text(text)
    with pytest.raises(ConfigError, match="tokens"):
        load(config)


def test_a_rate_that_does_not_fit_is_refused_before_its_schedule_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(tmp_path, rate_headroom=1.5)
    firing = Cannon(config, load(config))
    said: list[dict[str, Any]] = []
    built: list[Any] = []
    monkeypatch.setattr(firing, "say", said.append)
    monkeypatch.setattr("harness.engine.cannon.schedule", lambda *given: built.append(given))
    firing.start_ns = time.monotonic_ns()
    segment = {"kind": "constant", "rate_rps": 1e5, "duration_s": 60}
    firing.obey("rate " + json.dumps({"version": 1, "at_ns": 0, "segments": [segment]}))
    assert "room for 1500" in said[0]["message"]
    assert built == []


def test_several_requests_of_one_s_own_keep_their_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate for the first alone would be another mixture than the plan's, and one that nobody asked for."""
    config = _config(tmp_path, rate_headroom=1.5)
    firing = Cannon(config, load(config))
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(firing, "say", said.append)
    firing.start_ns = time.monotonic_ns()
    before = firing.gun.end
    several: Any = SimpleNamespace(seed=1, goes_on=False, workers=1, worker=0, prepared=("a", "b"), beside=("b",))
    firing.config = several
    segment = {"kind": "constant", "rate_rps": 10.0, "duration_s": 1}
    order = "rate " + json.dumps({"version": 1, "at_ns": time.monotonic_ns() + 10**12, "segments": [segment]})
    firing.obey(order)
    assert "by their weights" in said[0]["message"]
    assert firing.gun.end == before
    several.prepared, several.beside = ("a",), ()
    firing.obey(order)
    assert said[1]["event"] == "rate", "of a single request it is changed"


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("poisson", [False, True])
def test_what_is_known_before_a_schedule_is_built_is_never_more_than_it_has(workers: int, poisson: bool) -> None:
    pieces = [*constant(37.3, 2.5, poisson=poisson), *ramp(5, 50, 3), *spike(3, 40, 2, 1, poisson=poisson)]
    least = least_taps(pieces, workers)
    sizes = [len(schedule(pieces, seed, worker, workers)) for seed in range(20) for worker in range(workers)]
    assert least <= min(sizes)
    assert least > 0.3 * min(sizes)
