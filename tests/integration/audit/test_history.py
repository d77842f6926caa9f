"""The audit with a run's history, on real stores: all twelve of the draw judged, a broken promise found."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from system.audit.close import audit
from system.contract.audit import OF_PLAYS, AuditReport
from system.contract.history import NO_PACKET, OP_DTYPE, Kind, Outcome
from system.ledger.access import Pool
from system.lottery import award
from system.play.suspense.models import GoesTo, Settlement
from system.play.suspense.settling import settle
from tests.support.books import SECRET, Books
from tests.support.closed_books import close_books, credit, findings
from tests.support.op_history import write_history
from tests.support.stores import ValkeyServer

PACKETS = (*range(10), *range(20, 25))
SAMPLES = [{"t_ns": 1, "credited_fen": 0, "awarded_fen": 10, "budget_fen": 20}]


@pytest.fixture
def books(ledger_dsn: str, valkey_server: ValkeyServer) -> Books:
    return Books(ledger_dsn, valkey_server.url)


def history_of(books: Books) -> np.ndarray:
    """What an honest run of the test's round saw: each win once, a too fast tap, a forged token, an unknown round."""
    ops = np.zeros(len(PACKETS) + 3, dtype=OP_DTYPE)
    ops["round"], ops["packet"], ops["http"], ops["outcome"] = 1, NO_PACKET, 429, Outcome.REFUSED
    ops["sent_ns"], ops["done_ns"] = np.arange(len(ops)) * 10 + 10, np.arange(len(ops)) * 10 + 15
    for op, packet in zip(ops, PACKETS, strict=False):
        op["uid"], op["packet"], op["fen"] = 1000 + packet, packet, award(books.rounds[1], packet)[1]
        op["outcome"], op["http"] = Outcome.WIN, 200
    ops["uid"][-3:], ops["kind"][-2], ops["http"][-2], ops["round"][-1] = 1003, Kind.FORGED, 401, 99
    return ops


def judged(books: Books, folder: Path) -> AuditReport:
    return asyncio.run(audit(books.postgres_url, books.valkey_url, SECRET, "live", folder=folder))


def test_an_honest_run_closes_all_twelve(books: Books, tmp_path: Path) -> None:
    close_books(books)
    write_history(tmp_path, history_of(books), SAMPLES)
    report = judged(books, tmp_path)
    assert {finding.code: (finding.valid, finding.first) for finding in report.findings} == {
        f"S{number}": (True, "") for number in range(1, 13)
    } | dict.fromkeys(OF_PLAYS, (None, ""))
    assert all(finding.counted > 0 for finding in report.findings if finding.code not in OF_PLAYS)
    assert report.valid


def test_broken_promises_are_found(books: Books, tmp_path: Path) -> None:
    close_books(books)
    ops = history_of(books)
    ops["packet"][0] = 11  # shown, and never logged
    ops["outcome"][-1], ops["packet"][-1] = Outcome.WIN, 5  # in a round that does not exist
    ops["outcome"][1] = Outcome.REFUSED  # posted, although refused
    write_history(tmp_path, ops, SAMPLES)
    found = findings(judged(books, tmp_path))
    assert found["S4"].first.startswith("award 1-11, user 1000")
    assert found["S4"].violations == 2
    assert found["S6"].first.startswith("posting of award 1-1, user 1001")
    assert found["S9"].first.startswith("posting of award 1-1, user 1001")


def test_a_damaged_history_judges_nothing(books: Books, tmp_path: Path) -> None:
    close_books(books)
    write_history(tmp_path, history_of(books), SAMPLES)
    with (tmp_path / "seg-00-0000.bin").open("r+b") as file:
        file.seek(200)
        file.write(b"\xff")
    report = judged(books, tmp_path)
    assert {finding.code for finding in report.findings if finding.valid == "unknown"} == {
        "S2", "S4", "S6", "S9", "S10", "S11",
    }  # fmt: skip
    assert "sha256 differs" in report.notes[0]
    assert not report.valid


async def in_suspense(books: Books) -> None:
    """User 1011's record says a fen too much: credit holds packet 11's money; the round is closed again."""
    books.sql("UPDATE {}.round SET state = 'armed' WHERE round = 1")
    wrong = books.win(1, 11, 1011)
    await books.append(1, 0, 1, [wrong._replace(fen=wrong.fen + 1)])
    await credit(books)
    books.close_round(1)


@pytest.mark.parametrize(
    ("to", "s4", "settled"),
    [
        pytest.param(None, True, None, id="held in the user's name: acknowledged, and in the ledger"),
        pytest.param("user", True, True, id="settled to the user"),
        pytest.param("sponsor", False, True, id="given back: a win was shown, and its money is gone"),
    ],
)
def test_a_win_shown_whose_money_is_in_suspense(
    books: Books, tmp_path: Path, to: GoesTo | None, s4: bool, settled: bool | None
) -> None:
    close_books(books, in_suspense, close=False)
    ops = history_of(books)
    ops["uid"][0], ops["packet"][0], ops["fen"][0] = 1011, 11, award(books.rounds[1], 11)[1]
    write_history(tmp_path, np.concatenate([ops, pending(1000)]), SAMPLES)
    if to is not None:
        asyncio.run(settle_by_two(books, to))
    found = findings(judged(books, tmp_path))
    assert found["S4"].valid is s4
    assert found["S4"].figure == ("held in suspense 1" if s4 else "")
    assert [found[code].valid for code in ("S1", "S3", "S5", "S6", "S7", "S9", "S10")] == [True] * 7
    assert found["S18"].valid is settled
    if settled:
        assert "settled out of suspense 1" in found["S18"].figure
        # A hand that makes it look as if more had been held: found, and named.
        books.sql("UPDATE {}.suspense SET held_fen = held_fen - 1 WHERE held_fen > 0")
        assert "takes from suspense what is not held there" in findings(judged(books, tmp_path))["S18"].first


@pytest.mark.parametrize("by", ["the draw", "another settlement"])
def test_a_second_win_paid_out_of_suspense(books: Books, tmp_path: Path, by: str) -> None:
    """Whichever way the first one was paid: nobody wins twice in a round."""

    async def two_in_suspense(books: Books) -> None:
        wrong = [books.win(1, packet, 1000 + packet) for packet in (11, 12)]
        await books.append(1, 0, 1, [win._replace(fen=win.fen + 1) for win in wrong])
        await credit(books)
        books.close_round(1)

    close_books(books, two_in_suspense, close=False)
    write_history(tmp_path, pending(1000), SAMPLES)
    asyncio.run(settle_by_two(books, "user", "1-11"))
    asyncio.run(settle_by_two(books, "user", "1-12"))
    assert findings(judged(books, tmp_path))["S18"].valid is True
    # A hand that makes another's win this user's: what is settled is all right by itself.
    if by == "the draw":
        books.sql("UPDATE {}.posting SET uid = 1011 WHERE packet = (SELECT min(packet) FROM {}.posting)")
    else:
        books.sql("UPDATE {}.suspense SET uid = 1011 WHERE packet = 12")
        books.sql("UPDATE {}.leg SET account = 'user:1011' WHERE account = 'user:1012'")
        books.sql(
            "UPDATE {}.holding SET amount = amount + (SELECT sum(amount) FROM {}.holding WHERE account = 'user:1012')"
            " WHERE account = 'user:1011' AND currency = 'fen'"
        )
        books.sql("DELETE FROM {}.holding WHERE account = 'user:1012'")
    found = findings(judged(books, tmp_path))["S18"]
    assert (found.valid, "pays a second win" in found.first) == (False, True), found


def pending(uid: int) -> np.ndarray:
    """A tap of that user that was answered 202."""
    op = np.zeros(1, dtype=OP_DTYPE)
    op["round"], op["uid"], op["packet"], op["http"], op["outcome"] = 1, uid, NO_PACKET, 202, Outcome.PENDING
    op["sent_ns"], op["done_ns"] = 900, 901
    return op


async def settle_by_two(books: Books, to: GoesTo, award: str = "1-11") -> None:
    pool = Pool(books.postgres_url, "xiu_live", SECRET)
    done = await settle(pool, award, Settlement(to=to, by="Ann", approved_by="Bo", why="both looked"))
    assert done.state == "done"
    await pool.close()
