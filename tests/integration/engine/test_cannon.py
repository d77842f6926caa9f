"""The cannon against a server that does all that servers do: outcomes, re-connections, winners replaced, counts."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.engine.config import STOPS, Beside, CannonConfig
from harness.engine.process import CannonError, CannonProcess, run_cannon
from harness.engine.recorder import read_history
from system.contract.history import FLAG_EFFECT_NONE, NO_PACKET, Kind, Outcome
from tests.support import moody_server as moody
from tests.support.moody_server import House

PLAIN = range(101, 121)  # users who are treated as anybody
PATIENT: dict[str, Any] = {"timeout_s": 3.0, "drain_s": 8.0}
"""Longer than server or cannon stand still on a busy machine: only who is never answered goes without an answer."""


@pytest.fixture
def house() -> Iterator[House]:
    with House().open() as it:
        yield it


def _config(house: House, folder: Path, rate_rps: float, seconds: float, **more: Any) -> CannonConfig:
    users = more.pop("users", range(1, 13))
    (folder / "tokens").write_text("".join(f"{uid}.1999999999.aa\n" for uid in users))
    segment = {"kind": "constant", "rate_rps": rate_rps, "duration_s": seconds, "phase": 1}
    more.setdefault("slots", 11)
    more.setdefault("connections", more["slots"])
    return CannonConfig(
        fronts=(f"http://127.0.0.1:{house.port}",),
        segments=(segment,),
        tokens=str(folder / "tokens"),
        result=str(folder / "result.json"),
        history=str(folder / "history"),
        **more,
    )


def test_every_mood_of_a_server(house: House, tmp_path: Path) -> None:
    result = run_cannon(_config(house, tmp_path, 110, 2, taps_after_win=3, **PATIENT))
    load = result.load
    assert load["scheduled"] == 220 == load["sent"] + load["dropped"] + load["unsent"]
    assert not any(load["residues"].values())
    records = read_history(tmp_path / "history")
    assert len(records) == load["sent"] == sum(load["outcomes"].values())

    def of(uid: int) -> dict[Outcome, int]:
        mine = records["outcome"][records["uid"] == uid]
        return {Outcome(o): int((mine == o).sum()) for o in np.unique(mine).tolist()}

    assert of(moody.LOSE) == {Outcome.LOSE: 20}
    assert of(moody.SPLIT) == {Outcome.LOSE: 20}
    assert of(moody.CLOSE) == {Outcome.LOSE: 20}, "a connection that ends after its answer is opened again"
    assert of(moody.TWICE) == {Outcome.LOSE: 20}, "a surplus answer is nobody's"
    assert of(moody.PENDING) == {Outcome.PENDING: 20}
    assert of(moody.TOO_FAST) == {Outcome.REFUSED: 20}
    assert load["refused_by_status"] == {"429": 20}
    for uid in (moody.RESET, moody.GARBAGE, moody.STORE_AWAY, moody.SILENT):
        assert set(of(uid)) == {Outcome.UNKNOWN}, "it may have happened"
    assert of(moody.WIN_ONCE) == {Outcome.WIN: 1, Outcome.REPEAT: 3}
    assert of(moody.RESERVE) == {Outcome.LOSE: 16}, "the winner makes room for a user of the reserve"

    won = records[records["uid"] == moody.WIN_ONCE]
    assert set(won["packet"].tolist()) == {42}
    assert set(won["fen"].tolist()) == {188}
    assert (records["packet"][records["uid"] != moody.WIN_ONCE] == NO_PACKET).all()
    refused = records[records["outcome"] == Outcome.REFUSED]
    assert (refused["flags"] == FLAG_EFFECT_NONE).all()
    attempts = records["attempt"][records["uid"] == moody.PENDING]
    assert attempts.tolist() == list(range(20)), "who is pending asks again"
    assert sum(house.taps.values()) == load["sent"]


def test_follow_ups_are_of_whom_an_answer_was_and_empty_slots_are_unfed(house: House, tmp_path: Path) -> None:
    """Users who are refused tap again: 5 refusals a second, 40 slots; no answer moves a slot."""
    address, slots = f"http://127.0.0.1:{house.port}", ({"kind": "constant", "rate_rps": 40, "duration_s": 2},)
    again = Beside("retries", "again", (address,), slots, 8, 8, after="tap", on=("refused",))
    account = run_cannon(_config(house, tmp_path, 55, 2, taps_after_win=3, beside=(again,), **PATIENT)).data
    load = account["beside"][0]["load"]
    assert load["scheduled"] == 80 == load["sent"] + load["dropped"] + load["unfed"] + load["unsent"]
    assert load["unfed"] > 40
    assert load["sent"] > 3
    assert load["outcomes"]["refused"] == load["sent"]
    assert not any(load["residues"].values())
    records = read_history(tmp_path / "history")
    retries = records[records["journey"] == 1]
    assert len(retries) == load["sent"]
    assert set(retries["uid"].tolist()) == {moody.TOO_FAST}
    assert set(retries["kind"].tolist()) == {Kind.TAP}, "a tap as every other one: the books count it"
    off = np.diff(np.sort(retries["intended_ns"].astype(np.int64))) % 25_000_000
    assert (np.minimum(off, 25_000_000 - off) <= 2).all(), "each at a slot of the schedule"


def test_a_silent_server_costs_its_time_out_in_the_response(house: House, tmp_path: Path) -> None:
    result = run_cannon(_config(house, tmp_path, 10, 0.5, slots=1, timeout_s=0.3, drain_s=5.0, users=[moody.SILENT]))
    assert result.outcomes["unknown"] == result.load["sent"]
    assert result.latency_ms["response"]["max"] >= 300
    assert result.latency_ms["good"]["response"]["max"] is None


def test_taps_wait_for_a_front_that_is_away_and_the_wait_is_the_systems(house: House, tmp_path: Path) -> None:
    config = _config(house, tmp_path, 200, 3, slots=20, users=PLAIN, lease_s=10.0)
    shut_at = opened_at = 0.0
    with CannonProcess(config) as cannon:
        for message in cannon.lines():
            if message["event"] == "counts" and message["sent"] >= 100 and not shut_at:
                house.call("shut")
                shut_at = time.monotonic()
            elif message["event"] == "counts" and shut_at and not opened_at:
                opened_at = time.monotonic()  # from behind the one to before the other: it was away that long at least
                house.call("open")
        result = cannon.result()
    load = result.load
    assert load["sent"] == 600
    assert load["outcomes"]["lose"] + load["outcomes"]["unknown"] == 600
    assert result.latency_ms["queued"]["max"] >= 0.8 * (opened_at - shut_at) * 1000
    assert result.data["breaks"] >= 20
    assert 0 <= result.generator["steal"] <= result.generator["steal_max"] <= 1, "three seconds: two spans of samples"


def test_a_new_plan_version_takes_over(house: House, tmp_path: Path) -> None:
    config = _config(house, tmp_path, 100, 10, slots=20, users=PLAIN)
    answer: dict[str, Any] = {}
    with CannonProcess(config) as cannon:
        for message in cannon.lines():
            if message["event"] == "counts" and message["sent"] >= 20 and not answer:
                answer = {"event": "asked"}
                segment = {"kind": "constant", "rate_rps": 400, "duration_s": 0.5, "phase": 1}
                cannon.rate(2, time.monotonic_ns() + 300_000_000, [segment])
            elif message["event"] == "rate":
                answer = message
            elif message["event"] == "error":
                assert "too late" in message["message"]
                answer = {}  # a machine that stood still meanwhile; asked again
        result = cannon.result()
    before = int((answer["at_ns"] - result.data["start_ns"]) // 10_000_000) + 1
    assert answer["taps"] == before + 200
    assert result.load["scheduled"] == result.load["sent"] == before + 200
    assert result.data["rate_versions"][0]["version"] == 2


def test_a_plan_version_that_does_not_fit_is_refused_in_words(house: House, tmp_path: Path) -> None:
    config = _config(house, tmp_path, 100, 3, slots=20, users=PLAIN)  # the order comes while it fires, however late
    refusal = ""
    with CannonProcess(config) as cannon:
        for message in cannon.lines():
            if message["event"] == "counts" and message["sent"] >= 20 and not refusal:
                refusal = "asked"
                cannon.rate(2, time.monotonic_ns(), [{"kind": "constant", "rate_rps": 1e4, "duration_s": 9}])
            elif message["event"] == "error":
                refusal = message["message"]
        result = cannon.result()
    assert "room for 300" in refusal
    assert result.load["sent"] == 300


def test_nobody_listens(house: House, tmp_path: Path) -> None:
    config = _config(house, tmp_path, 10, 1, ready_timeout_s=0.5)
    house.call("shut")
    with pytest.raises(CannonError, match=r"only 0 of 11 connections .* the last that did not: Connection refused"):
        run_cannon(config)
    house.call("open")


@pytest.mark.parametrize("number", STOPS)
def test_one_that_is_told_to_end_before_it_stands_says_so_in_its_account(
    house: House, tmp_path: Path, number: signal.Signals
) -> None:
    with CannonProcess(_config(house, tmp_path, 100, 30, wait_for_start=True)) as cannon:
        cannon.process.send_signal(number)
        assert [message["event"] for message in cannon.lines()] == ["done"]
        cannon.start()
        result = cannon.result()
    assert result.data["stop"] == number.name
    assert result.load["sent"] == 0


@pytest.mark.parametrize("connected", [False, True])
def test_a_kill_file_stops_one_that_connects_or_waits_for_its_start(
    house: House, tmp_path: Path, connected: bool
) -> None:
    config = _config(house, tmp_path, 100, 30, wait_for_start=True, kill_file=str(tmp_path / "kill"), lease_s=20.0)
    if not connected:
        house.call("shut")
    (tmp_path / "kill").touch()
    with CannonProcess(config) as cannon:
        for message in cannon.lines():
            assert message["event"] != "counts" or not message["sent"]
        result = cannon.result()
    if not connected:
        house.call("open")
    assert result.data["stop"] == "kill file"


@pytest.mark.parametrize("what", ["history", "result"])
def test_what_cannot_be_kept_is_one_sentence(house: House, tmp_path: Path, what: str) -> None:
    (tmp_path / "file").write_text("")
    config = replace(_config(house, tmp_path, 50, 0.5, users=PLAIN), **{what: str(tmp_path / "file" / "x")})
    with pytest.raises(CannonError) as told:
        run_cannon(config)
    assert "cannot be written: Not a directory" in str(told.value)
    assert "Traceback" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("asked", [False, True])
def test_the_class_it_fires_in_is_asked_for_and_said(house: House, tmp_path: Path, asked: bool) -> None:
    """What a user may is not this test's: the answer has to be what the system granted."""
    granted = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, check=False, timeout=20).returncode == 0
    result = run_cannon(_config(house, tmp_path, 100, 0.5, users=PLAIN, realtime=asked))
    assert result.data["scheduling"] == ("fifo" if asked and granted else "other")


_ASK = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"
