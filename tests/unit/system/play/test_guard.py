"""What every request passes before its handler, and in which order; what a path says of its methods."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from system.contract.api import Model
from system.contract.web import application, read_model
from system.play.app import add_routes
from system.play.guard import LIMITS, per_address
from system.play.limits import RequestLimits
from system.play.parameters import LANE, NumberParameter, TextParameter
from system.play.route import SETTINGS, Route, user_of
from system.settings import PlaySettings
from system.tokens import sign, sign_tag, tag_key, token_key
from system.web import answer

SECRET, ADMIN = bytes(32), "operators-token-of-the-tests"
FAR = int(time.time()) + 3600
TAG = sign_tag(tag_key(SECRET), "run", FAR)
NUMBER = NumberParameter("number", "a number", 1, 9)
WORD = TextParameter("word", "a word", "^[a-z]+$")
CODE = TextParameter("code", "two letters", "^[a-z]{2}$")


class Echo(Model):
    text: str = ""


def bearer(uid: int, tagged: bool = False) -> dict[str, str]:
    if tagged:
        return {"Authorization": f"Bearer {sign(token_key(SECRET, 'stress'), str(uid), FAR)}", "X-Xiu-Tag": TAG}
    return {"Authorization": f"Bearer {sign(token_key(SECRET, 'live'), str(uid), FAR)}"}


OPERATOR = {"Authorization": f"Bearer {ADMIN}"}


async def get(request: web.Request) -> web.Response:
    code = CODE.need(request)
    return answer(Echo(text=f"{user_of(request)} {code} {NUMBER.of(request)} {WORD.of(request)}"))


async def post(request: web.Request) -> web.Response:
    return answer(await read_model(request, Echo))


async def lane(request: web.Request) -> web.Response:
    return answer(Echo(text=LANE.of(request)))


ROUTES = (
    Route("GET", "/v1/things/{code}", get, Echo, "user", (CODE, NUMBER, WORD)),
    Route("POST", "/v1/things/{code}", post, Echo, "user", (CODE,), body=Echo),
    Route("GET", "/v1/lane", lane, Echo, "operator", (LANE,)),
    Route("POST", "/v1/open", post, Echo, "anybody", body=Echo),
)


def app(**limits: int) -> web.Application:
    made = application(body_bytes_max=1_000)
    made[SETTINGS] = PlaySettings(("", 0), "", SECRET, ADMIN, **limits)
    made[LIMITS] = RequestLimits(made[SETTINGS], CollectorRegistry())
    made.middlewares.append(per_address)
    add_routes(made, ROUTES)
    return made


async def told(client: Any, method: str, path: str, **sent: Any) -> tuple[int, str, Any]:
    """Status, the code of a refusal or the text of an answer, headers."""
    async with client.request(method, path, **sent) as got:
        body = await got.json() if got.content_type == "application/json" and method != "HEAD" else {}
        return got.status, body.get("error", {}).get("code", body.get("text", "")), got.headers


ROWS = [
    pytest.param("GET", "/v1/things/ab", {}, 401, "bad_token", id="who is asked first"),
    pytest.param("GET", "/v1/things/ab?number=0", {"headers": bearer(5)}, 400, "out_of_range", id="too small"),
    pytest.param("GET", "/v1/things/ab?number=10", {"headers": bearer(5)}, 400, "out_of_range", id="too large"),
    pytest.param("GET", "/v1/things/ab?number=1&number=1", {"headers": bearer(5)}, 400, "bad_request", id="twice"),
    pytest.param("GET", "/v1/things/ab?word=A", {"headers": bearer(5)}, 400, "bad_request", id="another pattern"),
    pytest.param("GET", "/v1/things/ab?word=a%0A", {"headers": bearer(5)}, 400, "bad_request", id="a line more"),
    pytest.param("GET", "/v1/things/ab?nobody=1", {"headers": bearer(5)}, 400, "bad_request", id="undeclared"),
    pytest.param("GET", "/v1/things/abc", {"headers": bearer(5)}, 404, "not_found", id="a path of nothing"),
    pytest.param("GET", "/v1/things/ab", {"headers": bearer(5)}, 200, "('live', 5) ab 0 None", id="as it should be"),
    pytest.param(
        "GET", "/v1/things/ab?number=9&word=z", {"headers": bearer(5, True)}, 200, "('stress', 5) ab 9 z", id="tagged"
    ),
    pytest.param("GET", "/v1/lane?lane=stress", {"headers": OPERATOR}, 200, "stress", id="a lane"),
    pytest.param("GET", "/v1/lane?lane=lane", {"headers": OPERATOR}, 400, "bad_request", id="no lane"),
    pytest.param("GET", "/v1/lane", {"headers": bearer(5)}, 401, "bad_token", id="no operator"),
    pytest.param("POST", "/v1/open", {"json": {"text": "a"}}, 200, "a", id="anybody"),
    pytest.param("POST", "/v1/open", {"data": {"text": "a"}}, 415, "unsupported_media_type", id="a form"),
    pytest.param(
        "POST", "/v1/open", {"data": b"{}", "headers": {"Content-Type": "application/json; charset=gbk"}}, 415,
        "unsupported_media_type", id="JSON of another alphabet",
    ),
    pytest.param(
        "POST", "/v1/open", {"data": b"{}", "headers": {"Content-Type": "application/json; charset=UTF-8"}}, 200, "",
        id="JSON that says UTF-8",
    ),
    pytest.param(
        "POST", "/v1/open", {"data": b"{}", "skip_auto_headers": ("Content-Type",)}, 200, "", id="a body without a type"
    ),
    pytest.param("POST", "/v1/open", {"json": {"text": "a" * 2_000}}, 413, "too_large", id="too large a body"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "sent", "status", "says"), ROWS)
def test_each_refusal_and_each_answer(method: str, path: str, sent: dict[str, Any], status: int, says: str) -> None:
    async def body() -> None:
        async with TestClient(TestServer(app())) as client:
            assert (await told(client, method, path, **sent))[:2] == (status, says)

    asyncio.run(body())


def test_a_bad_tag_is_refused_and_counted_once_a_request() -> None:
    registry = CollectorRegistry()

    async def body() -> None:
        made = app()
        made[LIMITS] = RequestLimits(made[SETTINGS], registry)
        async with TestClient(TestServer(made)) as client:
            for tag in (TAG[:-1] + ("0" if TAG[-1] != "0" else "1"), sign_tag(tag_key(SECRET), "run", 1), "x"):
                sent = bearer(5, True) | {"X-Xiu-Tag": tag}
                assert (await told(client, "GET", "/v1/things/ab", headers=sent))[:2] == (403, "bad_tag")
            assert (await told(client, "GET", "/v1/things/ab", headers=bearer(5, True)))[0] == 200
            assert (await told(client, "GET", "/v1/things/ab"))[0] == 401

    asyncio.run(body())
    assert registry.get_sample_value("hongbao_play_bad_tags_total") == 3


def test_methods() -> None:
    async def body() -> None:
        async with TestClient(TestServer(app())) as client:
            for method in ("PUT", "DELETE", "PATCH", "TRACE"):
                status, code, headers = await told(client, method, "/v1/things/ab", headers=bearer(5))
                assert (status, code) == (405, "method_not_allowed")
                assert headers["Allow"] == "GET, HEAD, OPTIONS, POST"
            status, _, headers = await told(client, "OPTIONS", "/v1/open")
            assert (status, headers["Allow"]) == (204, "OPTIONS, POST")
            assert (await told(client, "HEAD", "/v1/open"))[0] == 405
            status, _, headers = await told(client, "HEAD", "/v1/things/ab", headers=bearer(5))
            assert (status, int(headers["Content-Length"]) > 0) == (200, True)
            assert (await told(client, "HEAD", "/v1/things/ab"))[0] == 401
            assert (await told(client, "GET", "/v1/things/ab"))[2]["WWW-Authenticate"] == "Bearer"

    asyncio.run(body())


def test_too_many_of_one_user_and_no_other() -> None:
    async def body() -> None:
        async with TestClient(TestServer(app(user_rate_per_s=1, user_burst=2))) as client:
            path = "/v1/things/ab"
            asked = [await told(client, "GET", path, headers=bearer(5)) for _ in range(3)]
            assert [(status, code) for status, code, _ in asked][2] == (429, "too_fast")
            assert asked[2][2]["Retry-After"] == "1"
            assert (await told(client, "GET", path, headers=bearer(6)))[0] == 200
            assert (await told(client, "GET", path, headers=bearer(5, True)))[0] == 200, "the lanes never meet"

    asyncio.run(body())


def test_too_many_of_one_address_but_for_tagged_traffic_and_operators() -> None:
    async def body() -> None:
        made = app(address_rate_per_s=1, address_burst=3)
        made.router.add_get("/metrics", lane)
        async with TestClient(TestServer(made)) as client:
            asked = [(await told(client, "GET", "/v1/things/ab"))[0] for _ in range(5)]
            assert asked == [401] * 3 + [429] * 2, "also whoever tries tokens"
            assert (await told(client, "GET", "/nowhere"))[0] == 429
            assert (await told(client, "GET", "/v1/things/ab", headers=bearer(5)))[0] == 429
            for _ in range(5):
                assert (await told(client, "GET", "/v1/things/ab", headers=bearer(5, True)))[0] == 200
                assert (await told(client, "GET", "/v1/lane", headers=OPERATOR))[0] == 200
                assert (await told(client, "GET", "/metrics"))[0] == 200
            forged = bearer(5, True) | {"X-Xiu-Tag": TAG[:-1] + "x"}
            assert (await told(client, "GET", "/v1/things/ab", headers=forged))[0] == 429

    asyncio.run(body())
