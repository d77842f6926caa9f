"""`python -m system.front` as a process of a test's own, and taps over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from system.tokens import sign, token_key
from tests.support.deadline import lasting
from tests.support.fake_control import SECRET
from tests.support.front import Rig, on
from tests.support.stores import LOOPBACK, ValkeyServer, free_port


def environment(rig: Rig, folder: Path) -> dict[str, str]:
    secret = folder / "secret"
    secret.write_text(SECRET.hex())
    settings = rig.settings()
    return dict(os.environ) | {
        "XIU_FRONT": "0",
        "XIU_LISTEN": f"{LOOPBACK}:{free_port()}",
        "XIU_CONTROL_URL": settings.control_url,
        "XIU_VALKEY_URL": settings.valkey_url,
        "XIU_TOPOLOGY": json.dumps({"fronts": ["http://127.0.0.1:1"], "cells": [0]}),
        "XIU_SECRET_FILE": str(secret),
    }


@asynccontextmanager
async def process(
    env: dict[str, str], *, files: int | None = None, log: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A front, with a hard limit of so many open files."""
    limited = ["sh", "-c", f'ulimit -n {files}; exec "$0" "$@"'] if files else []
    with (log or Path(os.devnull)).open("ab") as stderr:
        started = await asyncio.create_subprocess_exec(
            *limited, sys.executable, "-m", "system.front", env=env, stderr=stderr
        )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


class Taps:
    def __init__(self, session: aiohttp.ClientSession, env: dict[str, str]) -> None:
        self._session, self._base = session, f"http://{env['XIU_LISTEN']}"
        self._key = token_key(bytes.fromhex(Path(env["XIU_SECRET_FILE"]).read_text()), "live")

    async def ready(self) -> bool:
        try:
            async with self._session.get(f"{self._base}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def tap(self, round_id: int, uid: int, spoilt: bytes = b"") -> tuple[int, dict[str, object]]:
        token = sign(self._key, str(uid), int(time.time()) + 600) + spoilt.decode()
        headers = {"Authorization": f"Bearer {token}"}
        async with self._session.post(f"{self._base}/v1/rounds/{round_id}/taps", headers=headers) as answer:
            return answer.status, await answer.json()

    async def win(self, round_id: int, uid: int) -> dict[str, object]:
        while True:
            status, body = await self.tap(round_id, uid)
            if body.get("won"):
                return body
            assert status in (200, 202, 429), (status, body)
            await lasting(0.15, "a user's pause")


async def started(taps: Taps) -> None:
    deadline = time.monotonic() + 60
    while not await taps.ready():
        assert time.monotonic() < deadline, "the front was not ready in time"
        await asyncio.sleep(0.02)


def on_process(valkey: ValkeyServer, scenario: Callable[[Rig, aiohttp.ClientSession], Awaitable[None]]) -> None:
    async def whole(rig: Rig) -> None:
        # Nobody but the front closes a connection for its silence, however long the test is held up.
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=600.0)) as session:
            await scenario(rig, session)

    on(valkey, whole)
