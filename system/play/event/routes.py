"""The event page's own routes: what it shows, its taps, and a sign-in for development."""

from __future__ import annotations

import time

from aiohttp import web

from system.contract.errors import ForeignUser, NotOpenYet, Refused, RoundOver, UnknownRound
from system.contract.ids import ROUND_MAX
from system.contract.routing import TAP_ROUTE
from system.contract.web import read_model
from system.play import plays
from system.play.event import relay
from system.play.event.models import EventSession, EventView, SignIn, TapAnswer
from system.play.event.programme import EventProgramme
from system.play.parameters import NumberParameter
from system.play.route import POOLS, SETTINGS, Route, user_of
from system.tokens import sign, token_key
from system.web import answer

SESSION_S = 7200
ROUND = NumberParameter("round", "a round's number", 0, ROUND_MAX)
PROGRAMME = web.AppKey("programme", EventProgramme)


def setup(app: web.Application) -> None:
    """The rounds of the live lane, and the connections to the fronts."""
    app[PROGRAMME] = EventProgramme(app[POOLS]["live"])
    app.cleanup_ctx.append(relay.connected)


class SignInClosed(Refused):
    """Nobody gets a token here; users bring their own."""

    status, code = 403, "sign_in_closed"


async def event(request: web.Request) -> web.Response:
    """Rounds to come, open and just over, with the server's clock; read at most once a second for all who ask."""
    app = request.app
    now_us, rounds = await app[PROGRAMME].now()
    names = tuple(play.name for play in plays.plays())
    return answer(EventView(now_us=now_us, rounds=rounds, plays=names, sign_in=app[SETTINGS].sign_in))


async def tap(request: web.Request) -> web.Response:
    """A tap of the event page, passed on to the user's front; the same again is safe, whatever became of it."""
    _, uid = user_of(request)
    return await relay.pass_on(request, uid, ROUND.of(request))


async def sign_in(request: web.Request) -> web.Response:
    """A token for whoever asks, for development: only where XIU_SIGN_IN=1 allows it."""
    settings = request.app[SETTINGS]
    order = await read_model(request, SignIn)
    if not settings.sign_in:
        raise SignInClosed("this system gives no tokens; expected one of `xiu token UID`")
    expires_s = int(time.time()) + SESSION_S
    token = sign(token_key(settings.secret, "live"), str(order.uid), expires_s)
    return answer(EventSession(uid=order.uid, token=token, expires_s=expires_s))


ROUTES = (
    Route("GET", "/v1/event", event, EventView, "anybody"),
    Route(
        "POST", TAP_ROUTE, tap, TapAnswer, "user", (ROUND,), pending=True,
        errors=(UnknownRound, NotOpenYet, RoundOver, ForeignUser, relay.FrontUnknown),
    ),
    Route("POST", "/v1/event/sign-in", sign_in, EventSession, "anybody", body=SignIn, errors=(SignInClosed,)),
)  # fmt: skip
