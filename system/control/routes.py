"""Control's routes: who may call what, bodies to models, models to answers. Decisions are in the other modules.

Open: clock, topology, rounds, switches, fronts. Operators: the admin token. Fronts: the internal key.
"""

from __future__ import annotations

import asyncio
from typing import TypeVar, get_args

from aiohttp import web

from system.contract import api
from system.contract.counts import CountsReport
from system.contract.errors import BadRequest
from system.contract.ids import INT8_MAX, LANES
from system.contract.numbers import shown
from system.contract.programme import ClockReading, ProgrammeOrder
from system.contract.routing import FRONTS_MAX
from system.contract.switches import in_cell
from system.contract.web import bearer, need_secret, read_model
from system.control import counts, epochs, fronts, issue, leases, programme, rounds, set_aside, streams, switches
from system.control.state import ControlContext
from system.tokens import internal_key
from system.web import answer, path_number, query_number

CONTROL = web.AppKey("control", ControlContext)
M = TypeVar("M")
HISTORY_MAX = 1000


def operator(request: web.Request) -> ControlContext:
    """Control, for an operator. Raises BadToken."""
    control = request.app[CONTROL]
    need_secret(bearer(request), control.settings.admin_token, "the operators' token")
    return control


def of_front(request: web.Request) -> tuple[ControlContext, int]:
    """(control, front), for a front. Raises BadToken, NotFound."""
    control = request.app[CONTROL]
    need_secret(request.headers.get("X-Xiu-Key", ""), internal_key(control.settings.secret), "the fronts' key")
    return control, path_number(request, "front")


def _raw(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")


async def clock(request: web.Request) -> web.Response:
    return _raw(f'{{"now_us":{request.app[CONTROL].clock()}}}')


async def topology(request: web.Request) -> web.Response:
    control = request.app[CONTROL]
    held = control.settings.topology
    version = control.need_view().topology_version
    return web.json_response({"fronts": held.fronts, "cells": held.cells, "version": version})


async def round_list(request: web.Request) -> web.Response:
    view = request.app[CONTROL].need_view()
    lane, state = request.query.get("lane"), request.query.get("state")
    if lane is not None and lane not in LANES:
        raise BadRequest(f"lane={shown(lane)}; expected one of {', '.join(LANES)}")
    if state is not None and state not in get_args(api.RoundState):
        raise BadRequest(f"state={shown(state)}; expected one of {', '.join(get_args(api.RoundState))}")
    found = [
        held.public.model_dump_json()
        for _, held in sorted(view.rounds.items())
        if lane in (None, held.public.lane) and state in (None, held.public.state)
    ]
    return _raw(f'{{"rounds":[{",".join(found)}]}}')


async def round_one(request: web.Request) -> web.Response:
    held = await request.app[CONTROL].find(path_number(request, "round"))
    return answer(held.public)


async def switch_list(request: web.Request) -> web.Response:
    """`switches`: the live lane's table; `lanes`: both. With `?cell=N` as they hold in that cell; else `cells` beside,
    where cells have values of their own.
    """
    view = request.app[CONTROL].need_view()
    cell = query_number(request, "cell", -1, 0, FRONTS_MAX - 1)
    held = view.switches if cell < 0 else in_cell(view.switches, view.cells, cell)
    own = {"cells": view.cells} if view.cells and cell < 0 else {}
    return web.json_response({"switches": held["live"], "lanes": held, **own})


async def front_list(request: web.Request) -> web.Response:
    """Each front with its newest instance and what it said at its last sync."""
    control = request.app[CONTROL]
    view = control.need_view()
    items = []
    for front, url in enumerate(control.settings.topology.fronts):
        seen = view.seen.get(front)
        items.append(
            {
                "front": front,
                "url": url,
                "instance": view.instances.get(front, 0),
                "synced_instance": seen.instance if seen else 0,
                "synced_us": seen.at_us if seen else None,
                "clock": seen.clock.model_dump() if seen and seen.clock else None,
                "streams": [report.model_dump() for report in seen.streams] if seen else [],
            }
        )
    return web.json_response({"fronts": items})


async def round_make(request: web.Request) -> web.Response:
    control = operator(request)
    return answer(await rounds.create(control, await read_model(request, api.RoundOrder)), 201)


async def programme_list(request: web.Request) -> web.Response:
    return answer(await programme.listed(request.app[CONTROL]))


async def programme_load(request: web.Request) -> web.Response:
    control = operator(request)
    return answer(await programme.load(control, await read_model(request, ProgrammeOrder)), 201)


async def round_close(request: web.Request) -> web.Response:
    control = operator(request)
    order = await read_model(request, api.CloseOrder, empty=True)
    return answer(await rounds.ask_close(control, path_number(request, "round"), order.before_end))


async def round_money(request: web.Request) -> web.Response:
    control = operator(request)
    return answer(await rounds.money(control, path_number(request, "round")))


async def entry_set_aside(request: web.Request) -> web.Response:
    control = operator(request)
    order = await read_model(request, set_aside.SetAside)
    return answer(await set_aside.move(control, path_number(request, "round"), order))


async def token_list(request: web.Request) -> web.StreamResponse:
    control = operator(request)
    order = await read_model(request, api.TokensRequest)
    stream = web.StreamResponse(headers={"Content-Type": "text/plain; charset=us-ascii"})
    await stream.prepare(request)
    for chunk in issue.tokens(control.settings.secret, order, control.clock() // 1_000_000):
        await stream.write(chunk)
        # Calls of fronts and of the clock are answered between two chunks.
        await asyncio.sleep(0)
    await stream.write_eof()
    return stream


async def tag(request: web.Request) -> web.Response:
    control = operator(request)
    order = await read_model(request, api.TagRequest)
    return web.json_response({"tag": issue.tag(control.settings.secret, order, control.clock() // 1_000_000)})


async def switch_set(request: web.Request) -> web.Response:
    control = operator(request)
    order = await read_model(request, api.SwitchChange)
    return web.json_response(await switches.change(control, request.match_info["key"], order))


async def switch_history(request: web.Request) -> web.Response:
    control = operator(request)
    limit = query_number(request, "limit", 200, 1, HISTORY_MAX)
    return web.json_response({"history": await switches.history(control, limit)})


async def front_register(request: web.Request) -> web.Response:
    control, front = of_front(request)
    return answer(await fronts.register(control, front))


async def front_sync(request: web.Request) -> web.Response:
    control, front = of_front(request)
    body = await read_model(request, api.SyncRequest)
    lanes = request.query.get("lanes") == "1"
    return _raw(await fronts.sync(control, front, body.instance, body.streams, lanes, _clock_reading(request)))


def _clock_reading(request: web.Request) -> ClockReading | None:
    """What the front knows of control's clock. Raises BadRequest."""
    text = request.query.get("clock")
    try:
        return None if text is None else ClockReading.parse(text)
    except ValueError as exc:
        raise BadRequest(f"clock={shown(text or '')}; expected OFFSET~UNCERTAIN, in microseconds") from exc


async def front_epoch(request: web.Request) -> web.Response:
    control, front = of_front(request)
    body = await read_model(request, api.EpochRequest)
    return answer(await epochs.grant_epoch(control, path_number(request, "round"), front, body.instance))


async def front_lease(request: web.Request) -> web.Response:
    control, front = of_front(request)
    body = await read_model(request, api.LeaseRequest)
    return answer(await leases.grant_lease(control, path_number(request, "round"), front, body))


async def front_ledger(request: web.Request) -> web.Response:
    control, front = of_front(request)
    instance = query_number(request, "instance", 0, 0, INT8_MAX)
    return _raw(await streams.ledger_view(control, path_number(request, "round"), front, instance))


async def front_confirm(request: web.Request) -> web.Response:
    control, front = of_front(request)
    body = await read_model(request, api.ConfirmRequest)
    await streams.confirm(control, path_number(request, "round"), front, body)
    return web.json_response({"confirmed": f"{body.epoch}-{body.sequence}"})


async def front_counts(request: web.Request) -> web.Response:
    control, front = of_front(request)
    report = await read_model(request, CountsReport)
    await counts.write(control, front, report)
    return web.json_response({"number": report.number})


def add_routes(app: web.Application) -> None:
    """Every route of docs/control.md."""
    get, post = app.router.add_get, app.router.add_post
    get("/v1/clock", clock)
    get("/v1/topology", topology)
    get("/v1/fronts", front_list)
    get("/v1/rounds", round_list)
    get("/v1/rounds/{round}", round_one)
    get("/v1/programmes", programme_list)
    post("/v1/programmes", programme_load)
    get("/v1/switches", switch_list)
    get("/v1/switches/history", switch_history)
    post("/v1/rounds", round_make)
    post("/v1/rounds/{round}/close", round_close)
    get("/v1/rounds/{round}/money", round_money)
    post("/v1/rounds/{round}/set-aside", entry_set_aside)
    post("/v1/tokens", token_list)
    post("/v1/tags", tag)
    app.router.add_put("/v1/switches/{key}", switch_set)
    front = "/v1/fronts/{front}"
    post(f"{front}/register", front_register)
    post(f"{front}/sync", front_sync)
    post(f"{front}/counts", front_counts)
    post(f"{front}/rounds/{{round}}/epoch", front_epoch)
    post(f"{front}/rounds/{{round}}/lease", front_lease)
    get(f"{front}/rounds/{{round}}/ledger", front_ledger)
    post(f"{front}/rounds/{{round}}/confirm", front_confirm)
