"""Five Blessings over HTTP, on a real ledger: drawn, given, asked for, combined, each refusal with its code."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import psycopg
import pytest

from system.contract.errors import Degraded, SeasonEnded
from system.contract.ids import TAG_HEADER
from system.ledger.access import Pool, lane_role
from system.ledger.transfer import Pending, Transfers
from system.lottery.deck import Deck, wrong_cards
from system.play.cards import seasons
from system.play.cards.seasons import shares_of
from system.tokens import sign_tag, tag_key
from tests.support import whole_pot
from tests.support.cards import SEASON, deal, drawn, ended, held, opened, ticket
from tests.support.deadline import until
from tests.support.play import ADMIN, FAR, SECRET, Caller, running, token


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    status, body = answer
    return status, body["error"]["code"]


def test_a_season_is_opened_once_with_its_cards_and_its_pot(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            season = await opened(play)
            assert (season["state"], season["issued"], season["seed"]) == ("open", 0, None)
            assert await opened(play) == season
            assert code(await play.call("/v1/seasons", ADMIN, SEASON | {"pot_fen": 9})) == (409, "season_taken")
            assert code(await play.call("/v1/seasons", ADMIN, SEASON | {"pot_fen": 0})) == (400, "no_budget")
            assert code(await play.call("/v1/seasons", ADMIN, SEASON | {"season": 4})) == (409, "season_unpaid")
            assert code(await play.call("/v1/seasons", token(1), SEASON)) == (401, "bad_token")
            assert code(await play.call("/v1/seasons/4", token(1))) == (404, "unknown_season")
            with psycopg.connect(postgres_dsn) as conn:
                rows = conn.execute("SELECT account, currency, amount FROM live.holding").fetchall()
            cards = {("issue:3", f"card:{kind}", count) for kind, count in enumerate(SEASON["cards"], 1)}
            assert set(rows) == cards | {("pot:3", "fen", 1000)}

    asyncio.run(body())


def test_a_ticket_is_one_card_whatever_key_has_signed_it(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            await opened(play)
            status, card = await play.call("/v1/cards/redeem", token(5), {"ticket": ticket(5)})
            assert (status, card["what"], card["season"], card["again"]) == (200, "ticket", 3, False)
            again = card | {"again": True}
            assert await play.call("/v1/cards/redeem", token(5), {"ticket": ticket(5)}) == (200, again)
            assert await play.call("/v1/cards/redeem", token(5), {"ticket": ticket(5, key_id=2)}) == (200, again)
            assert await held(play, 5) == {card["kind"]: 1}

            for wrong, refused in (
                (ticket(6), (403, "ticket_of_another_user")),
                (ticket(5, lane="stress"), (403, "ticket_of_another_lane")),
                (ticket(5)[:-1] + "g", (403, "ticket_forged")),
                (ticket(5, season=4), (404, "unknown_season")),
            ):
                assert code(await play.call("/v1/cards/redeem", token(5), {"ticket": wrong})) == refused
            # Many at once, one card.
            ends = await asyncio.gather(
                *(play.call("/v1/cards/redeem", token(5), {"ticket": ticket(5, 2)}) for _ in range(8))
            )
            assert {status for status, _ in ends} == {200}
            assert sum((await held(play, 5)).values()) == 2

            await ended(play)
            assert await play.call("/v1/cards/redeem", token(5), {"ticket": ticket(5)}) == (200, again)
            assert code(await play.call("/v1/cards/redeem", token(5), {"ticket": ticket(5, 9)})) == (
                409, "season_ended",
            )  # fmt: skip

    asyncio.run(body())


def test_as_many_cards_as_were_minted_and_each_as_the_seed_says(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            season = await opened(play, cards=[5, 3, 2, 1, 1])
            ends = await asyncio.gather(
                *(play.call("/v1/cards/redeem", token(uid), {"ticket": ticket(uid)}) for uid in range(1, 16))
            )
            assert sorted(status for status, _ in ends) == [200] * 12 + [409] * 3
            assert {code(each)[1] for each in ends if each[0] == 409} == {"no_cards_left"}
            kinds = sorted(answer["kind"] for status, answer in ends if status == 200)
            assert kinds == [1] * 5 + [2] * 3 + [3] * 2 + [4, 5]

            over = await ended(play)
            _, told = await play.call("/v1/seasons/3/cards", token(1))
            deck = Deck(3, tuple(over["cards"]), bytes.fromhex(over["seed"]))
            assert wrong_cards(deck, season["commitment"], enumerate(told["kinds"])) == []
            assert (len(told["kinds"]), told["next"], over["issued"]) == (12, None, 12)

    asyncio.run(body())


async def to_family(play: Caller) -> float:
    """Gifts of the live lane to family, as this process counts them."""
    line = re.compile(r'^hongbao_cards_moved_total\{lane="live",what="gift_family"\} (\S+)$', re.MULTILINE)
    found = line.search((await play.call("/metrics"))[1])
    assert found is not None
    return float(found[1])


def test_a_gift_is_of_a_card_that_is_there_and_to_somebody_else(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            await opened(play)
            kind = await drawn(play, 5)
            order = {"key": "a", "season": 3, "to": 6, "kind": kind, "whom": "family"}
            for wrong, refused in (
                ({"to": 5}, (409, "gift_to_oneself")), ({"kind": kind % 5 + 1}, (409, "card_not_owned")),
                ({"season": 4}, (404, "unknown_season")), ({"kind": 6}, (400, "out_of_range")),
                ({"ask": 99}, (404, "unknown_ask")),
            ):  # fmt: skip
                assert code(await play.call("/v1/cards/gift", token(5), order | wrong)) == refused
            before = await to_family(play)
            status, gift = await play.call("/v1/cards/gift", token(5), order)
            assert (status, gift["what"], gift["kind"], gift["again"]) == (200, "gift", kind, False)
            assert (await play.call("/v1/cards/gift", token(5), order))[1] == gift | {"again": True}
            assert code(await play.call("/v1/cards/gift", token(5), order | {"to": 7})) == (409, "key_reused")
            assert code(await play.call("/v1/cards/gift", token(5), order | {"key": "b"})) == (409, "card_not_owned")
            assert (await held(play, 5), await held(play, 6)) == ({}, {kind: 1})
            assert await to_family(play) == before + 1, "asked again, it counts once"
            await ended(play)
            assert code(await play.call("/v1/cards/gift", token(6), order | {"to": 5})) == (409, "season_ended")
            assert (await play.call("/v1/cards/gift", token(5), order))[1] == gift | {"again": True}

    asyncio.run(body())


def test_a_friend_who_is_asked_may_give_once(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            await opened(play)
            deal(postgres_dsn, 5, kinds=(2, 2, 4))
            asking = {"season": 3, "friend": 5, "kind": 2}
            assert code(await play.call("/v1/cards/ask", token(5), asking)) == (409, "asked_oneself")
            status, ask = await play.call("/v1/cards/ask", token(6), asking)
            assert (status, ask["asker"], ask["asked"], ask["kind"], ask["gift"]) == (200, 6, 5, 2, False)
            assert (await play.call("/v1/cards/ask", token(6), asking))[1] == ask
            assert (await play.call("/v1/cards", token(5)))[1]["asks"] == [ask]
            gift = {"key": "a", "season": 3, "to": 6, "kind": 2, "ask": ask["ask"]}
            assert code(await play.call("/v1/cards/gift", token(7), gift)) == (404, "unknown_ask")
            assert code(await play.call("/v1/cards/gift", token(5), gift | {"kind": 4})) == (409, "ask_mismatch")
            assert (await play.call("/v1/cards/gift", token(5), gift))[0] == 200
            assert (await play.call("/v1/cards/gift", token(5), gift))[1]["again"]
            assert code(await play.call("/v1/cards/gift", token(5), gift | {"key": "b"})) == (409, "ask_answered")
            assert (await play.call("/v1/cards", token(5)))[1]["asks"] == []
            # Asked again after it was fulfilled: another request.
            assert (await play.call("/v1/cards/ask", token(6), asking))[1]["ask"] != ask["ask"]

    asyncio.run(body())


def test_a_new_tie_is_a_card_for_both_once(postgres_dsn: str) -> None:
    """A card that is given makes the tie; what passed is counted once, however often the gift is repeated."""

    async def body() -> None:
        async with running(postgres_dsn) as play:
            await opened(play)
            deal(postgres_dsn, 5, kinds=(2,))
            about = {"season": 3, "friend": 6}
            assert code(await play.call("/v1/cards/tie", token(5), about)) == (409, "no_tie")
            assert code(await play.call("/v1/cards/tie", token(6), about)) == (409, "self_tie")
            gift = {"key": "a", "season": 3, "to": 6, "kind": 2}
            for _ in range(2):
                assert (await play.call("/v1/cards/gift", token(5), gift))[0] == 200
            for uid, friend in ((5, 6), (6, 5)):
                about = {"season": 3, "friend": friend}
                assert (await play.call("/v1/cards", token(uid)))[1]["ties"] == [friend]
                status, card = await play.call("/v1/cards/tie", token(uid), about)
                assert (status, card["what"], card["again"]) == (200, "tie", False)
                assert (await play.call("/v1/cards/tie", token(uid), about))[1] == card | {"again": True}
            with psycopg.connect(postgres_dsn) as conn:
                rows = conn.execute("SELECT key, from_uid, to_uid FROM live.interaction").fetchall()
                assert rows == [("gift:5:a", 5, 6)]
                conn.execute(
                    "INSERT INTO live.tie (lo, hi, made_us, made_by, through, counts, weights)"
                    " SELECT 5, 7, made_us - 60000000, 5, through, counts, weights FROM live.tie"
                )
            old = {"season": 3, "friend": 7}
            assert code(await play.call("/v1/cards/tie", token(5), old)) == (409, "no_tie")
            # An operator's import makes a tie that was there before: nobody did anything for it.
            assert (await play.call("/v1/relations/import", ADMIN, {"pairs": [[5, 8]]}))[1]["made"] == 1
            for uid, friend in ((5, 8), (8, 5)):
                imported = {"season": 3, "friend": friend}
                assert code(await play.call("/v1/cards/tie", token(uid), imported)) == (409, "no_tie")
            # What is offered is what is accepted: not the old tie, nor the imported one, nor one whose card is there.
            assert (await play.call("/v1/cards", token(5)))[1]["ties"] == []

    asyncio.run(body())


def test_ties_are_offered_while_there_are_cards_in_an_open_season(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            await opened(play, cards=[1, 1, 1, 1, 1])
            deal(postgres_dsn, 5, kinds=(1,))
            with psycopg.connect(postgres_dsn) as conn:
                for friend in (6, (1 << 63) - 1):
                    conn.execute(
                        "INSERT INTO live.tie (lo, hi, made_us, made_by, through)"
                        " SELECT 5, %s, created_us + %s %% 10, 5, 1 FROM live.season",
                        (friend, friend),
                    )
            newest_first = [(1 << 63) - 1, 6]
            assert (await play.call("/v1/cards", token(5)))[1]["ties"] == newest_first
            assert (await play.call("/v1/cards", token(newest_first[0])))[1]["ties"] == [5]
            for friend, left in ((newest_first[0], [6]), (6, [])):
                about = {"season": 3, "friend": friend}
                assert (await play.call("/v1/cards/tie", token(5), about))[0] == 200
                assert (await play.call("/v1/cards", token(5)))[1]["ties"] == left
            assert (await play.call("/v1/cards", token(6)))[1]["ties"] == [5]
            await drawn(play, 7)
            await drawn(play, 8)
            assert (await play.call("/v1/cards", token(6)))[1]["ties"] == [5]
            await drawn(play, 9)
            assert (await play.call("/v1/cards", token(6)))[1]["ties"] == [], "the last card is out"

    asyncio.run(body())


def test_five_at_once_or_none_and_once_a_season(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            await opened(play)
            deal(postgres_dsn, 5, kinds=(1, 2, 3, 4))
            order = {"season": 3, "key": "a"}
            assert code(await play.call("/v1/cards/combine", token(5), order)) == (409, "kinds_missing")
            assert await held(play, 5) == {1: 1, 2: 1, 3: 1, 4: 1}
            deal(postgres_dsn, 5, kinds=(5, 1, 2, 3, 4, 5))
            ends = await asyncio.gather(
                *(play.call("/v1/cards/combine", token(5), {"season": 3, "key": f"k{k}"}) for k in range(6))
            )
            assert sorted(status for status, _ in ends) == [200] + [409] * 5
            assert {code(end)[1] for end in ends if end[0] == 409} == {"combined_already"}
            won = next(k for k, (status, _) in enumerate(ends) if status == 200)
            status, again = await play.call("/v1/cards/combine", token(5), {"season": 3, "key": f"k{won}"})
            assert (status, again["again"]) == (200, True)
            _, told = await play.call("/v1/cards", token(5))
            assert (told["cards"], told["blessings"]) == ([1, 1, 1, 1, 1], 1)
            # Nobody takes back what others have built on.
            with psycopg.connect(postgres_dsn) as conn:
                ((number,),) = conn.execute("SELECT transfer FROM live.transfer WHERE kind = 'combine'").fetchall()
            why = {"by": "Li Lei", "approved_by": "Han Meimei", "why": "a mistake"}
            assert code(await play.call(f"/v1/transfers/{number}/reverse", ADMIN, why)) == (409, "final")

    asyncio.run(body())


def test_the_end_comes_though_cards_move_all_the_time(postgres_dsn: str) -> None:
    """Whoever comes after the end has begun to wait does not slip past it."""

    async def body() -> None:
        async with running(postgres_dsn, timeout_s=30.0) as play:
            await opened(play)
            pool = Pool(postgres_dsn, lane_role("live"), SECRET, timeout_s=30.0)

            async def late() -> None:
                async with pool.transaction() as conn:
                    await seasons.hold(conn, "live", 3)

            async with pool.transaction() as conn:
                await seasons.hold(conn, "live", 3)
                ending = asyncio.create_task(ended(play))

                async def the_end_waits() -> bool:
                    return waiting(postgres_dsn) == 1

                await until(the_end_waits, what="the end waits")
                coming = asyncio.create_task(late())

                async def decided() -> bool:
                    return coming.done() or waiting(postgres_dsn) == 2

                await until(decided, what="who comes late waits, or is in")
            # What was in the pot is paid by the next look: the end may be told after that.
            assert (await ending)["state"] in ("ended", "paid")
            with pytest.raises(SeasonEnded):
                await coming
            await pool.close()

    asyncio.run(body())


def waiting(dsn: str) -> int:
    """Sessions that wait for a lock."""
    with psycopg.connect(dsn) as conn:
        text = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ((count,),) = conn.execute(text).fetchall()
        return int(count)


def test_an_order_that_was_carried_out_is_never_called_none(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither when the season cannot be read afterwards, nor while nobody knows."""

    async def silent(*_: Any) -> Any:
        raise Degraded("the ledger does not answer; nothing is lost, ask again")

    async def lost(*_: Any) -> Any:
        raise Pending("season:4")

    async def body() -> None:
        async with running(postgres_dsn) as play:
            orders = (("/v1/seasons", SEASON), ("/v1/seasons/3/end", {"lane": "live"}))
            for path, order in orders:
                with monkeypatch.context() as patch:
                    patch.setattr(seasons, "_views", silent)
                    status, said = await play.call(path, ADMIN, order)
                    assert (status, said["error"]["code"], said["error"]["effect"]) == (503, "store_unknown", "unknown")
                assert (await play.call(path, ADMIN, order))[0] == 200
            monkeypatch.setattr(Transfers, "send", lost)
            status, said = await play.call("/v1/seasons", ADMIN, SEASON | {"season": 4})
            assert (status, said["error"]["effect"]) == (503, "unknown"), said

    asyncio.run(body())


def test_lanes_never_meet(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            await opened(play, lane="stress")
            tag = {TAG_HEADER: sign_tag(tag_key(SECRET), "run", FAR)}
            text = {"ticket": ticket(5, lane="stress")}
            status, card = await play.call("/v1/cards/redeem", token(5, "stress"), text, **tag)
            assert (status, card["what"]) == (200, "ticket")
            assert code(await play.call("/v1/cards/redeem", token(5), text)) == (403, "ticket_of_another_lane")
            assert await held(play, 5) == {}
            with psycopg.connect(postgres_dsn) as conn:
                assert conn.execute("SELECT count(*) FROM live.transfer").fetchall() == [(0,)]

    asyncio.run(body())


USERS_2016, POT_2016_FEN, EACH_2016_FEN = whole_pot.USERS, whole_pot.POT_FEN, whole_pot.EACH_FEN


def test_the_pot_of_2016_to_the_fen() -> None:
    """215 million yuan among 791,405 people: 271.66 yuan each, the press said; 6,917.70 yuan remain."""
    each, rest = shares_of(POT_2016_FEN, USERS_2016)
    assert (each, rest) == (EACH_2016_FEN, whole_pot.REST_FEN) == (27_166, 691_770)
    assert 0 <= rest < USERS_2016
    assert each * USERS_2016 + rest == POT_2016_FEN == 215_000_000_00


def test_all_of_that_pot_is_paid_by_hand_so(postgres_dsn: str) -> None:
    """`python -m tests.support.whole_pot`, for the first 1,100 of them."""
    said = asyncio.run(whole_pot.paid(postgres_dsn, 1_100))
    assert said.startswith("1,100 people, 271.66 yuan each, "), said
    assert " in 3 transfers; " in said, "two batches and the remainder"


def test_a_share_of_that_pot_paid_in_batches(postgres_dsn: str) -> None:
    """2,504 of its people, one in 316: three batches, each a transfer whose legs are copied in."""
    users = USERS_2016 // 316
    pot = POT_2016_FEN * users // USERS_2016

    async def body() -> None:
        async with running(postgres_dsn) as play:
            await opened(play, pot_fen=pot)
            with psycopg.connect(postgres_dsn) as conn:
                conn.execute(
                    "INSERT INTO live.holding SELECT 'user:' || u, 'blessing', 1 FROM generate_series(1, %s) u",
                    (users,),
                )
            over = await ended(play)
            assert (over["blessings"], over["each_fen"]) == (users, EACH_2016_FEN)

            async def paid() -> bool:
                return bool((await play.call("/v1/seasons/3", token(1)))[1]["state"] == "paid")

            await until(paid, what="the pot is paid", timeout_s=90.0)
            with psycopg.connect(postgres_dsn) as conn:
                rows = conn.execute(
                    "SELECT currency, amount, count(*) FROM live.holding WHERE account LIKE 'user:%'"
                    " GROUP BY 1, 2 ORDER BY 1"
                ).fetchall()
                assert rows == [("blessing", 0, users), ("fen", EACH_2016_FEN, users)]
                keys = conn.execute("SELECT key FROM live.transfer WHERE kind = 'pot' ORDER BY key").fetchall()
                assert keys == [(f"pot:3:{batch}",) for batch in range(4)], "three batches and the remainder"

    asyncio.run(body())


@pytest.mark.parametrize(
    ("blessed", "pot_fen", "each", "rounding", "back"),
    [
        pytest.param(3, 1000, 333, 1, 0, id="equal floors, the remainder to rounding"),
        pytest.param(4, 1000, 250, 0, 0, id="no remainder"),
        pytest.param(5, 3, 0, 3, 0, id="more users than fen: nobody gets anything"),
        pytest.param(0, 1000, 0, 0, 1000, id="nobody has combined: the pot goes back"),
    ],
)
def test_the_pot(postgres_dsn: str, blessed: int, pot_fen: int, each: int, rounding: int, back: int) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            await opened(play, pot_fen=pot_fen)
            for uid in range(1, blessed + 1):
                deal(postgres_dsn, uid)
                assert (await play.call("/v1/cards/combine", token(uid), {"season": 3, "key": "a"}))[0] == 200
            over = await ended(play)
            assert (over["blessings"], over["each_fen"], over["state"] != "open") == (blessed, each, True)

            async def paid() -> bool:
                return bool((await play.call("/v1/seasons/3", token(1)))[1]["state"] == "paid")

            await until(paid, what="the pot is paid")
            for uid in range(1, blessed + 1):
                assert (await play.call("/v1/wallet", token(uid)))[1]["balance_fen"] == each
                assert (await play.call("/v1/cards", token(uid)))[1]["blessings"] == 0
            assert (await ended(play))["paid_fen"] == each * blessed
            with psycopg.connect(postgres_dsn) as conn:
                sums = dict(
                    conn.execute(
                        "SELECT account, sum(amount)::bigint FROM live.leg WHERE currency = 'fen' GROUP BY 1"
                    ).fetchall()
                )
            assert sums["pot:3"] == 0
            assert (sums.get("rounding:3", 0), sums["sponsor:7"]) == (rounding, back - pot_fen)
            # Another season may begin.
            assert (await opened(play, season=4))["state"] == "open"

    asyncio.run(body())
