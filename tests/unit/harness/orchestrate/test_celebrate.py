"""The season's phase: played where it is ordered, ended whatever comes, and never in the way of the close."""

from __future__ import annotations

import dataclasses
from collections import Counter
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from harness.control_client import ControlClient, ControlError
from harness.engine import shots
from harness.engine.recorder import write_history
from harness.forecast.season import SeasonShare
from harness.forecast.share import share_of
from harness.orchestrate import figures
from harness.orchestrate.account import GONE, RoundAccount, RunAccount, SeasonAccount
from harness.orchestrate.phases import Armed, Celebrate, Settled, Stage, celebrate
from harness.orchestrate.phases.celebrate import seen_wins
from harness.orchestrate.phases.season import funded, opened
from harness.runs.state import RunState
from harness.season.operating import SeasonOperator, SeasonSums
from harness.season.script import SeenWin
from harness.verdict import Reason
from plans.models import find, load_plan
from system.contract.history import NO_PACKET, OP_DTYPE, Outcome
from tests.support.listening_run import Run

PLAYED = SeasonShare(
    claims=4, parts=2, share_fen=20, ties=9, friends=1, tickets=2, family=4, cards=(5, 5, 5, 5, 5), pot_fen=1_000,
    spenders=1, buyers=2,
)  # fmt: skip
ROUND = 7


class Control:
    """Answers an operator; `broken`: a path that is refused. Keeps what was asked."""

    play_url = "http://play"

    def __init__(self, broken: str = "", states: tuple[str, ...] = ("paid",)) -> None:
        self.broken, self.states, self.asked = broken, list(states), Counter[str]()

    def tokens(self, lane: str, first_uid: int, count: int) -> list[str]:
        return [f"{uid}.9.ff" for uid in range(first_uid, first_uid + count)]

    def participation(self, lane: str, round_id: int) -> Any:
        if self.broken == "participation":
            raise ControlError("play refused", 400)
        one = SimpleNamespace(round=round_id, people=90, uncounted=(), exact=False, confirmed_us=1_000)
        return SimpleNamespace(rounds=[one])

    def clock_us(self) -> int:
        return 1_000

    def at_play(self, method: str, path: str, body: Any = None) -> Any:
        route = path.partition("?")[0]
        self.asked[f"{method} {route}"] += 1
        if self.broken and self.broken in path:
            raise ControlError("play refused", 400)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        document = {
            "made": 3, "claims": 4, "state": state, "blessings": 2, "each_fen": 500,
        }  # fmt: skip
        return SimpleNamespace(status_code=200, json=lambda: document)


class QuickStories:
    """Stories that are told at once; `outcome`: of the claims."""

    outcome = "done"

    def __init__(self, asker: Any, *_: Any) -> None:
        self.asker = asker

    async def all(self, script: Any) -> None:
        self.asker.outcomes["claim"] = Counter({self.outcome: sum(len(share.friends) for share in script.shares)})
        self.asker.repeats = 2

    async def holders(self, buyers: Any) -> int:
        return len(buyers)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celebrate, "Stories", QuickStories)
    monkeypatch.setattr(QuickStories, "outcome", "done")
    monkeypatch.setattr(SeasonOperator, "sums", lambda *_: SeasonSums(ties=13, cards=6))


def history(folder: Path) -> None:
    rows = np.zeros(5, OP_DTYPE)
    rows["uid"], rows["round"], rows["fen"] = range(1_000_001, 1_000_006), ROUND, 40
    rows["packet"] = (0, 1, 2, NO_PACKET, 1)
    rows["outcome"] = (Outcome.WIN, Outcome.WIN, Outcome.REPEAT, Outcome.LOSE, Outcome.REPEAT)
    rows["uid"][4] = rows["uid"][1]
    write_history(folder, rows, "run", 1, 0)


def ordered(season: bool = True) -> SimpleNamespace:
    """What a run's order says of plays; its plan has taps alone."""
    plan = SimpleNamespace(beside=())
    return SimpleNamespace(lane="live", seed=5, season=season, loaded=SimpleNamespace(plan=plan))


def played(
    folder: Path,
    control: Control,
    why: str | None = None,
    got: RunAccount | None = None,
    rounds: int = 1,
    ordered_season: bool = True,
) -> tuple[Run, RunAccount, SeasonAccount]:
    run, account = Run(why), got or RunAccount()
    state = RunState("run", "smoke", "live", "1", "", 5.0)
    state.rounds = rounds
    season = SeasonAccount(3, PLAYED, SeasonSums(ties=4, cards=1))
    account.rounds.append(RoundAccount(season=season, fired={"tickets": []}))
    prepared = SimpleNamespace(round=SimpleNamespace(round=ROUND))
    share = SimpleNamespace(users=200, sponsors=(SimpleNamespace(sponsor=7),))
    stage = Stage(
        cast(Any, run), cast(Any, ordered(ordered_season)), cast(Any, None), cast(ControlClient, control),
        state, account, cast(Any, share), cast(Any, None), folder,
    )  # fmt: skip
    settled = Settled(Armed(cast(Any, prepared), account.rounds[0], cast(Any, None)), 0, True)
    assert Celebrate(stage)(settled) is settled
    return run, account, season


def test_a_season_is_played_counted_and_ended(tmp_path: Path) -> None:
    history(tmp_path / "history")
    control = Control(states=(*["ended"] * 6, "paid"))
    run, got, season = played(tmp_path, control)
    assert season.outcomes == {"claim": {"done": 4}}
    assert season.actuals == {"participants": 90, "claims": 4, "ties": 9, "cards": 5, "purchases": 2}
    assert (season.state, season.blessings, season.each_fen) == ("paid", 2, 500)
    assert control.asked[f"POST /v1/rounds/{ROUND}/fission"] == 1, "shares are paid for once the round is settled"
    assert control.asked["POST /v1/seasons/3/end"] > 1, "asked until the pot is paid"
    assert run.phases == ["season"]
    assert [kind for kind, _ in run.told] == ["season", "season"]
    assert (got.failures, got.invalid, got.no_data) == ([], [], [])
    record = figures.season_of_run(got)
    assert record is not None
    assert record.model_dump() == {
        "season": 3, "operations": ({"operation": "claim", "outcomes": {"done": 4}},), "repeats": 2, "pot_fen": 1_000,
        "state": "paid", "blessings": 2, "each_fen": 500,
    }  # fmt: skip


def test_the_season_goes_on_after_a_round_that_is_not_the_last(tmp_path: Path) -> None:
    history(tmp_path / "history")
    _, _, season = played(tmp_path, Control(), rounds=2)
    assert (season.outcomes, season.state) == ({"claim": {"done": 4}}, None)


@pytest.mark.parametrize("outcome", ["unknown", "share_expired", "unsent"])
def test_what_was_not_done_is_a_reason(outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history(tmp_path / "history")
    monkeypatch.setattr(QuickStories, "outcome", outcome)
    _, got, season = played(tmp_path, Control())
    assert [(reason.code, outcome in reason.text) for reason in got.failures] == [("season_incomplete", True)]
    assert season.state == "paid"


@pytest.mark.parametrize("broken", ["import", "participation", "fission", "end"])
def test_whatever_fails_is_a_reason_and_the_close_comes_next(broken: str, tmp_path: Path) -> None:
    history(tmp_path / "history")
    _, got, season = played(tmp_path, Control(broken))
    assert [reason.code for reason in got.invalid] == ["run_broken"]
    assert season.state == (None if broken == "end" else "paid"), "the season ends all the same"


def test_a_history_that_is_not_there_is_a_reason(tmp_path: Path) -> None:
    _, got, _ = played(tmp_path, Control())
    assert [reason.code for reason in got.invalid] == ["run_broken"]


def test_a_stopped_run_plays_nothing_and_ends_the_season(tmp_path: Path) -> None:
    control = Control()
    _, got, season = played(tmp_path, control, "interrupted by SIGINT", rounds=3)
    assert (season.outcomes, season.actuals, season.state) == ({}, {}, "paid")
    assert control.asked == {"POST /v1/seasons/3/end": 1}
    assert got.invalid == []


def test_a_season_that_journeys_have_opened_is_ended_and_not_played_once_more(tmp_path: Path) -> None:
    control = Control()
    _, got, season = played(tmp_path, control, ordered_season=False)
    assert (season.outcomes, season.state) == ({}, "paid")
    assert control.asked == {"POST /v1/seasons/3/end": 1}
    assert (got.failures, got.invalid, got.no_data) == ([], [], [])


def test_of_a_stack_that_is_gone_nothing_is_asked(tmp_path: Path) -> None:
    control = Control()
    run, _, _ = played(tmp_path, control, "gone", RunAccount(aborted=Reason(code=GONE, text="gone")))
    assert (control.asked, run.phases) == ({}, [])


def test_each_packet_that_was_won_once(tmp_path: Path) -> None:
    history(tmp_path)
    assert seen_wins(tmp_path, ROUND) == [SeenWin(1_000_001 + number, number, 40) for number in range(3)]
    assert seen_wins(tmp_path, ROUND + 1) == []


def test_nothing_is_opened_that_was_not_ordered() -> None:
    forecast = SimpleNamespace(season=object(), round=SimpleNamespace(full=7))
    for season, inputs in ((False, object()), (True, None)):
        order = SimpleNamespace(
            season=season,
            loaded=SimpleNamespace(
                forecast=SimpleNamespace(**{**vars(forecast), "season": inputs}), plan=SimpleNamespace(beside=())
            ),
        )
        stage = Stage(*(cast(Any, None),) * len(dataclasses.fields(Stage)))
        assert opened(dataclasses.replace(stage, order=cast(Any, order))) is None
    assert figures.season_of_run(RunAccount(rounds=[RoundAccount()])) is None


def test_shares_are_paid_for_when_a_round_is_armed_that_journeys_will_share_in() -> None:
    loaded = load_plan(find("full-link", "stress"), shots.files())
    share = share_of(loaded.forecast, loaded.plan, Fraction(1))
    control = Control()
    order = SimpleNamespace(lane="stress", loaded=loaded)
    none = (cast(Any, None),) * len(dataclasses.fields(Stage))
    stage = dataclasses.replace(
        Stage(*none), order=cast(Any, order), control=cast(ControlClient, control), share=cast(Any, share)
    )
    funded(stage, ROUND)
    assert control.asked == {f"POST /v1/rounds/{ROUND}/fission": 1}
    taps = load_plan(find("gala-share", "stress"), shots.files())
    order = SimpleNamespace(lane="stress", loaded=taps)
    funded(dataclasses.replace(stage, order=cast(Any, order)), ROUND)
    assert control.asked[f"POST /v1/rounds/{ROUND}/fission"] == 1, "taps alone share nothing"
