"""Users who come all at once, and clients that ask for ever: each gets his answer, and the others theirs."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.support.deadline import until
from tests.support.fission import broken, code, funded, opened
from tests.support.play import running, token

GREEDY, POLITE = (20, 21), range(1000, 1010)


def test_who_asks_for_ever_takes_nothing_from_the_others_of_his_address(postgres_dsn: str) -> None:
    """Two clients ignore every Retry-After, faster than their address may ask; the neighbours do not notice."""

    async def body() -> None:
        limits = {"user_rate_per_s": 20, "user_burst": 20, "address_rate_per_s": 100, "address_burst": 150}
        async with running(postgres_dsn, **limits) as play:
            await funded(play, postgres_dsn, parts=len(POLITE))
            link = await opened(play)
            refused, stop = Counter[int](), False

            async def for_ever(uid: int) -> None:
                while not stop:
                    sent = {"Authorization": f"Bearer {token(uid)}"}
                    async with play.client.post("/v1/shares/claim", json={"link": "1-0.1.x"}, headers=sent) as answer:
                        if answer.status == 404:
                            continue
                        assert code((answer.status, await answer.json())) == (429, "too_fast")
                        assert int(answer.headers["Retry-After"]) >= 1
                        refused[uid] += 1

            async def past_the_limit() -> bool:
                return all(refused[uid] > limits["address_burst"] for uid in GREEDY)

            greedy = [asyncio.create_task(for_ever(uid)) for uid in GREEDY for _ in range(4)]
            try:
                await until(past_the_limit, what="more requests than the address has tokens", timeout_s=120)
                told = [await play.call("/v1/shares/claim", token(uid), {"link": link}) for uid in POLITE]
            finally:
                stop = True
                await asyncio.gather(*greedy)
            assert [status for status, _ in told] == [200] * len(POLITE)
            assert broken(postgres_dsn) == {}

    asyncio.run(body())
