"""Synthetic data, for benchmarks only: a round in which every packet is won, drawn in memory, put into ledger and
stream as control and a front would.

The users never tapped, and nobody paid for the packets.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from psycopg.types.json import Jsonb

from system.clock import wall_us
from system.contract.api import SponsorSplit
from system.contract.ids import Lane, Position
from system.contract.records import WIN_DTYPE
from system.ledger.access import Connection, transaction
from system.ledger.statements import statement
from system.lottery import Round, amounts, commitment, make_histogram, make_round
from system.winlog import Header, Stored, Verdict, WinLog, encode
from system.winlog import Win as Record

LANE: Lane = "live"
FRONT, CELL, EPOCH = 0, 0, 1
"""Where the only stream of a round of one cell stands. In a round of N cells, front k belongs to cell k."""
LEASE_PACKETS = 5000  # the largest that control grants
SPONSORS, MEAN_FEN = 5, 200
ACCOUNTS = 400_000_000
PIPELINE = 500
HOUR_US = 3_600_000_000
Records = npt.NDArray[np.void]


def draw(round_id: int, packets: int, chance: np.random.Generator) -> tuple[Round, Records]:
    """A round of `packets` packets and who won them, in the order of the packets: WIN_DTYPE, shape (packets,).

    No user wins twice; `chance` says who they are.
    """
    round_ = make_round(round_id, _splits(packets), secrets.token_bytes(32))
    records = np.zeros(packets, dtype=WIN_DTYPE)
    records["packet"] = np.arange(packets)
    records["sponsor"], records["fen"] = amounts(round_, records["packet"])
    # A few more than needed: some come up twice.
    users = np.unique(chance.integers(1, ACCOUNTS, size=packets + packets // 8 + 64))
    records["uid"] = chance.permutation(users)[:packets]
    records["time_us"] = wall_us() + np.arange(packets)
    return round_, records


def _splits(packets: int) -> list[SponsorSplit]:
    sponsors = min(SPONSORS, packets)
    counts = [packets // sponsors + (k < packets % sponsors) for k in range(sponsors)]
    return [
        SponsorSplit(
            sponsor=k,
            name=f"Sponsor {k}",
            classes=tuple((c.fen, c.packets) for c in make_histogram(k, count, count * MEAN_FEN).classes),
        )
        for k, count in enumerate(counts, 1)
    ]


def leases(packets: int, front: int = FRONT, cells: int = 1) -> list[tuple[int, int]]:
    """[lo, hi) of each lease of a front, the first is number 1. The fronts of the cells take turns."""
    whole = [(lo, min(lo + LEASE_PACKETS, packets)) for lo in range(0, packets, LEASE_PACKETS)]
    return whole[front::cells]


async def arm(conn: Connection, round_: Round, cells: int = 1) -> None:
    """Puts the round into the ledger, every packet leased to the front of some cell, no epoch granted yet."""
    now, number = wall_us(), round_.round_id
    splits = [split.model_dump(mode="json") for split in _splits(round_.packets)]
    order = {
        "round": number, "packets": round_.packets, "budget_fen": round_.budget_fen, "start_us": now,
        "end_us": now + HOUR_US, "release_ms": 1000, "sponsors": Jsonb(splits), "seed": round_.seed,
        "commitment": commitment(round_), "created_us": now, "season": None,
    }  # fmt: skip
    streams = [{"round": number, "front": cell, "cell": cell, "known": 0} for cell in range(cells)]
    granted = [
        stream | {"epoch": EPOCH, "number": k, "lo": lo, "hi": hi, "used": bytes(-(-(hi - lo) // 8))}
        for cell, stream in enumerate(streams)
        for k, (lo, hi) in enumerate(leases(round_.packets, cell, cells), 1)
    ]
    async with transaction(conn), conn.cursor() as cursor:
        await cursor.execute(statement("control_round_insert", LANE), order)
        for name in ("control_stream_insert", "control_epoch_take"):
            await cursor.executemany(statement(name, LANE), streams)
        await cursor.executemany(statement("control_lease_insert", LANE), granted)
        params = {"round": number, "lo": 0, "hi": round_.packets}
        await cursor.execute(statement("control_lease_take", LANE), params)


async def grant(conn: Connection, round_: Round, cells: int = 1) -> None:
    """From now on credit reads the streams."""
    params = [{"round": round_.round_id, "front": cell, "epoch": EPOCH} for cell in range(cells)]
    async with transaction(conn), conn.cursor() as cursor:
        await cursor.executemany(statement("control_epoch_grant", LANE), params)


async def fill(
    log: WinLog, round_: Round, records: Records, entry: int, front: int = FRONT, cells: int = 1
) -> Position:
    """Appends every win of a front under the fence, `entry` of them an entry, one lease each; the last entry's id."""
    await log.raise_fence(EPOCH)
    entries: list[Stored] = []
    sequence = 0
    for sequence, (lease, wins) in enumerate(_portions(records, entry, front, cells), 1):
        header = Header(LANE, round_.round_id, front, EPOCH, sequence, lease)
        entries.append(Stored(header.position, encode(header, wins)))
    for at in range(0, len(entries), PIPELINE):
        if set(await log.append_many(entries[at : at + PIPELINE])) != {Verdict.OK}:
            raise RuntimeError(f"round {round_.round_id}: an append was refused")
    return Position(EPOCH, sequence)


def _portions(records: Records, entry: int, front: int, cells: int) -> Iterator[tuple[int, list[Record]]]:
    """(lease, wins) of each entry."""
    for number, (lo, hi) in enumerate(leases(len(records), front, cells), 1):
        for at in range(lo, hi, entry):
            yield number, [Record(*row[:6]) for row in records[at : min(at + entry, hi)].tolist()]
