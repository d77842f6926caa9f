"""Shares over HTTP on a real ledger: paid for, opened once, claimed once, settled; each refusal with its own code."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from system.contract.errors import Degraded
from system.play.fission import figures, shares
from system.play.fission.models import ShareView
from tests.support.deadline import until
from tests.support.fission import (
    FUNDING,
    OWNER,
    broken,
    claim,
    closed_long_ago,
    code,
    execute,
    expire,
    funded,
    opened,
    played,
)
from tests.support.play import ADMIN, Caller, running, token


def over(dsn: str, body: Callable[[Caller], Awaitable[None]]) -> None:
    async def go() -> None:
        async with running(dsn) as play:
            await body(play)

    asyncio.run(go())
    assert broken(dsn) == {}


async def balance(play: Caller, uid: int) -> int:
    return int((await play.call("/v1/wallet", token(uid)))[1]["balance_fen"])


async def view(play: Caller, uid: int, link: str) -> Any:
    status, share = await play.call(f"/v1/shares?link={link}", token(uid))
    assert status == 200, share
    return share


def count(outcome: str) -> float:
    return float(figures.CLAIMS.labels("live", outcome)._value.get())


def test_from_the_winner_to_the_last_friend(postgres_dsn: str) -> None:
    async def body(play: Caller) -> None:
        await funded(play, postgres_dsn)
        claimed, again = count("claimed"), count("again")
        link = await opened(play)
        got: dict[int, int] = {}
        for uid in (11, 12, 13):
            status, part = await claim(play, uid, link)
            assert (status, part["state"], part["again"], part["award"]) == (200, "claimed", False, "1-0")
            assert await balance(play, uid) == part["fen"] >= 1
            got[uid] = part["fen"]
        # Shown again, and nothing moves.
        assert (await claim(play, 11, link))[1] | {"at_us": 0} == {
            "award": "1-0", "state": "claimed", "fen": got[11], "at_us": 0, "again": True,
        }  # fmt: skip
        seen = await view(play, 12, link)
        assert (seen["state"], seen["parts"], seen["claimed"], seen["fen"]) == ("open", 4, 3, 1000)
        assert [line["fen"] for line in seen["claims"]] == [None, got[12], None]
        assert seen["own"]["fen"] == got[12]
        assert (await view(play, OWNER, link))["own"] is None
        status, last = await claim(play, 14, link)
        assert (status, sum(got.values()) + last["fen"]) == (200, 1000)
        seen = await view(play, 99, link)
        assert (seen["state"], sum(line["fen"] for line in seen["claims"])) == ("settled", 1000)
        assert code(await claim(play, 15, link)) == (409, "share_exhausted")
        assert (await claim(play, 11, link))[1]["fen"] == got[11]
        assert (count("claimed") - claimed, count("again") - again) == (4, 2)
        books = (await play.call("/v1/rounds/1/fission", ADMIN))[1]
        assert (books["paid_in_fen"], books["left_fen"], books["shares"]) == (100_000, 99_000, 1)
        assert (books["settled"], books["claims"], books["claimed_fen"]) == (1, 4, 1000)

    over(postgres_dsn, body)


def test_what_nobody_claimed_goes_back(postgres_dsn: str) -> None:
    async def body(play: Caller) -> None:
        await funded(play, postgres_dsn)
        links = [await opened(play, award) for award in ("1-0", "1-1")]
        part = (await claim(play, 11, links[0]))[1]["fen"]
        for award in ("1-0", "1-1"):
            expire(postgres_dsn, award)

        async def back() -> bool:
            return (await play.call("/v1/rounds/1/fission", ADMIN))[1]["settled"] == 2

        assert code(await claim(play, 12, links[0])) == (410, "share_expired")
        await until(back, what="both shares settled")
        assert (await play.call("/v1/rounds/1/fission", ADMIN))[1]["left_fen"] == 100_000 - part
        assert code(await claim(play, 12, links[0])) == (410, "share_expired")
        # Who has something is told so, also now.
        assert (await claim(play, 11, links[0]))[1]["fen"] == part
        assert code(await claim(play, OWNER, links[1])) == (409, "own_share")
        assert (await view(play, 11, links[1]))["state"] == "settled"
        refunds = execute(postgres_dsn, "SELECT request FROM live.transfer WHERE kind = 'refund' ORDER BY key")
        paid = execute(postgres_dsn, "SELECT transfer FROM live.transfer WHERE kind = 'share' ORDER BY key")
        assert [request["of"] for (request,) in refunds] == [number for (number,) in paid]
        # Put back into a share that is settled, the money would stay there for good.
        ((number,),) = execute(postgres_dsn, "SELECT transfer FROM live.transfer WHERE key = 'refund:1-1'")
        two = {"by": "Li Lei", "approved_by": "Han Meimei", "why": "too early"}
        assert code(await play.call(f"/v1/transfers/{number}/reverse", ADMIN, two)) == (409, "final")

    over(postgres_dsn, body)


def test_a_share_is_opened_once(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unseen(*_: object) -> ShareView:
        raise Degraded("the ledger does not answer")

    async def body(play: Caller) -> None:
        await funded(play, postgres_dsn, fen=1000)
        before = figures.SHARES.labels("live", "opened")._value.get()
        with monkeypatch.context() as patched:
            patched.setattr(shares, "_view", unseen)
            assert (await play.call("/v1/shares", token(OWNER), {"award": "1-0"}))[0] == 202, "open, and not shown"
        answers = await asyncio.gather(*(play.call("/v1/shares", token(OWNER), {"award": "1-0"}) for _ in range(8)))
        assert {status for status, _ in answers} == {200}
        assert len({share["link"] for _, share in answers}) == 1
        assert figures.SHARES.labels("live", "opened")._value.get() == before + 1, "counted is what the ledger did"
        assert code(await play.call("/v1/shares", token(OWNER), {"award": "1-1"})) == (409, "fission_spent")
        # A refusal is not remembered.
        assert (await play.call("/v1/rounds/1/fission", ADMIN, FUNDING | {"key": "more"}))[0] == 200
        assert (await play.call("/v1/shares", token(OWNER), {"award": "1-1"}))[0] == 200

    over(postgres_dsn, body)


def test_who_may_open_what(postgres_dsn: str) -> None:
    async def body(play: Caller) -> None:
        played(postgres_dsn)
        assert code(await play.call("/v1/shares", token(OWNER), {"award": "1-0"})) == (409, "fission_not_funded")
        assert (await play.call("/v1/rounds/1/fission", ADMIN, FUNDING))[0] == 200
        wanted = {
            (OWNER, "1-5"): (409, "award_processing"), (OWNER, "1-9"): (404, "no_award"),
            (OWNER, "1-11"): (404, "no_award"), (9, "1-0"): (409, "foreign_award"),
            (6, "1-3"): (409, "award_held"), (OWNER, "7-0"): (404, "unknown_round"),
            (OWNER, "01-0"): (400, "bad_request"), (OWNER, "x"): (400, "bad_request"),
        }  # fmt: skip
        for (uid, award), refusal in wanted.items():
            assert code(await play.call("/v1/shares", token(uid), {"award": award})) == refusal, (uid, award)
        assert execute(postgres_dsn, "SELECT count(*) FROM live.share") == [(0,)]

    over(postgres_dsn, body)


def test_who_may_pay_for_what(postgres_dsn: str) -> None:
    async def body(play: Caller) -> None:
        played(postgres_dsn)
        path = "/v1/rounds/1/fission"
        assert code(await play.call(path, ADMIN)) == (409, "fission_not_funded")
        assert code(await play.call(path, token(OWNER), FUNDING)) == (401, "bad_token")
        assert code(await play.call("/v1/rounds/9/fission", ADMIN, FUNDING)) == (404, "unknown_round")
        wanted = {
            (400, "no_budget"): {"fen": 0}, (409, "not_a_sponsor"): {"sponsor": 8},
            (409, "share_too_small"): {"share_fen": 3}, (404, "unknown_round"): {"lane": "stress"},
        }  # fmt: skip
        for refusal, other in wanted.items():
            assert code(await play.call(path, ADMIN, FUNDING | other)) == refusal
        first = {"round": 1, "key": "first", "state": "done", "fen": 100_000, "again": False, "reversed": False}
        assert await play.call(path, ADMIN, FUNDING) == (200, first)
        assert await play.call(path, ADMIN, FUNDING) == (200, first | {"again": True})
        assert code(await play.call(path, ADMIN, FUNDING | {"fen": 5})) == (409, "key_reused")
        assert code(await play.call(path, ADMIN, FUNDING | {"key": "b", "parts": 5})) == (409, "terms_differ")
        assert (await play.call(path, ADMIN, FUNDING | {"key": "b"}))[0] == 200
        assert (await play.call(path, ADMIN))[1]["paid_in_fen"] == 200_000
        # What was paid in and taken back is not paid in: the books close.
        ((number,),) = execute(postgres_dsn, "SELECT max(transfer) FROM live.transfer WHERE kind = 'fission'")
        two = {"by": "Li Lei", "approved_by": "Han Meimei", "why": "paid twice"}
        assert (await play.call(f"/v1/transfers/{number}/reverse", ADMIN, two))[0] == 200
        books = (await play.call(path, ADMIN))[1]
        assert (books["paid_in_fen"], books["left_fen"], books["returned_fen"]) == (100_000, 100_000, 0)
        taken_back = (await play.call(path, ADMIN, FUNDING | {"key": "b"}))[1]
        assert (taken_back["state"], taken_back["again"], taken_back["reversed"]) == ("done", True, True)

    over(postgres_dsn, body)


def test_who_may_claim_what(postgres_dsn: str) -> None:
    async def body(play: Caller) -> None:
        await funded(play, postgres_dsn)
        link = await opened(play)
        forged = count("no_such_link")
        assert code(await claim(play, OWNER, link)) == (409, "own_share")
        assert code(await claim(play, 11, link[:-1] + ("0" if link[-1] != "0" else "1"))) == (404, "no_such_link")
        assert code(await claim(play, 11, "hello")) == (404, "no_such_link")
        assert code(await claim(play, 361, link)) == (403, "no_real_name")
        assert code(await play.call("/v1/shares?link=hello", token(11))) == (404, "no_such_link")
        assert code(await play.call("/v1/shares/claim", "", {"link": link})) == (401, "bad_token")
        assert code(await play.call("/v1/shares/claim", token(11), {})) == (400, "bad_request")
        assert count("no_such_link") - forged == 2
        assert execute(postgres_dsn, "SELECT count(*) FROM live.claim") == [(0,)]

    over(postgres_dsn, body)


def test_an_operator_takes_a_share_back(postgres_dsn: str) -> None:
    """Its money is gone: nobody claims, and nothing is left to pay back."""

    async def body(play: Caller) -> None:
        await funded(play, postgres_dsn)
        link = await opened(play)
        ((number,),) = execute(postgres_dsn, "SELECT transfer FROM live.transfer WHERE kind = 'share'")
        two = {"by": "Li Lei", "approved_by": "Han Meimei", "why": "shared by mistake"}
        assert (await play.call(f"/v1/transfers/{number}/reverse", ADMIN, two))[0] == 200
        assert code(await claim(play, 11, link)) == (409, "share_reversed")
        assert code(await claim(play, OWNER, link)) == (409, "own_share")
        shared = await play.call("/v1/shares", token(OWNER), {"award": "1-0"})
        assert (shared[0], shared[1]["state"], (await view(play, 11, link))["state"]) == (200, "reversed", "reversed")
        expire(postgres_dsn, "1-0")

        async def settled() -> bool:
            return execute(postgres_dsn, "SELECT settled_us IS NOT NULL FROM live.share") == [(True,)]

        await until(settled, what="the share settled")
        assert (await view(play, 11, link))["state"] == "reversed"
        assert code(await claim(play, 12, link)) == (409, "share_reversed")
        books = (await play.call("/v1/rounds/1/fission", ADMIN))[1]
        assert (books["left_fen"], books["shares"], books["settled"], books["reversed"]) == (100_000, 1, 1, 1)

    over(postgres_dsn, body)


def test_what_an_operator_cannot_take_back(postgres_dsn: str) -> None:
    """A part that its user is told of for ever, money of a share or of a budget that is over."""

    async def body(play: Caller) -> None:
        await funded(play, postgres_dsn, open_s=1)
        links = [await opened(play, award) for award in ("1-0", "1-1")]
        for uid in (11, 12, 13, 14):
            assert (await claim(play, uid, links[0]))[0] == 200
        assert (await claim(play, 11, links[1]))[0] == 200
        expire(postgres_dsn, "1-1")
        closed_long_ago(postgres_dsn, 1)

        async def returned() -> bool:
            return bool(execute(postgres_dsn, "SELECT 1 FROM live.transfer WHERE kind = 'return'"))

        await until(returned, what="what is left returned")
        before = execute(postgres_dsn, "SELECT count(*) FROM live.transfer")
        two = {"by": "Li Lei", "approved_by": "Han Meimei", "why": "a mistake"}
        rows = execute(
            postgres_dsn, "SELECT kind, transfer FROM live.transfer WHERE kind IN ('claim', 'refund', 'return')"
        )
        assert {kind for kind, _ in rows} == {"claim", "refund", "return"}
        for kind, number in rows:
            assert code(await play.call(f"/v1/transfers/{number}/reverse", ADMIN, two)) == (409, "final"), kind
        assert execute(postgres_dsn, "SELECT count(*) FROM live.transfer") == before
        assert code(await play.call("/v1/shares", token(OWNER), {"award": "1-2"})) == (409, "fission_over")
        assert (await claim(play, 11, links[0]))[1]["again"]

    over(postgres_dsn, body)
