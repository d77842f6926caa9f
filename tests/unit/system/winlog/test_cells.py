"""Which Valkey holds the log of a cell."""

from __future__ import annotations

import asyncio

import pytest

from system.contract.errors import SettingsError
from system.settings import valkeys_of
from system.winlog import WinLogs, WinLogStore


def test_a_cell_has_its_own_store_or_shares_that_of_cell_0() -> None:
    async def look() -> tuple[list[WinLogStore], WinLogStore, WinLogStore, WinLogStore]:
        async with WinLogs({1: "valkey://h:2", 0: "valkey://h:1"}, timeout_s=1.0) as logs:
            assert logs.stream(1, "live", 7, 3).key == "win:{1}:live:7:3"
            return list(logs), logs.of(0), logs.of(1), logs.of(2)

    every, first, second, other = asyncio.run(look())
    assert every == [first, second]
    assert first is not second
    assert other is first


def test_addresses_of_cells_come_from_the_environment() -> None:
    env = {"XIU_VALKEY_URL": "valkey://h:1", "XIU_VALKEY_URL_2": "valkey://h:3"}
    assert valkeys_of(env) == {0: "valkey://h:1", 2: "valkey://h:3"}
    with pytest.raises(SettingsError, match="XIU_VALKEY_URL_2"):
        valkeys_of({**env, "XIU_VALKEY_URL_2": "http://h"})
