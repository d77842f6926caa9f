"""Money in suspense over HTTP, and by `xiu round`, on a real ledger: settled once, after the close, by two people."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from harness.control_client import ControlError
from harness.errors import BadInput
from tests.support.play import ADMIN, Caller, fill, running, token
from xiu.cli import dispatch
from xiu.commands import _stacks

TWO = {"by": "Ann", "approved_by": "Bo", "why": "his tap is in the history"}


def hold(dsn: str, *rows: tuple[int, int, int]) -> None:
    """(packet, uid, fen) held in round 1, closed, beside user 6's packet 3 of 40 fen."""
    fill(dsn)
    with psycopg.connect(dsn) as conn:
        for packet, uid, fen in rows:
            values = "(2, 1, 0, 1, 2, 0, %s, %s, %s, 7, 400, %s, 7, 'why')"
            conn.execute(f"INSERT INTO live.suspense VALUES {values}", (packet, uid, fen, fen))
        conn.execute("UPDATE live.round SET state = 'closed'")


async def settle(play: Caller, award: str, **order: Any) -> tuple[int, Any]:
    """(status, the transfer, or the refusal's code)."""
    status, answer = await play.call(f"/v1/suspense/{award}/settle", ADMIN, TWO | {"to": "user"} | order)
    return status, answer["error"]["code"] if "error" in answer else answer


async def award_of(play: Caller, uid: int, award: str) -> tuple[str, int | None, int]:
    wallet = (await play.call(f"/v1/wallet?award={award}", token(uid)))[1]
    return wallet["award"]["state"], wallet["award"]["fen"], wallet["balance_fen"]


def test_what_is_held_goes_to_the_user_once(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            hold(postgres_dsn)
            assert await award_of(play, 6, "1-3") == ("held", None, 0)
            status, done = await settle(play, "1-3")
            assert (status, done["state"], done["key"], done["again"]) == (200, "done", "settle:1-3", False)
            assert {leg["account"]: leg["amount"] for leg in done["legs"]} == {"suspense:1": -40, "user:6": 40}
            assert await settle(play, "1-3") == (200, done | {"again": True})
            assert await award_of(play, 6, "1-3") == ("credited", 40, 40)
            for other in ({"to": "sponsor"}, {"by": "Cy"}, {"why": "another reason"}):
                assert await settle(play, "1-3", **other) == (409, "already_settled"), other
            undo = TWO | {"lane": "live"}
            status, answer = await play.call(f"/v1/transfers/{done['transfer']}/reverse", ADMIN, undo)
            assert (status, answer["error"]["code"]) == (409, "final")
            (line,) = (await play.call("/v1/wallet/statement", token(6)))[1]["lines"]
            assert (line["kind"], line["fen"], line["transfer"]) == ("settle", 40, done["transfer"])

    asyncio.run(body())


def test_what_is_held_goes_back_to_its_sponsor(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            hold(postgres_dsn)
            status, done = await settle(play, "1-3", to="sponsor")
            assert status == 200
            assert {leg["account"]: leg["amount"] for leg in done["legs"]} == {"suspense:1": -40, "sponsor:7": 40}
            assert await award_of(play, 6, "1-3") == ("not_awarded", None, 0)
            _, told = await play.call("/v1/sponsors/7/statement", ADMIN)
            assert (told["lines"][0]["kind"], told["lines"][0]["fen"]) == ("settle", 40)

    asyncio.run(body())


def test_refusals(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            hold(postgres_dsn, (4, 5, 10), (5, -1, 20))
            for award, order, refused in (
                ("1-3", {"approved_by": " ann"}, (409, "one_person")),
                ("1-3", {"to": "nobody"}, (400, "bad_request")),
                ("1-4", {}, (409, "other_win")),
                ("1-5", {}, (409, "nobodys_record")),
                ("1-6", {}, (404, "not_found")),
                ("99-1", {}, (404, "unknown_round")),
            ):
                assert await settle(play, award, **order) == refused, award
            with psycopg.connect(postgres_dsn) as conn:
                conn.execute("UPDATE live.round SET state = 'closing' WHERE round = 1")
            for to in ("user", "sponsor"):
                assert await settle(play, "1-3", to=to) == (409, "round_not_closed")
            status, answer = await play.call("/v1/suspense/1-3/settle", token(6), TWO | {"to": "user"})
            assert (status, answer["error"]["code"]) == (401, "bad_token"), "users settle nothing"
            with psycopg.connect(postgres_dsn) as conn:
                assert conn.execute("SELECT count(*) FROM live.transfer").fetchone() == (0,)
                conn.execute("UPDATE live.round SET state = 'closed' WHERE round = 1")
            # What cannot be paid can go back.
            assert [(await settle(play, award, to="sponsor"))[0] for award in ("1-4", "1-5")] == [200, 200]

    asyncio.run(body())


def test_of_two_wins_held_in_one_name_one_is_paid(postgres_dsn: str) -> None:
    async def body() -> None:
        async with running(postgres_dsn) as play:
            hold(postgres_dsn, (4, 6, 10), (5, 6, 20))
            # All at once, again and again: who comes second sees what the first has paid.
            awards = ("1-3", "1-4", "1-5")
            done = await asyncio.gather(*(settle(play, award) for award in awards * 3))
            paid = {award for award, (status, _) in zip(awards * 3, done, strict=True) if status == 200}
            assert len(paid) == 1, done
            assert {word for status, word in done if status != 200} == {"other_win"}
            assert sum([(await settle(play, award))[0] == 200 for award in awards]) == 1
            back = [(await settle(play, award, to="sponsor"))[0] for award in awards if award not in paid]
            assert back == [200, 200]

    asyncio.run(body())


def test_by_command(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def said(*words: str) -> str:
        assert await asyncio.to_thread(dispatch, ["round", *words]) == 0
        return capsys.readouterr().out

    async def body() -> None:
        async with running(postgres_dsn) as play:
            hold(postgres_dsn, (4, 5, 10), (5, -1, 20))
            url = str(play.client.make_url("")).rstrip("/")
            stack = SimpleNamespace(addresses=SimpleNamespace(control_url=url, play_url=url), admin_token=ADMIN)
            monkeypatch.setattr(_stacks, "need", lambda args: stack)
            names = ("--by", "Ann", "--approved-by", "Bo", "--why", "in the history")
            text = await said("settle", "1-3", "--to", "user", *names)
            assert text.startswith("award 1-3: 0.40 yuan to user:6, transfer ")
            assert (await said("settle", "1-3", "--to", "user", *names)).rstrip().endswith(", as it was before")
            lines = (await said("suspense", "1")).splitlines()
            assert [line.split()[0] for line in lines[::2]] == ["1-3", "1-4", "1-5"]
            assert lines[0].endswith("of sponsor 7  settled: to its user")
            assert lines[4].split()[1:3] == ["no", "user"]
            assert lines[5].strip() == "entry 1-2 of front 0: why"
            assert await said("suspense", "2") == "round 2: nothing is held in suspense\n"
            page = (await play.call("/v1/rounds/1/suspense?limit=2", ADMIN))[1]
            assert ([one["award"] for one in page["held"]], page["next"]) == (["1-3", "1-4"], 4)
            page = (await play.call("/v1/rounds/1/suspense?limit=2&after=4", ADMIN))[1]
            assert ([one["award"] for one in page["held"]], page["next"]) == (["1-5"], None)
            with pytest.raises(BadInput, match="such as 3-77"):
                await said("settle", "77", "--to", "user", *names)
            with pytest.raises(ControlError, match="nothing is held for award 1-9") as refused:
                await said("settle", "1-9", "--to", "user", *names)
            assert refused.value.exit_code == 2
            with pytest.raises(ControlError, match="no round 99"):
                await said("suspense", "99")

    asyncio.run(body())
