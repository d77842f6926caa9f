"""The routes of suspense, for operators: what is held of a round, and who gets it."""

from __future__ import annotations

from aiohttp import web

from system.contract.errors import NotFound, UnknownRound
from system.contract.ids import PACKET_MAX, ROUND_MAX
from system.contract.web import read_model
from system.play.parameters import AWARD_PATTERN, LANE, NumberParameter, TextParameter
from system.play.route import POOLS, Route
from system.play.suspense import models, settling
from system.play.wallet.models import OnePerson, TransferView
from system.web import answer

ROUND = NumberParameter("round", "a round's number", 0, ROUND_MAX)
AWARD = TextParameter("award", "an award id, round-index", AWARD_PATTERN)
AFTER = NumberParameter("after", "`next` of the page before", 0, PACKET_MAX, -1)
LIMIT = NumberParameter("limit", "packets of a page", 1, 200, 50)


async def suspense(request: web.Request) -> web.Response:
    """What is held of a round: packet, user, reason, and to whom it went if it was settled."""
    lane = LANE.of(request)
    found = await settling.held(request.app[POOLS][lane], lane, ROUND.of(request), AFTER.of(request), LIMIT.of(request))
    return answer(found)


async def settle(request: web.Request) -> web.Response:
    """Settles what is held for an award of a closed round, once, in the name of two people."""
    asked = await read_model(request, models.Settlement)
    done = await settling.settle(request.app[POOLS][asked.lane], AWARD.need(request), asked)
    return answer(done, 202 if done.state == "pending" else 200)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/v1/rounds/{round}/suspense", suspense, models.HeldPage, "operator", (ROUND, LANE, AFTER, LIMIT),
        errors=(UnknownRound,),
    ),
    Route(
        "POST", "/v1/suspense/{award}/settle", settle, TransferView, "operator", (AWARD,), body=models.Settlement,
        errors=(
            OnePerson, NotFound, UnknownRound, settling.RoundNotClosed, settling.NobodysRecord, settling.OtherWin,
            settling.AlreadySettled,
        ),
        pending=True,
    ),
)  # fmt: skip
