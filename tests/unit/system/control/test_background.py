"""What nobody thought of breaks in a background step: it is seen, and the step comes again."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from system.control.background import attempt
from system.credit.metrics import CreditMetrics
from system.credit.switches import Switches
from system.credit.worker import Worker
from system.play.app import LedgerProbe
from system.settings import CreditSettings
from system.winlog import WinLogStore


class Broken(Exception):
    """No error of this system, nor of a driver."""


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [event for record in caplog.records if (event := getattr(record, "event", ""))]


def test_a_step_of_control_that_breaks_is_told_once_and_is_no_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def breaks() -> None:
        raise Broken("no such thing")

    async def works() -> None:
        pass

    async def whole() -> None:
        said: dict[str, str] = {}
        assert not await attempt("step", breaks(), said)
        assert not await attempt("step", breaks(), said)
        assert await attempt("step", works(), said)

    asyncio.run(whole())
    assert events(caplog) == ["step_broke", "store_back"]
    assert caplog.records[0].exc_info is not None


def test_a_probe_of_play_that_breaks_says_so_instead_of_what_it_said_last() -> None:
    class Pool:
        async def fetch(self, *_: object) -> None:
            raise Broken("no such thing")

    async def whole() -> None:
        pool: Any = Pool()
        probe = LedgerProbe({"live": pool})
        probe.missing = ""
        task = asyncio.create_task(probe.run())
        await asyncio.sleep(0)
        assert not task.done()
        assert "Broken" in probe.missing
        task.cancel()

    asyncio.run(whole())


def test_a_pass_of_credit_that_breaks_is_logged_and_the_next_begins(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("system.credit.worker.BACK_OFF_S", (0.0, 0.0))
    settings = CreditSettings(0, "live", ("127.0.0.1", 0), "postgresql://x", "valkey://x", "http://x", b"")
    passes = []

    class Breaks(Worker):
        async def once(self) -> Any:
            passes.append(len(passes))
            if len(passes) == 3:
                raise asyncio.CancelledError
            raise Broken("no such thing")

    async def whole() -> None:
        registry = CollectorRegistry()
        async with WinLogStore("valkey://127.0.0.1:9", timeout_s=1.0) as store:
            worker = Breaks(settings, store, CreditMetrics(registry, "live"), Switches("http://x", "k", "live"))
            with pytest.raises(asyncio.CancelledError):
                await worker.run()
        assert registry.get_sample_value("hongbao_credit_errors_total", {"lane": "live"}) == 2

    asyncio.run(whole())
    assert events(caplog) == ["credit_broke"] * 2
