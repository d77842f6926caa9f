"""The doubles: what their mood does to a call, and what the bank's books keep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from harness.doubles.__main__ import moods
from harness.doubles.app import OUTCOMES
from harness.doubles.books import BankBooks
from harness.doubles.mood import Mood, MoodSwings
from harness.errors import BadInput
from system.contract.ids import LANES
from system.contract.parties import DOUBLE_HEADER, LANE_HEADER, PARTIES
from tests.support.doubles import DoubleCaller, doubled

LANE = {LANE_HEADER: "stress"}
ORDER = {"uid": 5, "fen": 40}


def asked(folder: Path, body: Callable[[DoubleCaller], Awaitable[None]], **mood: Any) -> None:
    async def go() -> None:
        async with doubled(folder, **mood) as bank:
            await body(bank)

    asyncio.run(go())


async def put(bank: DoubleCaller, name: str, order: Any = ORDER, lane: Any = LANE) -> tuple[int, Any]:
    async with bank.client.put(f"/bank/v1/payouts/{name}", json=order, headers=lane) as answer:
        assert answer.headers[DOUBLE_HEADER] == "bank", "also an error bears the mark"
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("mood", "status", "state"),
    [
        pytest.param({}, 200, "paid", id="calm: yes"),
        pytest.param({"refusals": 1.0}, 200, "refused", id="no"),
        pytest.param({"processing": 1.0}, 202, "processing", id="not yet"),
        pytest.param({"errors": 1.0}, 500, None, id="an error, and nothing is done"),
        pytest.param({"late": 1.0, "late_ms": 1.0}, 200, "paid", id="late"),
    ],
)
def test_the_mood_decides_what_an_order_meets(
    tmp_path: Path, mood: dict[str, float], status: int, state: str | None
) -> None:
    async def body(bank: DoubleCaller) -> None:
        found, word = await put(bank, "a")
        assert (found, word.get("state")) == (status, state)
        assert (await bank.calls())["stress"] == (1, 40 if state == "paid" else 0)
        await bank.mood()
        assert (await put(bank, "a"))[1]["state"] == (state if state in ("paid", "refused") else "paid")

    asked(tmp_path, body, **mood)


def test_before_anybody_called_each_count_is_0_and_none_is_missing(tmp_path: Path) -> None:
    async def body(bank: DoubleCaller) -> None:
        async with bank.client.get("/metrics") as answer:
            lines = [
                line for line in (await answer.text()).splitlines() if line.startswith("drill_double_calls_total{")
            ]
        assert len(lines) == len(PARTIES) * len(LANES) * len(OUTCOMES)
        assert all(line.endswith("} 0.0") for line in lines)

    asked(tmp_path, body)


def test_an_order_has_one_end_also_after_a_kill_in_the_middle_of_a_line(tmp_path: Path) -> None:
    async def first(bank: DoubleCaller) -> None:
        assert (await put(bank, "a"))[1]["state"] == "paid"
        assert (await put(bank, "a", {"uid": 5, "fen": 41}))[1]["error"]["code"] == "other_order"
        assert (await put(bank, "b", lane={}))[0] == 400, "a call says whose traffic it is for"

    async def again(bank: DoubleCaller) -> None:
        assert (await put(bank, "a"))[1]["state"] == "paid"
        assert (await put(bank, "c"))[1]["state"] == "refused"
        assert (await bank.calls())["stress"][1] == 40

    asked(tmp_path, first)
    with (tmp_path / "bank.jsonl").open("a") as file:
        file.write('{"lane": "stress", "order": {"uid"')
    asked(tmp_path, again, refusals=1.0)
    books = BankBooks(tmp_path)
    found = books.find("c")
    books.close()
    assert found is not None
    assert found.word.state == "refused"


def test_messages_are_counted_and_calls_beyond_the_limit_refused(tmp_path: Path) -> None:
    async def body(sms: DoubleCaller) -> None:
        message = {"uid": 5, "text": "您抢到的红包已到账"}
        seen = []
        for _ in range(40):  # more than a second's worth, in whatever second they fall
            async with sms.client.post("/sms/v1/messages", json=message, headers=LANE) as answer:
                seen.append(answer.status)
        assert {200, 429} == set(seen)
        assert (await sms.calls())["stress"] == (40, 0)

    async def go() -> None:
        async with doubled(tmp_path, "sms", rate_per_s=1) as sms:
            await body(sms)

    asyncio.run(go())


def test_swings_are_seeded_and_keep_to_their_shares() -> None:
    def drawn(seed: int) -> list[float]:
        swings = MoodSwings(Mood(latency_ms=20, spread=0.5), seed, lambda: 0.0)
        return [swings.latency_s() for _ in range(2_000)]

    assert drawn(1) == drawn(1) != drawn(2)
    middle = sorted(drawn(1))[1_000]
    assert 0.018 < middle < 0.022, "the median is what the mood says"
    swings = MoodSwings(Mood(), 1, lambda: 0.0)
    assert 150 < sum(swings.chance(0.1) for _ in range(2_000)) < 250
    assert [swings.chance(0.0), swings.chance(1.0)] == [False, True]


def test_moods_come_from_the_environment() -> None:
    found = moods({"XIU_BANK_MOOD": '{"errors": 0.5}'})
    assert (found["bank"].errors, found["sms"]) == (0.5, Mood())
    with pytest.raises(BadInput, match="XIU_SMS_MOOD: errors"):
        moods({"XIU_SMS_MOOD": '{"errors": 2}'})
