"""Batches of legs: the one way in which control writes money. A batch that does not balance is refused."""

from __future__ import annotations

from collections.abc import Sequence

from system.contract.ids import Lane, Position
from system.ledger.access import Connection
from system.ledger.statements import statement


async def write_batch(
    conn: Connection,
    lane: Lane,
    kind: str,
    round_id: int,
    fen: int,
    legs: Sequence[tuple[str, int]],
    *,
    elsewhere_fen: int = 0,
    stream: tuple[int, Position, Position] | None = None,
) -> int:
    """A batch inside the caller's transaction; its number. `fen` is what it moves, `legs` are (account, signed fen).

    `elsewhere_fen`: what the caller adds to the batch in suspense rows. `stream`: (front, offset before, offset after).
    """
    if sum(leg for _, leg in legs) + elsewhere_fen:
        raise ValueError(f"{kind} of round {round_id} does not balance: {legs}, {elsewhere_fen} elsewhere")
    front, before, after = stream if stream else (None, (None, None), (None, None))
    params = {
        "kind": kind,
        "round": round_id,
        "front": front,
        "from_epoch": before[0],
        "from_seq": before[1],
        "to_epoch": after[0],
        "to_seq": after[1],
        "postings": 0,
        "fen": fen,
    }
    row = await (await conn.execute(statement("batch_insert", lane), params)).fetchone()
    assert row is not None
    for account, amount in legs:
        if amount:
            leg = {"batch": row[0], "account": account, "fen": amount}
            await conn.execute(statement("entry_insert", lane), leg)
    return int(row[0])
