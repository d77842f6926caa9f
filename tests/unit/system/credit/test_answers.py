"""What a credit worker answers over HTTP: every answer that is not 2xx says in JSON what is wrong."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from system.credit.__main__ import READY_S, _app


@pytest.mark.parametrize(
    ("method", "path", "passed_s_ago", "status", "code"),
    [
        pytest.param("GET", "/nope", 0.0, 404, "not_found", id="no such path"),
        pytest.param("POST", "/metrics", 0.0, 405, "method_not_allowed", id="a page is only read"),
        pytest.param("GET", "/readyz", 2 * READY_S, 503, "degraded", id="no finished pass"),
        pytest.param("GET", "/readyz", 0.0, 200, None, id="ready"),
        pytest.param("GET", "/healthz", 2 * READY_S, 200, None, id="alive"),
    ],
)
def test_an_answer_that_is_not_2xx_says_what_is_wrong(
    method: str, path: str, passed_s_ago: float, status: int, code: str | None
) -> None:
    worker: Any = SimpleNamespace(passed_at=time.monotonic() - passed_s_ago)

    async def ask() -> tuple[int, Any]:
        async with TestClient(TestServer(_app(CollectorRegistry(), worker))) as client:
            answer = await client.request(method, path)
            return answer.status, await answer.json()

    found, body = asyncio.run(ask())
    assert found == status
    assert (body["error"]["code"] if code else body.get("error")) == code
    assert code is None or (body["error"]["message"] and body["error"]["effect"] == "none")
