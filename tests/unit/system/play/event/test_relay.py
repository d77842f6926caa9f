"""A tap's way to its front: passed on once, answered as it is; a front that is away, and one that says nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from system.contract.routing import Topology, front_of
from system.contract.web import Handler, application
from system.play.app import add_routes
from system.play.event import relay
from system.play.event.routes import ROUTES
from system.play.guard import LIMITS, per_address
from system.play.limits import RequestLimits
from system.play.route import SETTINGS
from system.settings import PlaySettings
from system.tokens import sign, sign_tag, tag_key, token_key, verify_token
from tests.support.stores import free_port

SECRET = bytes(32)
FAR = int(time.time()) + 3600
LOST = {"won": False, "next_ms": 143}


def bearer(uid: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {sign(token_key(SECRET, 'live'), str(uid), FAR)}"}


def play(topology: Topology | None, *, sign_in: bool = False) -> web.Application:
    app = application()
    app[SETTINGS] = PlaySettings(("", 0), "", SECRET, topology=topology, sign_in=sign_in)
    app[LIMITS] = RequestLimits(app[SETTINGS], CollectorRegistry())
    app.middlewares.append(per_address)
    add_routes(app, ROUTES)
    app.cleanup_ctx.append(relay.connected)
    return app


class Front:
    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: Handler = self.lost

    async def lost(self, _: web.Request) -> web.Response:
        return web.json_response(LOST)

    async def tapped(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.headers), await request.read()))
        return await self.answer(request)


@asynccontextmanager
async def rig(fronts: int = 1) -> AsyncIterator[tuple[Any, list[Front], Topology]]:
    made, servers = [Front() for _ in range(fronts)], []
    for front in made:
        app = web.Application()
        app.router.add_post("/v1/rounds/{round}/taps", front.tapped)
        servers.append(TestServer(app))
        await servers[-1].start_server()
    topology = Topology(tuple(str(server.make_url("")).rstrip("/") for server in servers), (0,) * fronts)
    try:
        async with TestClient(TestServer(play(topology))) as client:
            yield client, made, topology
    finally:
        for server in servers:
            await server.close()


async def told(client: Any, uid: int = 5, **more: str) -> tuple[int, Any, Any]:
    async with client.post("/v1/rounds/3/taps", headers=bearer(uid) | more) as got:
        return got.status, await got.json(), got.headers


def test_a_tap_goes_to_its_user_s_front_once() -> None:
    async def body() -> None:
        async with rig(3) as (client, fronts, topology):
            for uid in range(20):
                assert (await told(client, uid))[:2] == (200, LOST)
            for number, front in enumerate(fronts):
                mine = [uid for uid in range(20) if front_of(uid, topology) == number]
                tokens = [headers["Authorization"].removeprefix("Bearer ") for _, headers, _ in front.asked]
                seen = [verify_token(token_key(SECRET, "live"), token.encode(), 0) for token in tokens]
                assert seen == mine
                assert {(path, sent) for path, _, sent in front.asked} == {("/v1/rounds/3/taps", b"")}

    asyncio.run(body())


@pytest.mark.parametrize(
    ("status", "answer", "headers"),
    [
        (200, {"won": True, "award": "3-7", "fen": 5, "sponsor": 2, "repeat": False}, {}),
        (202, {"pending": True}, {}),
        (409, {"error": {"code": "not_open", "message": "m", "effect": "none"}, "starts_in_ms": 90}, {}),
        (429, {"error": {"code": "too_fast", "message": "m", "effect": "none"}}, {"Retry-After": "1"}),
        (200, {**LOST, "ticket": "anything a front may add"}, {}),
    ],
)
def test_what_the_front_says_comes_back_as_it_is(status: int, answer: Any, headers: dict[str, str]) -> None:
    async def body() -> None:
        async with rig() as (client, (front,), _):

            async def says(_: web.Request) -> web.Response:
                return web.json_response(answer, status=status, headers={**headers, "Set-Cookie": "a=b"})

            front.answer = says
            got = await told(client)
            assert got[:2] == (status, answer)
            assert {name: got[2][name] for name in headers} == headers
            assert "Set-Cookie" not in got[2]
            assert len(front.asked) == 1

    asyncio.run(body())


def test_an_answer_in_pieces_comes_back_whole() -> None:
    async def body() -> None:
        async with rig() as (client, (front,), _):
            first_read = asyncio.Event()
            read_nowait = aiohttp.StreamReader._read_nowait

            def read(self: aiohttp.StreamReader, n: int) -> bytes:
                first_read.set()
                return read_nowait(self, n)

            async def in_pieces(request: web.Request) -> web.StreamResponse:
                said = web.StreamResponse(headers={"Content-Type": "application/json"})
                await said.prepare(request)
                await said.write(b'{"won":false,')
                await first_read.wait()
                await said.write(b'"next_ms":143}')
                return said

            front.answer = in_pieces
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(aiohttp.StreamReader, "_read_nowait", read)
                assert (await told(client))[:2] == (200, LOST)
            front.answer = _endless
            assert (await told(client))[:1] == (503,)

    asyncio.run(body())


async def _endless(_: web.Request) -> web.Response:
    return web.Response(body=b" " * (relay.ANSWER_BYTES_MAX + 1))


def test_a_tag_is_passed_on_and_a_forged_one_stopped() -> None:
    async def body() -> None:
        async with rig() as (client, (front,), _):
            token = sign(token_key(SECRET, "stress"), "5", FAR)
            tag = sign_tag(tag_key(SECRET), "run", FAR)
            stress = {"Authorization": f"Bearer {token}", "X-Xiu-Tag": tag}
            assert (await told(client, **stress))[0] == 200
            assert front.asked[0][1]["X-Xiu-Tag"] == tag
            assert (await told(client, **stress | {"X-Xiu-Tag": tag[:-1] + "x"}))[0] == 403
            assert (await told(client, Authorization="Bearer 5.1.x"))[0] == 401
            assert len(front.asked) == 1, "who is nobody is not passed on"

    asyncio.run(body())


def test_a_front_that_is_away_did_nothing_and_a_silent_one_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "ANSWER_WITHIN_S", 0.3)

    async def body() -> None:
        async with rig() as (client, (front,), _):
            for answer in (_silent, _cut):
                front.answer = answer
                status, said, _ = await told(client)
                assert (status, said["error"]["code"], said["error"]["effect"]) == (503, "front_unknown", "unknown")
            assert len(front.asked) == 2, "nothing was repeated"
        nobody = Topology((f"http://127.0.0.1:{free_port()}",), (0,))
        for topology in (nobody, None):
            async with TestClient(TestServer(play(topology))) as client:
                status, said, _ = await told(client)
                assert (status, said["error"]["code"], said["error"]["effect"]) == (503, "degraded", "none")
                assert "127.0.0.1" not in json.dumps(said), "where a front lives is nobody's business"

    asyncio.run(body())


async def _silent(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def _cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def test_a_sign_in_only_where_it_is_allowed() -> None:
    async def body() -> None:
        for allowed, status in ((True, 200), (False, 403)):
            async with TestClient(TestServer(play(None, sign_in=allowed))) as client:
                async with client.post("/v1/event/sign-in", json={"uid": 7}) as got:
                    said = await got.json()
                    assert got.status == status
                    if allowed:
                        assert verify_token(token_key(SECRET, "live"), said["token"].encode(), time.time()) == 7
                    else:
                        assert said["error"]["code"] == "sign_in_closed"
                async with client.post("/v1/event/sign-in", json={"uid": -1}) as got:
                    assert got.status == 400

    asyncio.run(body())


def test_settings_of_the_page() -> None:
    plain = PlaySettings(("", 0), "", SECRET)
    assert (plain.topology, plain.sign_in) == (None, False)
    assert replace(plain, sign_in=True).sign_in
