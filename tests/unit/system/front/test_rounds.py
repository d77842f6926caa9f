"""A round in memory: what shuts the gate, who is reserved, what an epoch's end and the close leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from system.clock import AuthorityClock
from system.contract.api import FrontRound, RoundPublic, SponsorSplit
from system.contract.records import MAX_RECORDS
from system.front.rebuild import Rebuilt
from system.front.rounds import AwardRound, Conditions
from system.front.seam import NEVER, SettledWin
from system.front.waiters import Waiters

START = 1_000_000_000
END = START + 60_000_000


@dataclass
class Stage:
    """An armed round in the middle of its window, 1,000 packets, all of them due."""

    now_us: int = START + 1_000_000
    conditions: Conditions = field(init=False)
    round: AwardRound = field(init=False)

    def __post_init__(self) -> None:
        clock = AuthorityClock(monotonic=lambda: self.now_us, offset_us=0)
        clock.feed(self.now_us, self.now_us, self.now_us)
        self.conditions = Conditions(clock, serving=True)
        split = SponsorSplit(sponsor=7, name="Seven", classes=((100, 1000),))
        public = RoundPublic(
            round=1, lane="live", state="armed", packets=1000, budget_fen=100_000, start_us=START, end_us=END,
            release_ms=1, sponsors=(split,), commitment="",
        )  # fmt: skip
        order = FrontRound(public=public, seed=bytes(32).hex(), epoch=0)
        waiters = Waiters(0.5, asyncio.get_running_loop())
        self.round = AwardRound(order, 0, 1, self.conditions, waiters)
        self.round.arm(1)
        self.round.leases.accept(1, 1, 0, 900)
        self.round.refresh()

    def award(self, uid: int, told: list[SettledWin | None] | None = None) -> bool:
        return self.round.award(uid, self.now_us, (told if told is not None else []).append)


def staged(check: Callable[[Stage], None]) -> None:
    async def whole() -> None:
        check(Stage())

    asyncio.run(whole())


def _distrust(stage: Stage) -> None:
    stage.conditions.clock.feed(stage.now_us + 200_000, stage.now_us, stage.now_us)


def _sell_out(stage: Stage) -> None:
    stage.round.leases.reset(1)
    stage.round.leases.accept(1, 1, 5, 5)


@pytest.mark.parametrize(
    "shut",
    [
        pytest.param(lambda s: s.round.suspend(), id="not ready"),
        pytest.param(_distrust, id="clock not trusted"),
        pytest.param(lambda s: setattr(s, "now_us", s.now_us + 31_000_000), id="control's time too old"),
        pytest.param(lambda s: s.conditions.award_on.update(live=False), id="switched off"),
        pytest.param(lambda s: setattr(s.conditions, "serving", False), id="superseded or stopping"),
        pytest.param(lambda s: s.round.set_state("closing"), id="closing"),
        pytest.param(lambda s: s.round.hold(), id="an append unanswered for too long"),
        pytest.param(_sell_out, id="sold out"),
        pytest.param(lambda s: setattr(s, "now_us", END), id="the window is over"),
        pytest.param(lambda s: setattr(s, "now_us", START - 1), id="the window has not begun"),
    ],
)
def test_whatever_is_in_doubt_shuts_the_gate(shut: Callable[[Stage], None]) -> None:
    def check(stage: Stage) -> None:
        assert stage.round.opening_us <= stage.now_us
        shut(stage)
        assert not stage.award(1)
        assert stage.round.pending == {}
        stage.round.refresh()
        assert stage.round.opening_us > stage.now_us

    staged(check)


def test_another_lane_s_switches_leave_this_one_alone() -> None:
    def check(stage: Stage) -> None:
        opens = stage.round.opening_us
        stage.conditions.award_on["stress"] = False
        stage.conditions.percent["stress"] = 1
        stage.round.refresh()
        assert stage.round.opening_us == opens
        assert stage.award(1)

    staged(check)


def test_the_user_is_reserved_at_once_and_settled_once() -> None:
    def check(stage: Stage) -> None:
        told: list[SettledWin | None] = []
        assert stage.award(1, told)
        assert set(stage.round.pending) == {1}
        assert told == []
        with pytest.raises(ValueError, match="user 1"):
            stage.award(1)
        win = stage.round.settle(1)
        assert win is not None
        assert told == [win]
        assert stage.round.settle(1) is None
        assert stage.round.settled == {1: win}

    staged(check)


def test_an_entry_has_one_lease_and_no_more_than_it_may_carry() -> None:
    def check(stage: Stage) -> None:
        for uid in range(900):
            stage.now_us += 10
            assert stage.award(uid)
        stage.round.leases.accept(1, 2, 900, 950)
        stage.now_us += 10
        assert stage.award(900)
        batches = []
        while (batch := stage.round.next_batch()) is not None:
            batches.append((batch[0], len(batch[1])))
        assert batches == [(1, MAX_RECORDS), (1, 900 - MAX_RECORDS), (2, 1)]
        assert not stage.round.work.is_set()

    staged(check)


def test_a_rebuild_settles_what_is_durable_and_keeps_the_missing_pending() -> None:
    def check(stage: Stage) -> None:
        told: dict[int, list[SettledWin | None]] = {1: [], 2: []}
        for uid in (1, 2):
            stage.now_us += 10
            assert stage.award(uid, told[uid])
        first, second = stage.round.pending[1], stage.round.pending[2]
        other = SettledWin(500, 100, 7, START + 5)
        stage.round.suspend()
        assert stage.round.next_batch() is None
        found = Rebuilt({1: first, 2: second, 3: other}, {}, [2])
        assert stage.round.adopt(found) == [1, 3]
        assert stage.round.settled == {1: first, 3: other}
        assert stage.round.pending == {2: second}
        assert told == {1: [first], 2: []}
        assert stage.round.leases.remaining == 0

    staged(check)


def test_the_closed_ledger_decides_and_a_closed_round_never_opens() -> None:
    def check(stage: Stage) -> None:
        told: dict[int, list[SettledWin | None]] = {1: [], 2: []}
        for uid in (1, 2):
            stage.now_us += 10
            assert stage.award(uid, told[uid])
        first = stage.round.pending[1]
        stage.round.set_state("closed")
        stage.round.finish({1: first})
        assert stage.round.closed
        assert stage.round.settled == {1: first}
        assert told == {1: [first], 2: [None]}
        stage.round.set_state("armed")
        assert stage.round.state == "closed"
        stage.round.refresh()
        assert stage.round.opening_us == NEVER

    staged(check)
