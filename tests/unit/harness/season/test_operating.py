"""An operator's orders: bodies that play reads, sent again while they are pending, and what is read back."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import BaseModel

from harness import loopback
from harness.control_client import ControlAway, ControlClient, ControlError
from harness.forecast.season import SeasonShare
from harness.orchestrate import closing
from harness.season import operating
from harness.season.operating import PAIRS_A_CALL, SeasonOperator, SeasonSums
from system.contract.counts import CountedFigures, CountedRound, Participation, Uncounted
from system.play.cards.models import SeasonEnd, SeasonOrder
from system.play.fission.models import FissionFunding
from system.play.plays import routes
from system.play.ties.models import ImportRequest

PLAYED = SeasonShare(
    claims=4, parts=2, share_fen=20, ties=9, friends=1, tickets=2, family=4, cards=(5, 5, 5, 5, 2), pot_fen=1_000,
    spenders=1, buyers=2,
)  # fmt: skip
BODIES: dict[str, type[BaseModel]] = {
    "/v1/seasons": SeasonOrder, "/v1/rounds/9/fission": FissionFunding, "/v1/relations/import": ImportRequest,
    "/v1/seasons/4/end": SeasonEnd,
}  # fmt: skip
LOST_START = Uncounted(front=0, instance=1, since_us=1, until_us=2)
SEASONS = {"seasons": [{"season": 3, "issued": 11, "state": "paid"}, {"season": 2, "issued": 5, "state": "paid"}]}


def answer(status: int, told: object) -> Any:
    url = "http://play/x"
    request = SimpleNamespace(method="POST", url=url)
    return SimpleNamespace(status_code=status, json=lambda: told, text="refused", request=request, url=url)


class Control:
    """Reads each body as play does. `pending`: so many answers are 202 first."""

    play_url = "http://play"

    def __init__(self, told: dict[str, Any] | None = None, pending: int = 0) -> None:
        self.told, self.pending, self.read = told or {}, pending, []  # type: ignore[var-annotated]

    def tokens(self, lane: str, first_uid: int, count: int) -> list[str]:
        return [f"{first_uid}.9.ff"] * count

    def at_play(self, method: str, path: str, body: Any = None) -> Any:
        route = path.partition("?")[0].replace("/9/", "/{round}/").replace("/4/", "/{season}/")
        assert (method, route) in {(one.method, one.path) for one in routes()}
        if body is not None:
            model = BODIES[path]
            self.read.append(model.model_validate_json(model.model_validate(body, strict=False).model_dump_json()))
        if self.pending:
            self.pending -= 1
            return answer(202, {})
        return answer(200, self.told)


def operator(control: Control, within_s: float = 5.0) -> SeasonOperator:
    return SeasonOperator(cast(ControlClient, control), "live", within_s)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating, "POLL_S", 0.0)
    monkeypatch.setattr(closing, "POLL_S", 0.0)
    monkeypatch.setattr(loopback, "get", lambda url, headers: answer(200, SEASONS))


def test_a_new_season_has_the_next_number() -> None:
    control = Control(pending=2)
    assert operator(control).open(PLAYED, 7, 1_000_000, None) == 4
    assert len(control.read) == 3, "the same order until it is done"
    order = control.read[0]
    assert (order.season, order.cards, order.pot_fen, order.sponsor) == (4, (5, 5, 5, 5, 2), 1_000, 7)
    assert control.read[1] == control.read[2] == order


def test_a_season_that_was_left_open_is_ended_before_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    left = {"seasons": [{"season": 4, "issued": 0, "state": "open"}]}
    monkeypatch.setattr(loopback, "get", lambda url, headers: answer(200, left))
    control = Control({"state": "paid"})
    assert operator(control).open(PLAYED, 7, 1_000_000, None) == 5
    assert [type(order) for order in control.read] == [SeasonEnd, SeasonOrder]


def test_all_shares_are_paid_for() -> None:
    control = Control()
    operator(control).fund(9, PLAYED, 7)
    (order,) = control.read
    assert (order.fen, order.share_fen, order.parts, order.sponsor) == (40, 20, 2, 7)


def test_a_book_of_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control({"made": 2})
    pairs = [(number, number + 1) for number in range(PAIRS_A_CALL + 3)]
    assert operator(control).bring(pairs) == 4
    assert [len(order.pairs) for order in control.read] == [PAIRS_A_CALL, 3]
    assert operator(control).bring([]) == 0


def test_the_end_is_waited_for_as_long_as_it_is_not_over() -> None:
    looks = iter([False, False, True])
    told = operator(Control({"state": "ended"})).end(4, lambda: next(looks))
    assert (told["state"], next(looks, "none left")) == ("ended", "none left")
    assert operator(Control({"state": "paid"})).end(4, lambda: False)["state"] == "paid"


def test_sums_are_read_back() -> None:
    control = Control({"ties": 7, "claims": 5})
    assert operator(control).sums(3, 1_000_000, "tag") == SeasonSums(ties=7, cards=11)
    assert operator(control).claims(9) == 5


@pytest.mark.parametrize(
    ("round_id", "uncounted", "exact", "people"),
    [
        pytest.param(9, (), (True,), 120, id="counted"),
        pytest.param(9, (), (False, True), 120, id="closed, and a front reports a moment later"),
        pytest.param(9, (), (False, 1_000), 120, id="still open, and a front reports so far a moment later"),
        pytest.param(9, (LOST_START,), (False,), None, id="some of it uncounted"),
        pytest.param(8, (), (True,), None, id="nobody counted"),
    ],
)
def test_who_took_part_is_asked_once_more_where_nobody_answered(
    round_id: int, uncounted: tuple[Uncounted, ...], exact: tuple[bool | int, ...], people: int | None
) -> None:
    figures = CountedFigures(taps=130, too_fast=0, people=120, exposures={})
    more: dict[str, Any] = {"round": round_id, "minutes": (), "uncounted": uncounted}
    rounds = (
        CountedRound(**figures.model_dump(), exact=each is True, confirmed_us=999 + (each == 1_000), **more)
        for each in exact
    )
    answers: Iterator[ControlAway | Participation] = iter(
        [
            ControlAway("no answer"),
            *(Participation(lane="live", evening=figures, exact=one.exact, rounds=(one,)) for one in rounds),
        ]
    )

    class Counted(Control):
        def clock_us(self) -> int:
            return 1_000

        def participation(self, lane: str, round_id: int) -> Participation:
            assert (lane, round_id) == ("live", 9)
            found = next(answers)
            if isinstance(found, Participation):
                return found
            raise found

    assert operator(Counted()).participants(9) == people


def test_what_stays_pending_is_away_and_a_refusal_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ControlAway, match="pending; unknown whether it happened"):
        operator(Control(pending=10**9), within_s=0.0).fund(9, PLAYED, 7)
    monkeypatch.setattr(loopback, "get", lambda url, headers: answer(403, {}))
    with pytest.raises(ControlError, match="GET /v1/seasons"):
        operator(Control()).open(PLAYED, 7, 1_000_000, None)
