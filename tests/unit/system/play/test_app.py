"""Play as it is put together, its ledger away: what every real route says of methods, and who asks too much.

None of it needs the ledger, and so none of it may be held up by it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from system.play.app import build_app
from system.play.guard import LIMITS
from system.play.plays import routes
from system.settings import PlaySettings
from tests.support.play import ADMIN, SECRET, token

NOWHERE = "postgresql://xiu@127.0.0.1:9/none"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
BY_PATH: dict[str, set[str]] = defaultdict(lambda: {"OPTIONS"})
for each in routes():
    BY_PATH[each.path] |= {each.method} | ({"HEAD"} if each.method == "GET" else set())


@asynccontextmanager
async def app(**limits: int) -> AsyncIterator[tuple[Any, CollectorRegistry]]:
    settings, registry = PlaySettings(("127.0.0.1", 0), NOWHERE, SECRET, ADMIN, **limits), CollectorRegistry()
    async with TestClient(TestServer(build_app(settings, registry))) as client:
        yield client, registry


def test_every_method_that_a_path_has_not_is_refused_with_those_that_it_has() -> None:
    async def body() -> None:
        async with app(address_rate_per_s=100_000, address_burst=100_000) as (client, _):
            assert len(BY_PATH) > 30
            for path, methods in BY_PATH.items():
                concrete = path.replace("{", "").replace("}", "")
                for method in sorted(METHODS - methods):
                    async with client.request(method, concrete) as got:
                        assert (got.status, got.headers["Allow"]) == (405, ", ".join(sorted(methods))), (method, path)
                        said = await got.json() if method != "HEAD" else {"error": {"code": "method_not_allowed"}}
                        assert said["error"]["code"] == "method_not_allowed"
                async with client.options(concrete) as got:
                    assert (got.status, got.headers["Allow"]) == (204, ", ".join(sorted(methods))), path

    asyncio.run(body())


@pytest.mark.parametrize(
    ("limits", "uids", "whose"),
    [
        pytest.param({"user_rate_per_s": 1, "user_burst": 3}, [5] * 5, "user", id="one user"),
        pytest.param({"address_rate_per_s": 1, "address_burst": 3}, range(5, 10), "address", id="one address"),
    ],
)
def test_who_asks_too_much_is_told_when_to_come_again(limits: dict[str, int], uids: list[int], whose: str) -> None:
    """A forged link: it is refused before the ledger is asked."""

    async def body() -> None:
        async with app(**limits) as (client, registry):
            for buckets in client.app[LIMITS]._buckets.values():
                buckets._clock = lambda: 100.0  # else a token flows in while a slow machine asks
            told = []
            for uid in uids:
                sent = {"Authorization": f"Bearer {token(uid)}"}
                async with client.post("/v1/shares/claim", json={"link": "1-0.1.x"}, headers=sent) as got:
                    told.append((got.status, (await got.json())["error"], int(got.headers.get("Retry-After", 0))))
            assert [(status, error["code"]) for status, error, _ in told] == (
                [(404, "no_such_link")] * 3 + [(429, "too_fast")] * 2
            )
            assert {error["effect"] for _, error, _ in told} == {"none"}
            assert [after_s for *_, after_s in told] == [0] * 3 + [1] * 2
            assert registry.get_sample_value("hongbao_play_limited_total", {"whose": whose}) == 2
            async with client.get("/v1/seasons", headers={"Authorization": f"Bearer {ADMIN}"}) as got:
                assert got.status == 401, "an operator has no limit, but is no user"

    asyncio.run(body())
