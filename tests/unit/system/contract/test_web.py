"""The shared aiohttp parts: bodies, numbers of paths, secrets, answers of errors, metrics."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from prometheus_client import CollectorRegistry
from pydantic import Field, ValidationError

from system import web as shared
from system.contract.api import Model, RoundOrder, SwitchChange
from system.contract.errors import BadRequest, BadToken, NotFound, RoundOver
from system.contract.fields import Budget, Whole
from system.contract.metrics import ITSELF, METRICS
from system.contract.web import application, bearer, need_secret, one_sentence, read_model


@pytest.mark.parametrize("text", ["x", "1.5", "", "²"])
def test_a_path_with_no_number_names_nothing(text: str) -> None:
    request = make_mocked_request("GET", "/", match_info={"round": text})
    with pytest.raises(NotFound):
        shared.path_number(request, "round")


def test_numbers() -> None:
    assert shared.path_number(make_mocked_request("GET", "/", match_info={"round": "7"}), "round") == 7
    assert shared.query_number(make_mocked_request("GET", "/?limit=5"), "limit", 9, 1, 10) == 5
    assert shared.query_number(make_mocked_request("GET", "/"), "limit", 9, 1, 10) == 9
    with pytest.raises(BadRequest, match="from 1 to 10"):
        shared.query_number(make_mocked_request("GET", "/?limit=11"), "limit", 9, 1, 10)


@pytest.mark.parametrize(
    ("given", "expected", "good"),
    [
        ("secret", "secret", True),
        ("secreT", "secret", False),
        ("", "secret", False),
        ("", "", False),
        ("ü", "u", False),
    ],
)
def test_secrets(given: str, expected: str, good: bool) -> None:
    if good:
        need_secret(given, expected, "it")
        assert given == expected
    else:
        with pytest.raises(BadToken):
            need_secret(given, expected, "it")


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("", ""), ("Bearer", "")],
)
def test_bearer(header: str, token: str) -> None:
    assert bearer(make_mocked_request("GET", "/", headers={"Authorization": header})) == token


def test_an_error_of_a_model_is_one_sentence() -> None:
    with pytest.raises(ValidationError) as caught:
        RoundOrder.model_validate_json('{"sponsors": [], "duration_ms": 0, "extra": 1}')
    text = one_sentence(caught.value)
    assert "\n" not in text
    for word in ("sponsors: Tuple should have at least 1 item", "duration_ms", "extra"):
        assert word in text


def test_a_list_with_a_wrong_item_is_not_called_empty() -> None:
    wrong = '{"starts_in_ms": 1, "duration_ms": 1, "sponsors": [{"sponsor": 0, "name": "a", "classes": [[1, 1]]}]}'
    with pytest.raises(ValidationError) as caught:
        RoundOrder.model_validate_json(wrong)
    assert one_sentence(caught.value) == "sponsors.0.sponsor: Input should be greater than or equal to 1"


def app_of(registry: CollectorRegistry, missing: list[str]) -> web.Application:
    async def boom(_: web.Request) -> web.Response:
        raise RuntimeError("secret detail")

    async def over(_: web.Request) -> web.Response:
        raise RoundOver("round 1 is over")

    async def body(request: web.Request) -> web.Response:
        return shared.answer(await read_model(request, SwitchChange))

    app = application(shared.counted(registry), body_bytes_max=1000)
    app.router.add_get("/boom", boom)
    app.router.add_get("/over/{number}", over)
    app.router.add_post("/body", body)
    shared.add_health(app, registry, lambda: missing[0])
    return app


class Paid(Model):
    """A body with an amount, a budget, a list of users."""

    fen: Annotated[int, Field(ge=1, lt=1 << 63)]
    budget: Budget = 1
    uids: tuple[Whole, ...] = ()


WHOLE = [
    pytest.param('{"fen": 1.0}', 1, id="as JSON Schema has it"),
    pytest.param('{"fen": 9007199254740993.0}', 9_007_199_254_740_993, id="more than a float can tell apart"),
    pytest.param('{"fen": 9.223372036854775807e18}', (1 << 63) - 1, id="the largest, with an exponent"),
    pytest.param('{"fen": 1E+16}', 10**16, id="as Python writes a large float"),
    pytest.param('{"fen": 250e-1}', 25, id="an exponent below zero"),
    pytest.param('{"fen": 7, "uids": [3.0, 4]}', 7, id="in a list"),
    pytest.param('{"fen": 1.5}', "bad_request", id="a part of a fen"),
    pytest.param('{"fen": 0.9999999999999999999999}', "bad_request", id="what a float takes for 1"),
    pytest.param('{"fen": 1.0000000000000000000001}', "bad_request", id="a hair more than a fen"),
    pytest.param('{"fen": 0.0}', "out_of_range", id="nothing"),
    pytest.param('{"fen": -1.0}', "out_of_range", id="below nothing"),
    pytest.param('{"fen": 9223372036854775808.0}', "out_of_range", id="one too many"),
    pytest.param('{"fen": 1e25}', "out_of_range", id="far too many"),
    pytest.param('{"fen": 1e999999999}', "bad_request", id="no number that anybody has"),
    pytest.param('{"fen": 1e9999999999999999999999}', "bad_request", id="an exponent beyond all"),
    pytest.param(f'{{"fen": 1.{"0" * 900}}}', "bad_request", id="zeros without end"),
    pytest.param(f'{{"fen": 1.0, "uids": [{"9" * 900}]}}', "out_of_range", id="a huge number beside it"),
    pytest.param('{"fen": "1"}', "bad_request", id="a text"),
    pytest.param('{"fen": true}', "bad_request", id="a truth"),
    pytest.param('{"fen": 1.0, "fen": 2.0}', "bad_request", id="twice"),
    pytest.param('{"fen": 1, "budget": 0}', "no_budget", id="a budget of nothing"),
    pytest.param('{"fen": 1, "budget": 0.0}', "no_budget", id="a budget of nothing, with a point"),
    pytest.param('{"fen": 1, "budget": -1}', "out_of_range", id="a budget below nothing"),
]


@pytest.mark.parametrize(("sent", "expected"), WHOLE)
def test_a_whole_number_is_read_exactly_however_it_is_written(sent: str, expected: int | str) -> None:
    async def body(request: web.Request) -> web.Response:
        read = await read_model(request, Paid)
        assert {type(one) for one in (read.fen, *read.uids)} == {int}
        return web.json_response({"fen": read.fen})

    async def go() -> None:
        app = application(body_bytes_max=1000)
        app.router.add_post("/paid", body)
        async with TestClient(TestServer(app)) as client, client.post("/paid", data=sent.encode()) as answer:
            told = await answer.json()
        assert told["error"]["code"] == expected if isinstance(expected, str) else told == {"fen": expected}

    asyncio.run(go())


def test_answers_and_metrics() -> None:
    registry, missing = CollectorRegistry(), ["nothing read"]

    async def ask(client: Any, method: str, path: str, data: Any = None) -> tuple[int, str]:
        async with client.request(method, path, data=data) as answer:
            return answer.status, await answer.text()

    async def go() -> None:
        async with TestClient(TestServer(app_of(registry, missing))) as client:
            status, text = await ask(client, "GET", "/boom")
            assert status == 500
            assert '"effect": "unknown"' in text
            assert "secret detail" not in text
            assert await ask(client, "GET", "/over/5") == (
                410,
                '{"error": {"code": "round_over", "message": "round 1 is over", "effect": "none"}}',
            )
            assert (await ask(client, "POST", "/body", b'{"value": 1}'))[0] == 200
            assert (await ask(client, "POST", "/body", b"{"))[0] == 400
            assert (await ask(client, "POST", "/body", b"\xff"))[0] == 400
            status, text = await ask(client, "POST", "/body", b"x" * 2000)
            assert status == 413
            assert "too_large" in text
            assert (await ask(client, "GET", "/body"))[0] == 405
            assert (await ask(client, "GET", "/readyz"))[0] == 503
            missing[0] = ""
            assert (await ask(client, "GET", "/readyz"))[0] == 200
            assert (await ask(client, "GET", "/healthz"))[0] == 200
            assert "hongbao_http_request_duration_seconds_bucket" in (await ask(client, "GET", "/metrics"))[1]

    asyncio.run(go())
    value = registry.get_sample_value
    rows = [("/boom", "5xx", 1), ("/over/{number}", "4xx", 1), ("/body", "2xx", 1), ("/readyz", "5xx", 1)]
    for route, status, expected in rows:
        assert value("hongbao_http_requests_total", {"route": route, "status": status}) == expected, route
    assert value("hongbao_http_request_duration_seconds_count", {"route": "/over/{number}"}) == 1


@pytest.mark.parametrize("process", ["control", "play"])
def test_every_family_of_the_process_is_there(process: str) -> None:
    from system.control.meters import ControlMeters
    from system.play.limits import RequestLimits
    from system.play.plays import plays
    from system.settings import PlaySettings

    registry = CollectorRegistry()
    shared.counted(registry)
    shared.add_health(web.Application(), registry, str)
    if process == "control":
        ControlMeters.of(registry)
    else:
        for collector in (each for play in plays() for each in play.collectors):
            registry.register(collector)
        RequestLimits(PlaySettings(("127.0.0.1", 0), "", b""), registry)
    families = {family.name for family in registry.collect()}
    wanted = {metric.name.removesuffix("_total") for metric in METRICS if process in metric.process}
    assert families == wanted | {metric.name.removesuffix("_total") for metric in ITSELF}
