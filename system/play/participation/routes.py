"""Who took part: one route for operators."""

from __future__ import annotations

from aiohttp import web

from system.contract.counts import Participation
from system.contract.errors import NotFound, UnknownRound
from system.contract.ids import ROUND_MAX
from system.play.parameters import LANE, NumberParameter, TextParameter
from system.play.participation import reading
from system.play.route import POOLS, Route
from system.web import answer

ROUND = NumberParameter("round", "this round alone", 0, ROUND_MAX, -1)
PROGRAMME = TextParameter("programme", "the rounds of the programme of this name alone", "^[a-z0-9][a-z0-9-]{0,62}$")


async def participation(request: web.Request) -> web.Response:
    """Taps, distinct people and shown sponsors: by minute, by round, and of all rounds together, the evening."""
    lane, number = LANE.of(request), ROUND.of(request)
    asked = None if number == ROUND.default else number
    return answer(await reading.participation(request.app[POOLS][lane], lane, asked, PROGRAMME.of(request)))


ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/v1/participation", participation, Participation, "operator", (LANE, ROUND, PROGRAMME),
        errors=(UnknownRound, NotFound),
    ),
)  # fmt: skip
