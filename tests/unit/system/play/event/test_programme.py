"""The event page's rounds: one reading for all who ask, also where it fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from system.contract.errors import Degraded
from system.ledger.access import Pool
from system.play.event import programme
from system.play.event.programme import EventProgramme


def test_a_silent_ledger_is_asked_once_for_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the last of a hundred pages would wait for a hundred time-outs."""
    asked: list[str] = []
    begun, over = asyncio.Event(), asyncio.Event()

    async def silent(_: Pool, __: str, name: str, ___: Any) -> Any:
        asked.append(name)
        begun.set()
        await over.wait()
        raise Degraded("the ledger does not answer")

    monkeypatch.setattr(programme, "read", silent)

    async def body() -> None:
        rounds = EventProgramme(Pool("", "xiu_live", b""))
        pages = [asyncio.create_task(rounds.now()) for _ in range(5)]
        await begun.wait()
        over.set()
        told = await asyncio.gather(*pages, return_exceptions=True)
        assert [str(each) for each in told] == ["the ledger does not answer"] * 5
        assert len(asked) == 1
        with pytest.raises(Degraded):
            await rounds.now()
        assert len(asked) == 2, "who comes later asks anew"

    asyncio.run(body())
