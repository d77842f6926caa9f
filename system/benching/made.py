"""A round that was won whole, for benches: drawn in memory, put into ledger and stream as control and a front would.

Refuses to be real: the users never tapped, and nobody paid for the packets.
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


def leases(packets: int) -> list[tuple[int, int]]:
    """[lo, hi) of each lease of a round, the first is number 1."""
    return [(lo, min(lo + LEASE_PACKETS, packets)) for lo in range(0, packets, LEASE_PACKETS)]


async def arm(conn: Connection, round_: Round) -> None:
    """Puts the round into the ledger, every packet leased to the one front, no epoch granted yet."""
    now, number = wall_us(), round_.round_id
    splits = [split.model_dump(mode="json") for split in _splits(round_.packets)]
    stream = {"round": number, "front": FRONT, "cell": CELL, "known": 0}
    order = stream | {
        "packets": round_.packets, "budget_fen": round_.budget_fen, "start_us": now, "end_us": now + HOUR_US,
        "release_ms": 1000, "sponsors": Jsonb(splits), "seed": round_.seed, "commitment": commitment(round_),
        "created_us": now,
    }  # fmt: skip
    granted = [
        stream | {"epoch": EPOCH, "number": k, "lo": lo, "hi": hi, "used": bytes(-(-(hi - lo) // 8))}
        for k, (lo, hi) in enumerate(leases(round_.packets), 1)
    ]
    async with transaction(conn), conn.cursor() as cursor:
        for name in ("control_round_insert", "control_stream_insert", "control_epoch_take"):
            await cursor.execute(statement(name, LANE), order)
        await cursor.executemany(statement("control_lease_insert", LANE), granted)
        await cursor.execute(statement("control_lease_take", LANE), stream | {"lo": 0, "hi": round_.packets})


async def grant(conn: Connection, round_: Round) -> None:
    """From now on credit reads the stream."""
    params = {"round": round_.round_id, "front": FRONT, "epoch": EPOCH}
    await conn.execute(statement("control_epoch_grant", LANE), params)


async def fill(log: WinLog, round_: Round, records: Records, entry: int) -> Position:
    """Appends every win under the fence, `entry` of them an entry, one lease each; the last entry's id."""
    await log.raise_fence(EPOCH)
    entries: list[Stored] = []
    sequence = 0
    for sequence, (lease, wins) in enumerate(_portions(records, entry), 1):
        header = Header(LANE, round_.round_id, FRONT, EPOCH, sequence, lease)
        entries.append(Stored(header.position, encode(header, wins)))
    for at in range(0, len(entries), PIPELINE):
        if set(await log.append_many(entries[at : at + PIPELINE])) != {Verdict.OK}:
            raise RuntimeError(f"round {round_.round_id}: an append was refused")
    return Position(EPOCH, sequence)


def _portions(records: Records, entry: int) -> Iterator[tuple[int, list[Record]]]:
    """(lease, wins) of each entry."""
    for number, (lo, hi) in enumerate(leases(len(records)), 1):
        for at in range(lo, hi, entry):
            yield number, [Record(*row[:6]) for row in records[at : min(at + entry, hi)].tolist()]
