"""The audit on real stores: sound books close; whatever a hand changed is found, and named."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from system.audit.close import audit
from system.contract.audit import AuditReport
from system.contract.ids import Position
from system.contract.records import WIN_DTYPE
from system.lottery import award
from system.winlog import Win
from tests.support.books import SECRET, START_US, Books
from tests.support.closed_books import Hand, close_books, credit, findings
from tests.support.stores import ValkeyServer

STORE_CODES = ("S1", "S3", "S5", "S7", "S8", "S12")


@pytest.fixture
def books(ledger_dsn: str, valkey_server: ValkeyServer) -> Books:
    return Books(ledger_dsn, valkey_server.url)


@pytest.mark.parametrize("lane", ["live", "stress"])
@pytest.mark.parametrize("close", [True, False], ids=["closed", "open"])
def test_sound_books_close(books: Books, close: bool, lane: str) -> None:
    books.lane = lane  # type: ignore[assignment]
    report = close_books(books, close=close)
    found = findings(report)
    assert {code: (found[code].valid, found[code].first) for code in STORE_CODES} == dict.fromkeys(
        STORE_CODES, (True, "")
    )
    assert all(found[code].counted > 0 for code in STORE_CODES)
    assert all(found[code].valid is None for code in found if code not in STORE_CODES)
    assert report.valid
    (round_,) = report.rounds
    assert (round_.wins_logged, round_.wins_posted, round_.wins_suspended, round_.residue_fen) == (15, 15, 0, 0)
    assert round_.credited_fen == round_.awarded_fen
    assert round_.refunded_fen == (round_.budget_fen - round_.credited_fen if close else 0)


def test_awarded_and_not_yet_credited_is_a_place_for_money(books: Books) -> None:
    async def hand(books: Books) -> None:
        await books.append(1, 0, 1, [books.win(1, 15, 1015)])

    report = close_books(books, hand, close=False)
    assert report.valid
    assert f"awarded not credited {award(books.rounds[1], 15)[1]}" in findings(report)["S1"].figure


async def remove_entry(books: Books) -> None:
    await books.store.command("XDEL", books.log(1, 0).key, "1-3")


async def remove_last_entry(books: Books) -> None:
    await books.store.command("XDEL", books.log(1, 0).key, "1-5")


async def remove_everything(books: Books) -> None:
    await books.store.command("DEL", books.log(1, 0).key)


async def one_record_out_of_an_entry(books: Books) -> None:
    """Rewrites the stream with the second record of entry 1-2 taken out, checksum and all."""
    log = books.log(1, 0)
    stored = await log.read_after(Position(0, 0), 100)
    await books.store.command("DEL", log.key)
    books.sequences[1, 0, 1] = 1
    for at, entry in stored:
        if at == Position(1, 2):
            entry = books.entry(1, 0, 1, [books.win(1, 2, 1002)]).entry
        await books.plant(1, 0, at, entry)


async def damage_entry(books: Books) -> None:
    log = books.log(1, 0)
    stored = await log.read_after(Position(0, 0), 100)
    await books.store.command("DEL", log.key)
    for at, entry in stored:
        await books.plant(1, 0, at, entry[:-1] + b"\xff" if at == Position(1, 2) else entry)


async def append_after_the_close(books: Books) -> None:
    await books.append(1, 0, 1, [books.win(1, 11, 1011)])


def forge_refund(books: Books) -> None:
    ((batch,),) = books.sql("INSERT INTO {}.batch (kind, round, committed_us) VALUES ('refund', 1, 0) RETURNING batch")
    books.sql("INSERT INTO {}.entry VALUES (%s, 'sponsor:7', 500), (%s, 'budget:1:7', -500)", batch, batch)


def other_sponsor(books: Books) -> None:
    books.sql("UPDATE {}.posting SET sponsor = 16 - sponsor WHERE uid = 1003")


def sql(*statements: str) -> Hand:
    def hand(books: Books) -> None:
        for statement in statements:
            books.sql(statement)

    return hand


async def two_users_one_packet(books: Books) -> None:
    """Not a hand in the ledger but a broken front: the same packet and the same user twice, in an open round."""
    await books.append(1, 0, 1, [books.win(1, 12, 1000), books.win(1, 13, 1013, START_US - 1)])
    await credit(books)


TAMPERING = [
    pytest.param(
        sql("UPDATE {}.posting SET fen = fen + 1 WHERE uid = 1007"),
        "S7",
        r"posting of award 1-7, user 1007: {more} fen posted, {fen} by the lottery",
        1,
        id="one fen more",
    ),
    pytest.param(
        sql("UPDATE {}.posting SET fen = fen + 1 WHERE uid = 1007"),
        "S1",
        "does not balance: 1 fen over",
        1,
        id="one fen more: the batch does not balance",
    ),
    pytest.param(
        sql("UPDATE {}.posting SET uid = 4711 WHERE uid = 1007"),
        "S5",
        "award 1-7, user 1007, {fen} fen: logged in entry 1-4 of front 0, not posted",
        None,
        id="a posting moved to another user",
    ),
    pytest.param(
        sql("DELETE FROM {}.posting WHERE uid = 1007"),
        "S5",
        "award 1-7, user 1007, {fen} fen: logged in",
        None,
        id="a posting removed",
    ),
    pytest.param(
        sql("INSERT INTO {}.posting SELECT * FROM {}.posting WHERE uid = 1007"),
        "S5",
        "award 1-7, user 1007: posted 2 times",
        None,
        id="a posting doubled",
    ),
    pytest.param(
        sql("INSERT INTO {}.posting SELECT * FROM {}.posting WHERE uid = 1007"),
        "S1",
        "does not balance",
        None,
        id="a posting doubled: the batch does not balance",
    ),
    pytest.param(other_sponsor, "S7", "posting of award 1-3, user 1003", None, id="another sponsor pays"),
    pytest.param(
        sql("UPDATE {}.posting SET packet = 11 WHERE uid = 1007"),
        "S1",
        "packet 1-11 of user 1007 was posted",
        None,
        id="a posting on another packet",
    ),
    pytest.param(
        sql("UPDATE {}.lease SET used = set_bit(used, 7, 0) WHERE front = 0"),
        "S1",
        "packet 1-7 of user 1007 was posted or held, but its bit is not set",
        None,
        id="a bit cleared",
    ),
    pytest.param(
        sql("UPDATE {}.lease SET used = set_bit(used, 19, 1) WHERE front = 0"),
        "S1",
        "packet 1-19 has its bit set, but was neither posted nor held",
        None,
        id="a bit set",
    ),
    pytest.param(forge_refund, "S1", "round 1, sponsor 7: budget 9000 fen, but", 500, id="a forged refund"),
    pytest.param(
        sql("UPDATE {}.entry SET fen = fen - 3 WHERE account = 'sponsor:9' AND fen > 0"),
        "S1",
        "refund batch",
        3,
        id="a refund three fen short",
    ),
    pytest.param(
        sql("UPDATE {}.entry SET account = 'budget:1:9' WHERE account = 'budget:1:7' AND batch = 2"),
        "S1",
        "budget:1:7 was debited",
        None,
        id="a debit on the wrong sponsor",
    ),
    pytest.param(
        sql("UPDATE {}.round SET end_us = start_us + 1000"), "S8", "posting of award 1-", None, id="a window moved"
    ),
    pytest.param(
        sql("UPDATE {}.posting SET award_us = 1 WHERE uid = 1007"),
        "S8",
        "posting of award 1-7, user 1007: 1699999999999999 µs before the start",
        None,
        id="an award before the start",
    ),
    pytest.param(
        sql("UPDATE {}.lease SET lo = 18 WHERE front = 1"),
        "S12",
        "packets 18 to 39 of lease 1/1 of front 1",
        None,
        id="leases overlap",
    ),
    pytest.param(
        sql("UPDATE {}.lease SET front = 1, number = 2 WHERE front = 0"),
        "S12",
        "posting of award 1-0, user 1000: front 0 was never granted",
        None,
        id="a lease of another front",
    ),
    pytest.param(
        remove_entry,
        "S5",
        "award 1-4, user 1004, {fen4} fen: posted, not in the win log: entry 1-3 is missing",
        None,
        id="an entry removed from the stream",
    ),
    pytest.param(remove_last_entry, "S5", "award 1-8, user 1008, ", None, id="the last entry removed"),
    pytest.param(remove_everything, "S5", "award 1-0, user 1000, ", None, id="a whole stream removed"),
    pytest.param(
        one_record_out_of_an_entry,
        "S5",
        "award 1-3, user 1003, {fen3} fen: posted, not in the win log",
        None,
        id="one record removed, checksum and all",
    ),
    pytest.param(damage_entry, "S5", "award 1-2, user 1002", None, id="an entry damaged after credit"),
    pytest.param(append_after_the_close, "S5", "award 1-11, user 1011", None, id="logged after the close"),
    pytest.param(
        sql("UPDATE {}.entry SET account = 'sponsor:9' WHERE account = 'sponsor:7' AND fen > 0"),
        "S1",
        "of sponsor",
        None,
        id="a refund to another sponsor",
    ),
]


TAMPERING += [
    pytest.param(
        sql("UPDATE {}.round SET seed = decode(repeat('00', 32), 'hex')"),
        "S7",
        "seed and histogram are not those of the commitment",
        None,
        id="another seed",
    ),
    pytest.param(
        sql("UPDATE {}.lease SET abandoned = false", "UPDATE {}.stream SET epoch = 2 WHERE front = 0"),
        "S12",
        "lease 1/1 of front 0 was not abandoned with its epoch",
        None,
        id="an old lease still alive",
    ),
]


@pytest.mark.parametrize(("hand", "code", "first", "residue"), TAMPERING)
def test_tampering_is_found_and_named(books: Books, hand: Hand, code: str, first: str, residue: int | None) -> None:
    report = close_books(books, hand)
    found = findings(report)[code]
    fen = {packet: award(books.rounds[1], packet)[1] for packet in (3, 4, 7)}
    assert found.valid is False
    assert first.format(fen=fen[7], more=fen[7] + 1, fen3=fen[3], fen4=fen[4]) in found.first
    assert found.violations > 0
    assert residue is None or found.residue_fen == residue
    assert not report.valid


def test_a_front_that_breaks_the_rules_is_found(books: Books) -> None:
    report = close_books(books, two_users_one_packet, close=False)
    found = findings(report)
    assert found["S3"].first == "user 1000 has awards 1-0 and 1-12"
    assert found["S8"].first == "posting of award 1-13, user 1013: 1 µs before the start"


def test_a_packet_issued_again_after_a_restart_is_found(books: Books) -> None:
    """Control forgot what it leased: the same packets go to a second front, and neither record reached credit."""

    async def hand(books: Books) -> None:
        await books.append(1, 0, 1, [books.win(1, 12, 1012)])
        await books.append(1, 1, 1, [books.win(1, 12, 1052)])

    found = findings(close_books(books, hand, close=False))
    assert found["S12"].valid is False
    assert found["S3"].first == "packet 1-12 has users 1012 and 1052"


def test_money_in_suspense_is_in_its_place(books: Books) -> None:
    async def hand(books: Books) -> None:
        sound = books.win(1, 15, 1015)
        await books.append(1, 0, 1, [sound._replace(fen=sound.fen + 1), books.win(1, 45, 1045)])
        await credit(books)
        books.close_round(1)

    report = close_books(books, hand, close=False)
    assert report.valid, [finding.first for finding in report.findings]
    assert report.rounds[0].wins_suspended == 2
    assert report.rounds[0].suspense_fen == award(books.rounds[1], 15)[1]


def test_a_log_lost_by_its_store_is_a_note_not_a_theft(books: Books) -> None:
    """The protocol allows it: credited, then lost, then a newer epoch."""

    async def hand(books: Books) -> None:
        await books.store.command("DEL", books.log(1, 0).key)
        await books.epoch(1, 0, 2)
        lease = books.lease(1, 0, 2, 1, 5)
        await books.append(1, 0, 2, [books.win(1, lease[0], 1040)])
        await credit(books)
        books.close_round(1)

    report = close_books(books, hand, close=False)
    assert report.valid, [finding.first for finding in report.findings]
    assert any("10 postings stand in the ledger alone" in note for note in report.notes)


def test_an_empty_lane_is_unknown_never_green(books: Books) -> None:
    async def go() -> AuditReport:
        await books.open()
        await books.close()
        return await audit(books.postgres_url, books.valkey_url, SECRET, "stress")

    report = asyncio.run(go())
    assert {finding.valid for finding in report.findings} == {"unknown", None}
    assert not report.valid


@pytest.mark.parametrize(
    ("hand", "code"),
    [pytest.param(None, 0, id="valid"), pytest.param(TAMPERING[0].values[0], 99, id="broken")],
)
def test_the_command(books: Books, tmp_path: Path, hand: Hand | None, code: int) -> None:
    close_books(books, hand)
    secret = tmp_path / "secret"
    secret.write_text(SECRET.hex())
    env = {"XIU_POSTGRES_URL": books.postgres_url, "XIU_VALKEY_URL": books.valkey_url, "XIU_SECRET_FILE": str(secret)}

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "system.audit", *args], env=env, cwd=Path(__file__).parents[3], text=True,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip

    done = run("--json")
    assert (done.returncode, done.stderr) == (code, "")
    assert AuditReport.model_validate(json.loads(done.stdout), strict=False).valid is (code == 0)
    told = run("--round", "1")
    assert told.returncode == code
    assert ("BROKEN: " if code else "closed to the fen") in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80
    assert run("--round", "77").returncode == 2
    env["XIU_POSTGRES_URL"] = "postgresql://127.0.0.1:1/none"
    assert run().returncode == 5


def test_records_keep_their_layout() -> None:
    assert WIN_DTYPE.names is not None
    assert WIN_DTYPE.names[:6] == ("packet", "fen", "uid", "time_us", "sponsor", "flags")
    assert Win._fields == WIN_DTYPE.names[:6]
