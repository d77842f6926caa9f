"""`python -m system.credit` as a process: health, metrics by the catalogue, switches from control, kill -9, stop."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from system.contract.metrics import METRICS
from tests.support.books import Books
from tests.support.credit_process import WITHIN_S, CreditProcess, posted
from tests.support.stores import ValkeyServer, free_port, wait_until


@pytest.fixture
def books(ledger_dsn: str, valkey_server: ValkeyServer) -> Books:
    return Books(ledger_dsn, valkey_server.url)


@pytest.fixture
def control_port() -> int:
    return free_port()


@pytest.fixture
def process(books: Books, tmp_path: Path, control_port: int) -> Iterator[CreditProcess]:
    process = CreditProcess(books, tmp_path, control_port)
    try:
        yield process
    finally:
        if process.child is not None and process.child.poll() is None:
            process.stop(signal.SIGKILL)


async def serve_switches(port: int, values: dict[str, int]) -> web.AppRunner:
    """Control, as far as credit asks it."""

    async def switches(request: web.Request) -> web.Response:
        return web.json_response({"switches": values})

    app = web.Application()
    app.router.add_get("/v1/switches", switches)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


def test_killed_paused_and_stopped(books: Books, process: CreditProcess, control_port: int) -> None:
    async def body() -> None:
        await books.open()
        values = {"credit.pause": 0, "draw.award": 1}
        control = await serve_switches(control_port, values)
        try:
            books.add_round()
            await books.epoch(1, 0, 1)
            lease = books.lease(1, 0, 1, 1, 20)
            await asyncio.to_thread(process.start)
            await books.append(1, 0, 1, [books.win(1, lease[0], 1)])
            await asyncio.to_thread(wait_until, lambda: posted(books) == 1, WITHIN_S, "first posting")
            process.stop(signal.SIGKILL)
            await books.append(1, 0, 1, [books.win(1, lease[1], 2)])
            values["credit.pause"] = 1
            await asyncio.to_thread(process.start)
            shown = ("hongbao_switch", "credit.pause")
            await asyncio.to_thread(wait_until, lambda: process.metrics().get(shown) == 1, WITHIN_S, "pause read back")
            await books.append(1, 0, 1, [books.win(1, lease[2], 3)])
            lag = ("hongbao_stream_lag_entries", "live")
            await asyncio.to_thread(wait_until, lambda: process.metrics()[lag] >= 1, WITHIN_S, "backlog shown")
            values["credit.pause"] = 0
            await asyncio.to_thread(wait_until, lambda: posted(books) == 3, WITHIN_S, "all postings")
        finally:
            await control.cleanup()
            await books.close()

    asyncio.run(body())
    names = {metric.name.removesuffix("_total") for metric in METRICS if "credit" in metric.process}
    found = {name for name, _ in process.metrics()}
    assert all(any(sample.startswith(name) for sample in found) for name in names)
    assert process.status("/healthz") == 200
    assert process.stop(signal.SIGTERM) == 0


def test_without_settings_it_says_so(process: CreditProcess) -> None:
    del process.env["XIU_LANE"]
    done = subprocess.run(
        [sys.executable, "-m", "system.credit"],
        env=process.env,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "credit: XIU_LANE is not set\n")
