"""A climb against one's own service, without one: what its generator is told, who leads it, what comes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.engine.config import CannonConfig
from harness.engine.loading import load
from harness.engine.schedule import pieces_of
from harness.guard.windows import read_windows
from harness.journeys.task_tape import tape_of_tasks
from harness.orchestrate.account import RoundAccount
from harness.service import checks
from harness.service.climbing import answered, leader_of, played_s
from harness.service.conduct import ServiceConductor
from harness.service.order import service_order
from harness.service.prepare import connections_of, fire_order, path_of, rate_plan, tasks_order, users_of
from harness.service.record import _not_evaluated
from plans.models.service import ServicePlan, load_service
from plans.models.target_service import LocustTarget, UrlTarget
from plans.signals import Reading
from tests.support.service_plans import SMALL

URL = '{url: "http://127.0.0.1:8080/hello"}'
TWO = """{url: "http://127.0.0.1:8080", requests: [{request: browse, path: /a, weight: 3},
  {request: order, path: /b, response_p99: 20ms}]}"""
CLIMB = "{kind: climb, shares: [50%, 100%, 150%], window: 3s, hold: 1, patience: 1}"


def written(folder: Path, target: str = TWO, *more: str) -> Path:
    file = folder / "mine.yaml"
    text = SMALL.replace("{kind: constant, share: 100%, duration: 5s}", CLIMB).replace(URL, target)
    file.write_text(text + "\n".join(more))
    return file


def plan(folder: Path, target: str = TWO, *more: str) -> ServicePlan:
    return load_service(written(folder, target, *more)).plan


@pytest.mark.parametrize("workers", [1, 3])
def test_each_request_is_told_its_first_window_and_has_room_for_the_longest_climb(tmp_path: Path, workers: int) -> None:
    own = plan(tmp_path, TWO, f"workers: {workers}")
    for part in (0.75, 0.25):
        told = rate_plan(own, part)
        pieces = pieces_of(told["segments"])
        assert [(piece.phase, piece.duration_s) for piece in pieces] == [(0, 2.0), (1, 3.0)]
        longest = pieces[0].taps + part * (2 + 6 * (50 + 100 + 150))
        assert longest <= told["room"] <= longest + 10 * workers


def test_any_other_plan_is_told_whole(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(SMALL)
    own = load_service(file).plan
    assert rate_plan(own, 1.0) == {"segments": tuple(own.segments())}
    assert (path_of(own), leader_of(own, tmp_path, lambda kind, text: None), answered(None, own)) == (None, None, None)
    assert played_s(None, own) == 5


def test_the_generator_has_room_and_connections_for_the_highest_stair(tmp_path: Path) -> None:
    order = service_order(load_service(written(tmp_path, URL)), tmp_path / "runs")
    target = order.target
    assert isinstance(target, UrlTarget)
    assert connections_of(order.plan, target) == [150]
    fire = fire_order(order, target, (), "r", tmp_path, 1.0, None)
    for name, text in fire.files.items():
        (tmp_path / name).write_text(text)
    config = CannonConfig.from_json(json.dumps(fire.config))
    assert config.goes_on
    told = json.loads(json.dumps(fire.config))
    told["prepared"][0]["requests"] = str(tmp_path / told["prepared"][0]["requests"])
    loaded = load(CannonConfig.from_json(json.dumps(told)))
    assert loaded.tape.capacity == config.room > 1800
    assert len(loaded.tape) == 200 + 1, "the warm-up, and one request"


def test_the_guard_is_asked_for_its_highest_stair_and_its_longest_time(tmp_path: Path) -> None:
    ask = checks.load_of(service_order(load_service(written(tmp_path)), tmp_path / "runs"))
    assert (ask.peak_rps, ask.duration_s) == (150, 2 + 4 * 2 * 3)


def test_tasks_of_a_locustfile_have_a_leader_and_room_too(tmp_path: Path) -> None:
    order = service_order(load_service(written(tmp_path, "{locustfile: mine.py}")), tmp_path / "runs")
    target = order.target
    assert isinstance(target, LocustTarget)
    assert users_of(order.plan, target) == 150
    config = tasks_order(order, "r", tmp_path, 1.0).config
    assert config["goes_on"] is True
    tape, plan_ns = tape_of_tasks(config, (1.0,))
    assert (len(tape), plan_ns) == (200 + 1, 5 * 10**9)
    assert tape.capacity == config["room"] > 1800
    leader = leader_of(order.plan, tmp_path, lambda kind, text: None)
    assert leader is not None
    leader.take(Reading(3.0, answered=201, reached=201, response_us=((1_000, 201),), seen_s=(3.0,)), 3.0)
    (line,) = read_windows(tmp_path)
    assert [[one["rate_rps"] for one in part] for part in line.segments] == [[50]]


def counts(at_s: float, browse: int, order: int, slow: int) -> dict[str, Any]:
    def part(name: str, done: int, late: int) -> dict[str, Any]:
        return {
            "journey": name, "scheduled": done, "reached": done, "sent": done, "answered": done, "dropped": 0,
            "waiting": 0, "abandoned": 0, "outcomes": {"good": done, "unknown": 0},
            "response_us": [[1_000, done - late], [50_000, late]], "response_sum_us": 0, "response_max_us": 0,
        }  # fmt: skip

    top = {"event": "counts", "at_ns": int(at_s * 1e9), "at_s": at_s, "lag_p99_ms": None, "lag_us": []}
    return {**top, **part("browse", browse, 0), "beside": [part("order", order, slow)]}


def played(folder: Path, knee_rps: float) -> ServiceConductor:
    """Up to the knee every request is answered at once; on a stair beyond it orders take 50 ms, and others do not."""
    one = ServiceConductor(service_order(load_service(written(folder)), folder / "runs", progress="none"))
    one.account.rounds.append(RoundAccount())
    leader = one.run.leader
    assert leader is not None
    path, slow, before = leader.climb, 0, 0
    while one.state.now_s < path.last.ends_s:
        one.state.now_s += 0.5
        due = round(min(one.state.now_s, 2.0) * 100) + path.planned(one.state.now_s)
        order = due // 4
        slow += (order - before) if path.last.rate_rps > knee_rps else 0
        before = order
        one._heard(0, counts(one.state.now_s, due - order, order, slow))
    return one


def test_a_promise_of_one_request_ends_the_climb_and_windows_have_the_rates_of_each(tmp_path: Path) -> None:
    one = played(tmp_path, knee_rps=120)
    leader = one.run.leader
    assert leader is not None
    assert leader.climb.state.end == "stop"
    lines = read_windows(one.folder)
    assert [[round(part[0]["rate_rps"], 6) for part in line.segments] for line in lines] == [
        [37.5, 12.5],
        [75, 25],
        [112.5, 37.5],
        [112.5, 37.5],
    ]
    found = answered(leader, one.plan)
    assert found is not None
    assert (found.held_rps, found.red_rps, found.peak_rps) == (100, 150, 100)
    assert found.answer is not None
    assert (found.answer.safe.value, found.answer.safe.grade) == (100, "measured")
    assert (found.answer.knee.low, found.answer.knee.high) == (100, 150)
    assert (found.answer.cells, found.answer.parts, found.answer.signs) == (None, (), ())
    assert found.answer.suspect.text.startswith("not known: it is not ours")
    assert played_s(leader, one.plan) == 5 * 3
    every = {target.indicator for target in one.sealed.targets}
    assert _not_evaluated(one.sealed, one.account, {}) == every, "it went on until they were beyond"


def test_to_the_top_its_promises_are_judged(tmp_path: Path) -> None:
    one = played(tmp_path, knee_rps=1000)
    leader = one.run.leader
    assert leader is not None
    assert leader.climb.state.end == "finish"
    assert _not_evaluated(one.sealed, one.account, {}) == {"offered_rps", "answered_rps"}
