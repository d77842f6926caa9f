"""A round from its order to its close, through the API alone, on real stores."""

from __future__ import annotations

import asyncio

from system.settings import ControlSettings
from tests.support.control import BUDGET_FEN, PACKETS, running


def test_a_round_without_wins_is_refunded_whole(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api:
            number = await api.make_round()
            instance = await api.register()
            epoch = await api.epoch(number, instance)
            assert (instance, epoch) == (1, 1)
            status, lease = await api.lease(number, instance, epoch, 1)
            assert (status, lease) == (200, {"number": 1, "lo": 0, "hi": 21})
            api.end_window()
            assert (await api.close(number))["state"] == "closing"
            assert (await api.confirm(number, instance, epoch, 0))[0] == 200
            await api.closed(number)
            money = await api.money(number)
            assert money["refunded_fen"] == money["budget_fen"] == BUDGET_FEN
            assert (money["credited_fen"], money["leased_packets"]) == (0, 21)
            assert PACKETS > 21

    asyncio.run(body())
