"""One user, however it taps: twice at once, during a pending append, after a restart, after the end. One win, told the
same each time. A front process over HTTP, real control, real credit, both stores.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

from system.contract.history import Outcome
from system.contract.ids import START
from system.front.seam import SettledWin
from system.winlog import WinLogStore, decode
from tests.support.deadline import lasting, until
from tests.support.front_process import Taps, process, started
from tests.support.stage import Stage, stage
from tests.support.stores import ValkeyServer

FIRST, USER, LATE = 1, 2, 3
OTHERS = range(10, 40)
LOST_ONCE = OTHERS[0]
BETWEEN_S = 0.15
"""A user may tap seven times a second."""


def same(body: dict[str, object]) -> dict[str, object]:
    """An answer without whether it is told again."""
    return {key: value for key, value in body.items() if key != "repeat"}


def as_win(body: dict[str, object]) -> SettledWin:
    """What the user was told."""
    return SettledWin(int(str(body["award"]).split("-")[1]), int(str(body["fen"])), int(str(body["sponsor"])), 0)


async def logged(s: Stage) -> dict[int, int]:
    """Packet by user, as the stream has it."""
    async with WinLogStore(s.valkey.url, timeout_s=5.0) as reader:
        entries = await reader.stream(0, "live", s.round_id, 0).read_after(START, 10_000)
    return {win.uid: win.packet for at, raw in entries for win in decode(raw, at).wins()}


def test_however_a_user_taps_it_is_one_win_told_the_same(
    postgres_dsn: str, fresh_valkey: ValkeyServer, tmp_path: Path
) -> None:
    async def attack(s: Stage) -> None:
        env = s.environment(tmp_path)
        async with aiohttp.ClientSession() as session:
            taps = Taps(session, env)

            async def tap(uid: int) -> tuple[int, dict[str, object]]:
                await lasting(BETWEEN_S, "a user's pause")
                return await taps.tap(s.round_id, uid)

            async def pending() -> bool:
                """Both of two taps at once, and neither is told more than the other."""
                await lasting(2 * BETWEEN_S, "a user's pause")
                answers = await asyncio.gather(*(taps.tap(s.round_id, USER) for _ in range(2)))
                assert all(status in (202, 429) or not body["won"] for status, body in answers), answers
                return [status for status, _ in answers] == [202, 202]

            async def over() -> bool:
                return (await tap(LATE))[0] == 410

            async with process(env):
                await started(taps)
                first = await taps.win(s.round_id, FIRST)
                s.valkey.freeze()
                try:
                    await until(pending, "an append on its way")
                    # The gate is shut while it is unanswered; who won before is told so.
                    others = await asyncio.gather(*(taps.tap(s.round_id, uid) for uid in OTHERS))
                    assert {(status, body.get("won")) for status, body in others} == {(200, False)}
                    assert same((await tap(FIRST))[1]) == same(first)
                finally:
                    s.valkey.thaw()
                won = await taps.win(s.round_id, USER)
                assert same((await tap(USER))[1]) == same(won)
                luckier = await taps.win(s.round_id, LOST_ONCE)  # a losing tap is not remembered
            async with process(env):
                await started(taps)
                assert same((await tap(USER))[1]) == same(won), "after a restart"
                await s.end()
                await until(over, "the end")
                assert same((await tap(USER))[1]) == same(won), "after the end"
                await s.close()
        wins = {uid: as_win(body) for uid, body in ((FIRST, first), (USER, won), (LOST_ONCE, luckier))}
        s.told += [(uid, Outcome.WIN, win) for uid, win in wins.items()]
        assert s.posted() == {uid: win.packet for uid, win in wins.items()}
        assert await logged(s) == s.posted(), "the stream is kept behind the close"
        assert await s.broken(tmp_path / "history", whole=False) == {}, "the history has the wins alone"

    stage(postgres_dsn, fresh_valkey, attack)
