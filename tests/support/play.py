"""Play on a real ledger, as a test asks it over HTTP: users' tokens, the operators' token, a few postings."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from system.contract.ids import Lane
from system.ledger.access import Pool
from system.ledger.interactions import interact
from system.ledger.migrate import migrate
from system.play.app import build_app
from system.settings import PlaySettings
from system.tokens import sign, token_key
from tests.support.deadline import until

SECRET = bytes(range(64))
ADMIN = "operators-token-of-the-tests"
FAR = int(time.time()) + 86_400
"""Read when the tests are collected: beyond the end of the slowest run."""


def token(uid: int, lane: Lane = "live", expires_s: int = FAR) -> str:
    return sign(token_key(SECRET, lane), str(uid), expires_s)


class Caller:
    def __init__(self, client: Any) -> None:
        self.client = client

    async def call(self, path: str, bearer: str = "", body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"Authorization": f"Bearer {bearer}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        method = "GET" if body is None else "POST"
        async with self.client.request(method, path, json=body, headers=sent) as answer:
            payload = await answer.json() if answer.content_type == "application/json" else await answer.text()
            return answer.status, payload


@asynccontextmanager
async def running(dsn: str, timeout_s: float = 20.0, **settings: Any) -> AsyncIterator[Caller]:
    """Play on that ledger, ready. `timeout_s`: how long its ledger may take; a busy disk takes seconds."""
    await migrate(dsn, SECRET)
    given = PlaySettings(("127.0.0.1", 0), dsn, SECRET, ADMIN, store_timeout_s=timeout_s, **settings)
    async with TestClient(TestServer(build_app(given, CollectorRegistry()))) as client:
        caller = Caller(client)

        async def ready() -> bool:
            return (await caller.call("/readyz"))[0] == 200

        await until(ready, what="play ready")
        yield caller


def fill(dsn: str, lane: Lane = "live") -> None:
    """Rounds 1 (closing) and 2 (closed) of sponsor 7; user 5 has three credits, user 6 one in suspense."""
    with psycopg.connect(dsn) as conn:
        for number, state in ((1, "closing"), (2, "closed")):
            conn.execute(
                f"INSERT INTO {lane}.round (round, state, packets, budget_fen, start_us, end_us, release_ms, sponsors,"
                " seed, commitment, created_us) VALUES (%s, %s, 10, 1000, 0, 1, 1, '[]', %s, '', 0)",
                (number, state, bytes(32)),
            )
        conn.execute(
            f"INSERT INTO {lane}.batch (kind, round, postings, fen, committed_us) VALUES ('fund', 1, 0, 1, 10)"
        )
        conn.execute(
            f"INSERT INTO {lane}.batch (kind, round, postings, fen, committed_us) VALUES ('credit', 1, 3, 60, 20)"
        )
        conn.execute(
            f"INSERT INTO {lane}.entry VALUES (1, 'sponsor:7', -1000), (1, 'budget:1:7', 1000), (2, 'budget:1:7', -60)"
        )
        for packet, fen, at in ((0, 10, 100), (1, 20, 200), (2, 30, 300)):
            conn.execute(f"INSERT INTO {lane}.posting VALUES (5, 1, %s, %s, 7, 0, %s, 2)", (packet, fen, at))
        # Packets 0 to 3 of the lease are used up, the others of its eight on their way; 8 and 9 are in no lease.
        conn.execute(f"INSERT INTO {lane}.stream (round, front, cell) VALUES (1, 0, 0)")
        conn.execute(f"INSERT INTO {lane}.lease VALUES (1, 0, 1, 1, 0, 8, false, %s)", (bytes([0b1111]),))
        conn.execute(f"INSERT INTO {lane}.suspense VALUES (2, 1, 0, 1, 1, 0, 3, 6, 40, 7, 400, 40, 7, 'why')")


async def befriend(dsn: str, uid: int, *others: int) -> None:
    """The user has ties with the others."""
    pool = Pool(dsn, "xiu_live", SECRET, size=1)
    for other in others:
        async with pool.transaction("friend") as conn:
            await interact(conn, "live", "contact", uid, other, 1, f"contact:{uid}:{other}")
    await pool.close()
