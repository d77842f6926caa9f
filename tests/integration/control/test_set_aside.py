"""`set-aside`: a stream that stopped goes on behind one entry, its money held; nothing else is skipped."""

from __future__ import annotations

import asyncio
from typing import Any

from system.audit.close import audit
from system.settings import ControlSettings
from tests.support.control import BUDGET_FEN, SECRET, Api, balanced, running, sql
from tests.support.played_front import PlayedFront, credit


async def aside(api: Api, number: int, epoch: int, sequence: int) -> tuple[int, Any]:
    body = {"front": 0, "epoch": epoch, "sequence": sequence, "why": "bad disk"}
    return await api.admin("POST", f"/v1/rounds/{number}/set-aside", body)


async def damage(api: Api, number: int, entry: bytes, position: str) -> None:
    """What a broken disk would leave: other bytes under the same id, in place."""
    key = f"win:{{0}}:live:{number}:0"
    await api.control.winlog.of(0).command("XADD", key, position, "e", entry)


def test_a_damaged_entry_is_held_and_the_round_closes(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api, credit(api) as worker:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease()
            await front.append((1, 0))
            # Its checksum is wrong; two records: a free packet, and one that is used already.
            entry = bytearray(front.entry([(2, 1), (3, 0)]))
            entry[-1] ^= 1
            front.sequence += 1
            await damage(api, number, bytes(entry), "1-2")
            await front.append((4, 2))
            assert (await aside(api, number, 1, 2))[0] == 409, "not stopped yet"
            await worker.once()
            assert "damaged" in sql(settings, "SELECT stopped FROM live.stream")[0][0]
            for epoch, sequence in ((1, 1), (1, 3), (2, 1)):
                status, answer = await aside(api, number, epoch, sequence)
                assert (status, answer["error"]["code"]) == (409, "conflict"), "only the entry it stopped at"
            status, moved = await aside(api, number, 1, 2)
            assert (status, moved["found"], moved["records"], moved["held"]) == (200, True, 2, 1)
            ((fen, reason, uid),) = sql(settings, "SELECT held_fen, reason, uid FROM live.suspense")
            assert fen == moved["held_fen"] > 0
            assert "bad disk" in reason
            assert uid == 2
            assert (await aside(api, number, 1, 2))[0] == 409, "once"
            await worker.once()
            assert sql(settings, "SELECT offset_epoch, offset_seq, stopped FROM live.stream") == [(1, 3, None)]
            api.end_window()
            await api.close(number)
            assert await front.confirm() == 200
            await api.closed(number)
            money = await api.money(number)
            assert (money["postings"], money["suspense_fen"]) == (2, fen)
            assert money["credited_fen"] + fen + money["refunded_fen"] == BUDGET_FEN
            balanced(settings, number)

    asyncio.run(body())


def test_a_gap_is_set_aside_entry_by_entry(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api, credit(api) as worker:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease()
            for packet in range(4):
                await front.append((10 + packet, packet))
            key = f"win:{{0}}:live:{number}:0"
            await api.control.winlog.of(0).command("XDEL", key, "1-2", "1-3")
            await worker.once()
            await worker.once()
            assert "gap" in sql(settings, "SELECT stopped FROM live.stream")[0][0]
            status, moved = await aside(api, number, 1, 2)
            assert (status, moved["found"], moved["held_fen"]) == (200, False, 0)
            await worker.once()
            assert (await aside(api, number, 1, 3))[0] == 200
            await worker.once()
            assert sql(settings, "SELECT offset_seq, stopped FROM live.stream") == [(4, None)]
            assert sql(settings, "SELECT uid FROM live.posting ORDER BY uid") == [(10,), (13,)]
            assert (await aside(api, 77, 1, 1))[0] == 404

    asyncio.run(body())


def test_bytes_that_are_no_entry_hold_nothing(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api, credit(api) as worker:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease()
            await damage(api, number, b"?", "1-1")
            await worker.once()
            status, moved = await aside(api, number, 1, 1)
            assert (status, moved["found"], moved["records"], moved["held_fen"]) == (200, True, 0, 0)
            assert sql(settings, "SELECT kind, fen FROM live.batch ORDER BY batch") == [
                ("fund", BUDGET_FEN),
                ("set_aside", 0),
            ]

    asyncio.run(body())


def test_a_packet_outside_of_the_front_s_lease_is_not_held(settings: ControlSettings) -> None:
    async def body() -> None:
        async with running(settings) as api, credit(api) as worker:
            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease()
            entry = bytearray(front.entry([(2, 50)]))
            entry[-1] ^= 1
            await damage(api, number, bytes(entry), "1-1")
            await worker.once()
            assert (await aside(api, number, 1, 1))[1]["held"] == 0
            assert sql(settings, "SELECT count(*) FROM live.suspense") == [(0,)]

    asyncio.run(body())


def test_what_is_held_is_used_and_nobody_else_gets_it(settings: ControlSettings) -> None:
    """The bit is set with the money: a later record of the packet finds it used, whoever it names, and holds nothing.

    The audit, which counts bits against money, agrees before and after; that one packet stands twice in the log, it
    says.
    """

    async def body() -> None:
        async with running(settings) as api, credit(api) as worker:

            async def broken() -> dict[str, str]:
                report = await audit(settings.postgres_url, settings.valkey_url, SECRET, "live")
                return {one.code: one.first for one in report.findings if one.valid is False}

            number = await api.make_round()
            front = await PlayedFront(api, number).start()
            await front.lease()
            await front.append((1, 0))
            entry = bytearray(front.entry([(2, 1)]))
            entry[-1] ^= 1
            front.sequence += 1
            await damage(api, number, bytes(entry), "1-2")
            await worker.once()
            assert (await aside(api, number, 1, 2))[1]["held"] == 1
            ((used,),) = sql(settings, "SELECT used FROM live.lease")
            assert bytes(used)[0] == 0b11
            assert await broken() == {}
            await front.append((5, 1))
            await worker.once()
            rows = sql(settings, "SELECT uid, held_fen > 0 FROM live.suspense WHERE packet = 1 ORDER BY seq")
            assert rows == [(2, True), (5, False)]
            assert sql(settings, "SELECT uid FROM live.posting") == [(1,)]
            assert "S1" not in await broken()

    asyncio.run(body())
