"""The relation chain over HTTP on a real ledger: making friends, the strongest, a score and what it is made of."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from system.contract.ids import INT8_MAX
from system.play.ties import reading
from tests.support.play import ADMIN, Caller, running, token

DAY_US = 86_400_000_000


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    status, body = answer
    return status, body["error"]["code"]


async def friends(play: Caller, uid: int, *others: int) -> None:
    """Each asks the other: a tie."""
    for other in others:
        assert (await play.call("/v1/friends", token(uid), {"friend": other}))[1]["state"] in ("asked", "tied")
        assert (await play.call("/v1/friends", token(other), {"friend": uid}))[1]["state"] == "tied"


def test_two_who_ask_each_other_have_a_tie(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            ask = "/v1/friends"
            for _ in range(2):
                assert await play.call(ask, token(5), {"friend": 3}) == (200, {"friend": 3, "state": "asked"})
            waiting = (await play.call("/v1/friends/requests", token(3)))[1]["askings"]
            assert [each["uid"] for each in waiting] == [5]
            for _ in range(2):
                assert await play.call(ask, token(3), {"friend": 5}) == (200, {"friend": 5, "state": "tied"})
            assert (await play.call("/v1/friends/requests", token(3)))[1]["askings"] == []
            (mine,) = (await play.call(ask, token(3)))[1]["friends"]
            assert (mine["friend"], mine["made_by_me"], mine["through"], mine["book"]) == (5, False, "contact", 2)
            (theirs,) = (await play.call(ask, token(5)))[1]["friends"]
            assert theirs == mine | {"friend": 3, "made_by_me": True}
            # The other lane knows nothing of it.
            with psycopg.connect(postgres_dsn) as conn:
                assert conn.execute("SELECT key, kind, from_uid, to_uid FROM live.interaction").fetchall() == [
                    ("contact:3:5", 1, 5, 3)
                ]
                assert conn.execute("SELECT count(*) FROM stress.tie").fetchall() == [(0,)]
            for wrong, said in (
                ({"friend": 5}, (409, "self_tie")), ({"friend": -1}, (400, "out_of_range")), ({}, (400, "bad_request")),
            ):  # fmt: skip
                assert code(await play.call(ask, token(5), wrong)) == said
            assert code(await play.call(ask, token(5), {"friend": INT8_MAX + 1})) == (400, "out_of_range")
            assert code(await play.call("/v1/relations?friend=5", token(5))) == (409, "self_tie")
            assert code(await play.call("/v1/relations?friend=4", token(5))) == (404, "no_tie")
            assert code(await play.call("/v1/relations?friend=4&top=3", token(5))) == (409, "top_beside_friend")
            assert code(await play.call(f"/v1/relations?friend={INT8_MAX + 1}", token(5))) == (400, "out_of_range")
            for query, said in (
                ("friends?after=x", "bad_request"), ("relations?explain=2", "out_of_range"),
                ("relations?top=0", "out_of_range"), ("relations?top=51", "out_of_range"),
            ):  # fmt: skip
                assert code(await play.call(f"/v1/{query}", token(5))) == (400, said)

    asyncio.run(body())


def test_two_who_ask_at_the_same_moment_have_one_tie(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            couples = [(a, b) for a in range(1, 4) for b in range(1, 4) if a != b]
            asked = [play.call("/v1/friends", token(a), {"friend": b}) for a, b in couples * 2]
            assert {answer[0] for answer in await asyncio.gather(*asked)} == {200}
            with psycopg.connect(postgres_dsn) as conn:
                found = conn.execute(
                    "SELECT lo, hi, counts[1] + counts[6], book FROM live.tie ORDER BY 1, 2"
                ).fetchall()
            assert found == [(1, 2, 1, 3), (1, 3, 1, 3), (2, 3, 1, 3)]

    asyncio.run(body())


def test_the_strongest_first_and_every_score_is_the_sum_of_its_terms(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            await friends(play, 1, 2, 3, 4)
            await friends(play, 2, 3)
            await friends(play, 3, 4)
            with psycopg.connect(postgres_dsn) as conn:
                # 3 has much to do with 1, in both directions, and two friends in common.
                conn.execute(
                    "UPDATE live.tie SET weights = ARRAY(SELECT w * 50 + 2 FROM unnest(weights) w) WHERE hi = 3"
                )
            # A score decays: what is compared is read at one moment.
            now_ns = time.time_ns()
            monkeypatch.setattr(reading, "time", SimpleNamespace(time_ns=lambda: now_ns))
            status, best = await play.call("/v1/relations?explain=1", token(1))
            assert (status, best["looked_at"], best["weights"]) == (200, 3, 1)
            assert best["relations"][0]["friend"] == 3
            scores = [each["score"] for each in best["relations"]]
            assert scores == sorted(scores, reverse=True)
            assert 10_000 > scores[0] > scores[1] > 0
            for each in best["relations"]:
                assert sum(term["adds"] for term in each["terms"]) == each["score"]
                assert {term["term"] for term in each["terms"]} >= {"base", "contact", "claim", "reciprocity", "mutual"}
            values = {term["term"]: term["value"] for term in best["relations"][0]["terms"]}
            assert values["book"] == 2
            status, one = await play.call("/v1/relations?friend=3", token(1))
            assert one["relations"][0] | {"terms": None} == best["relations"][0] | {"terms": None}
            status, first = await play.call("/v1/relations?top=1", token(1))
            assert [(each["friend"], each["terms"]) for each in first["relations"]] == [(3, None)]
            assert (await play.call("/v1/relations", token(99)))[1]["relations"] == []

    asyncio.run(body())


def test_an_import_makes_each_tie_once_and_growth_says_by_what(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            path, pairs = "/v1/relations/import", [[9, 2], [2, 9], [2, 9], [3, 2], [1, 2]]
            await friends(play, 1, 2)
            began_us = (await play.call("/v1/friends", token(1)))[1]["friends"][0]["made_us"]
            with monkeypatch.context() as patch:
                patch.setattr(time, "time_ns", lambda: 1)  # play's clock says nothing of when a tie was made
                got = await play.call(path, ADMIN, {"pairs": pairs})
                assert got == (200, {"lane": "live", "pairs": 5, "made": 2})
            assert (await play.call("/v1/friends", token(9)))[1]["friends"][0]["made_us"] >= began_us
            assert (await play.call(path, ADMIN, {"pairs": pairs}))[1]["made"] == 0
            page = (await play.call("/v1/friends?limit=2", token(2)))[1]
            rest = (await play.call(f"/v1/friends?after={page['next']}", token(2)))[1]
            found = [*page["friends"], *rest["friends"]]
            assert [(one["friend"], one["book"], one["through"]) for one in found] == [
                (1, 2, "contact"), (3, 1, "import"), (9, 2, "import"),
            ]  # fmt: skip
            grown = (await play.call("/v1/relations/growth", ADMIN))[1]
            lines = [{"through": "import", "ties": 2}, {"through": "contact", "ties": 1}]
            assert (grown["ties"], grown["lines"], grown["forecast"]) == (3, lines, None)
            with psycopg.connect(postgres_dsn) as conn:
                for name, loaded_us, ties in (("gala", 2, '{"expected": 2, "gained": 11}'), ("hours", 3, "null")):
                    conn.execute(
                        "INSERT INTO live.programme VALUES (%s, %s, %s)", (name, f'{{"ties": {ties}}}', loaded_us)
                    )
            # More than expected and less than in 2016: each figure is its own.
            grown = (await play.call("/v1/relations/growth", ADMIN))[1]
            assert (grown["ties"], grown["forecast"]) == (3, {"programme": "gala", "expected": 2, "gained_2016": 11})
            other = (await play.call("/v1/relations/growth?lane=stress", ADMIN))[1]
            assert (other["ties"], other["forecast"]) == (0, None)
            assert code(await play.call(path, ADMIN, {"pairs": [[1, 2], [4, 4]]})) == (409, "self_tie")
            assert code(await play.call(path, ADMIN, {"pairs": [[1, -2]]})) == (400, "out_of_range")
            assert code(await play.call(path, token(1), {"pairs": pairs})) == (401, "bad_token")
            assert (await play.call(path, ADMIN, {"lane": "stress", "pairs": [[1, 2]]}))[1]["made"] == 1

    asyncio.run(body())
