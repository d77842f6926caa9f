"""A control of the test's own on the real stores, with a client for operators and for fronts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from system.clock import wall_us
from system.contract.routing import Topology
from system.control.app import build_app
from system.control.routes import CONTROL
from system.control.state import ControlContext
from system.settings import ControlSettings
from system.tokens import internal_key
from tests.support.deadline import until

SECRET = bytes(range(64))
ADMIN = "operators-token-of-the-tests"
SPONSORS = [
    {"sponsor": 7, "name": "Seven", "classes": [[100, 60], [500, 4]]},
    {"sponsor": 9, "name": "Nine", "classes": [[1, 36]]},
]
PACKETS, BUDGET_FEN = 100, 8_036


class Clock:
    """The authority's time, stepped by the test."""

    def __init__(self) -> None:
        self.now_us = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now_us


class Api:
    """HTTP to one control: what the operators and the fronts send. Answers are (status, JSON or text)."""

    def __init__(
        self, client: TestClient[web.Request, web.Application], clock: Clock, registry: CollectorRegistry
    ) -> None:
        self.client, self.clock, self.registry = client, clock, registry
        self.control: ControlContext = client.app[CONTROL]

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        text = {k.replace("_", "-"): v for k, v in headers.items()}
        async with self.client.request(method, path, json=body, headers=text) as answer:
            payload = await answer.json() if answer.content_type == "application/json" else await answer.text()
            return answer.status, payload

    async def get(self, path: str) -> tuple[int, Any]:
        return await self.call("GET", path)

    async def admin(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return await self.call(method, path, body, Authorization=f"Bearer {ADMIN}")

    async def front(self, path: str, body: Any = None, method: str = "POST", front: int = 0) -> tuple[int, Any]:
        return await self.call(method, f"/v1/fronts/{front}/{path}", body, X_Xiu_Key=internal_key(SECRET))

    async def ok(self, answer: tuple[int, Any]) -> Any:
        assert answer[0] in (200, 201), answer
        return answer[1]

    async def register(self, front: int = 0) -> int:
        return int((await self.ok(await self.front("register", front=front)))["instance"])

    async def epoch(self, round_id: int, instance: int, front: int = 0) -> int:
        answer = await self.front(f"rounds/{round_id}/epoch", {"instance": instance}, front=front)
        return int((await self.ok(answer))["epoch"])

    async def lease(self, round_id: int, instance: int, epoch: int, number: int, front: int = 0) -> tuple[int, Any]:
        body = {"instance": instance, "epoch": epoch, "number": number}
        return await self.front(f"rounds/{round_id}/lease", body, front=front)

    async def confirm(self, round_id: int, instance: int, epoch: int, sequence: int, front: int = 0) -> tuple[int, Any]:
        body = {"instance": instance, "epoch": epoch, "sequence": sequence}
        return await self.front(f"rounds/{round_id}/confirm", body, front=front)

    async def make_round(self, **fields: Any) -> int:
        body = {"sponsors": SPONSORS, "starts_in_ms": 0, "duration_ms": 10_000} | fields
        return int((await self.ok(await self.admin("POST", "/v1/rounds", body)))["round"])

    def end_window(self) -> None:
        self.clock.now_us += 11_000_000

    async def close(self, round_id: int) -> Any:
        return await self.ok(await self.admin("POST", f"/v1/rounds/{round_id}/close"))

    async def state(self, round_id: int) -> str:
        return str((await self.ok(await self.get(f"/v1/rounds/{round_id}")))["state"])

    async def closed(self, round_id: int) -> None:
        await until(self._is_closed(round_id), what=f"round {round_id} closed")

    def _is_closed(self, round_id: int) -> Any:
        async def check() -> bool:
            return await self.state(round_id) == "closed"

        return check

    async def money(self, round_id: int) -> Any:
        return await self.ok(await self.admin("GET", f"/v1/rounds/{round_id}/money"))


def settings_of(postgres_dsn: str, valkey_url: str, fronts: int = 1) -> ControlSettings:
    topology = Topology(tuple(f"http://127.0.0.1:{9000 + n}" for n in range(fronts)), (0,) * fronts)
    return ControlSettings(("127.0.0.1", 0), postgres_dsn, valkey_url, topology, SECRET, ADMIN, store_timeout_s=5.0)


@asynccontextmanager
async def running(settings: ControlSettings, clock: Clock | None = None) -> AsyncIterator[Api]:
    """A control that has read its view."""
    registry = CollectorRegistry()
    own = clock or Clock()
    async with TestClient(TestServer(build_app(settings, registry, own))) as client:
        api = Api(client, own, registry)

        async def ready() -> bool:
            return (await api.get("/readyz"))[0] == 200

        await until(ready, what="control ready")
        yield api


class LateClock(Clock):
    """The host's clock, moved on by the test; `now_us` is read and written by the shared helpers."""

    def __init__(self) -> None:
        self.ahead_us = 0

    @property
    def now_us(self) -> int:  # type: ignore[override]
        return wall_us() + self.ahead_us

    @now_us.setter
    def now_us(self, value: int) -> None:
        self.ahead_us = value - wall_us()

    def __call__(self) -> int:
        return self.now_us


def sql(settings: ControlSettings, text: str, *params: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(settings.postgres_url, autocommit=True) as conn:
        cursor = conn.execute(text.encode(), params or None)
        return cursor.fetchall() if cursor.description else []


def balanced(settings: ControlSettings, number: int) -> None:
    """S1 after the close: per sponsor, budget = credited + suspense + refunded; every batch balances."""
    rows = sql(
        settings,
        "SELECT account, sum(fen)::bigint FROM live.entry WHERE account LIKE %s GROUP BY account ORDER BY 1",
        f"budget:{number}:%",
    )
    assert [fen for _, fen in rows] == [0, 0], rows
    assert sql(
        settings,
        "SELECT batch FROM (SELECT batch, fen FROM live.entry UNION ALL SELECT batch, fen FROM live.posting"
        " UNION ALL SELECT batch, held_fen FROM live.suspense) x GROUP BY batch HAVING sum(fen) <> 0",
    ) == []  # fmt: skip
    assert sql(settings, "SELECT count(*) FROM live.batch WHERE kind = 'refund' AND round = %s", number) == [(1,)]
