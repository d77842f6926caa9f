"""The doubles of a test's own: calm, so that each test breaks one thing of them."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from harness.doubles.app import CALLS_PATH, MOOD_PATH, build_app
from harness.doubles.mood import CALM
from system.contract.parties import PartyName
from tests.support.children import started
from tests.support.stores import LOOPBACK, free_port


@dataclass
class DoubleCaller:
    """`url`: the address below which a party's double is; `name`: of the party that it asks about."""

    client: Any
    name: PartyName

    @property
    def url(self) -> str:
        return str(self.client.make_url(f"/{self.name}"))

    async def mood(self, **changes: Any) -> None:
        """Calm but for what is given."""
        body = CALM.model_copy(update=changes).model_dump()
        async with self.client.put(f"/{self.name}{MOOD_PATH}", json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def calls(self) -> dict[str, tuple[int, int]]:
        """Lane → (calls, fen paid out)."""
        async with self.client.get(f"/{self.name}{CALLS_PATH}") as answer:
            return {row["lane"]: (row["calls"], row["fen"]) for row in (await answer.json())["calls"]}


@asynccontextmanager
async def doubled(folder: Path, name: PartyName = "bank", port: int = 0, **changes: Any) -> AsyncIterator[DoubleCaller]:
    """All doubles, the named one calm but for what is given. `port`: 0 for any."""
    moods = {"bank": CALM, "sms": CALM, name: CALM.model_copy(update=changes)}
    server = TestServer(build_app(folder, moods), port=port or None)  # type: ignore[arg-type]
    async with TestClient(server) as client:
        yield DoubleCaller(client, name)


@contextmanager
def bank_process(folder: Path) -> Iterator[dict[str, str]]:
    """Settings of a play whose bank is its double, which runs as a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "harness.doubles", "--port", str(port), "--folder", str(folder)]
    with started(command) as process:
        try:
            url = f"http://{LOOPBACK}:{port}/bank"
            yield {"XIU_BANK_URL": url, "XIU_BANK_DOUBLE_URL": url}
        finally:
            process.kill()
