"""`python -m system.audit.verify --round N --json`: recomputes every amount of a closed round from its revealed seed.

Owns one question: is the round the one that was committed to, and is every posting worth what the lottery says? Reads
the ledger alone, as the lane's role. A round that is not closed is refused, because its seed is a secret. Exit code: 0
all right, 99 not, 2 no such round or not closed, 5 no ledger.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from system.contract.api import SponsorSplit
from system.contract.errors import Conflict, SettingsError, StoreRefused, StoreUnknown, UnknownRound, XiuError
from system.contract.ids import LANES, Lane
from system.ledger.access import Connection, connect, lane_role
from system.ledger.statements import statement
from system.ledger.translate import translated
from system.lottery import HistogramError, Round, amounts, make_round, verify_commitment
from system.settings import master_secret

CHUNK = 1 << 18
"""Packets and postings worked on at once."""


@dataclass(slots=True)
class Verified:
    """The answer. `first` is the first finding in words, empty when there is none."""

    round: int
    lane: Lane
    state: str
    commitment: str
    commitment_ok: bool = False
    packets: int = 0
    budget_fen: int = 0
    recomputed_fen: int = 0
    """Sum over every packet index."""
    classes_ok: bool = False
    """Each (sponsor, amount) came out exactly as often as published."""
    postings: int = 0
    posted_fen: int = 0
    held: int = 0
    violations: int = 0
    first: str = ""
    valid: bool = field(default=False)

    def note(self, count: int, what: str) -> None:
        """`count` violations, the first of them in words."""
        if count:
            self.violations += count
            self.first = self.first or what


def check_packets(round_: Round, answer: Verified) -> None:
    """Every packet index once: sum and classes against the published histogram."""
    counted: Counter[tuple[int, int]] = Counter()
    for start in range(0, round_.packets, CHUNK):
        index = np.arange(start, min(round_.packets, start + CHUNK), dtype=np.uint32)
        sponsor, fen = amounts(round_, index)
        answer.recomputed_fen += int(fen.sum(dtype=np.int64))
        pairs, counts = np.unique((sponsor.astype(np.uint64) << np.uint64(32)) | fen, return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            counted[pair >> 32, pair & 0xFFFFFFFF] += count
    published = Counter({(h.sponsor, fen): n for h in round_.histograms for fen, n in h.classes})
    answer.packets, answer.classes_ok = round_.packets, counted == published
    answer.note(not answer.classes_ok, "the packets do not add up to the published histogram")
    off = answer.recomputed_fen - answer.budget_fen
    answer.note(off != 0, f"the packets are worth {answer.recomputed_fen} fen, the budget is {answer.budget_fen}")


def check_rows(round_: Round, answer: Verified, rows: list[tuple[Any, ...]], what: str) -> None:
    """Rows of (packet, fen, sponsor, uid): each worth what the lottery says."""
    packet, fen, sponsor = (np.array([row[at] for row in rows], dtype=np.int64) for at in range(3))
    known = (packet >= 0) & (packet < round_.packets)
    right_sponsor, right_fen = amounts(round_, np.where(known, packet, 0))
    wrong = np.flatnonzero(~known | (right_sponsor != sponsor) | (right_fen != fen))
    if not len(wrong):
        return
    at = int(wrong[0])
    should = f"{right_fen[at]} fen of sponsor {right_sponsor[at]}" if known[at] else f"below {round_.packets}"
    name = f"{what} of packet {round_.round_id}-{packet[at]}, user {rows[at][3]}"
    answer.note(len(wrong), f"{name}: {fen[at]} fen of sponsor {sponsor[at]}; expected {should}")


async def verify(url: str, secret: bytes, round_id: int) -> Verified:
    """The whole check. Raises UnknownRound, Conflict (not closed), StoreRefused, StoreUnknown."""
    for lane in LANES:
        conn = await connect(url, lane_role(lane), secret)
        async with conn:
            with translated("verify a round"):
                async with conn.transaction():
                    await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    row = await (await conn.execute(statement("verify_round", lane), {"round": round_id})).fetchone()
                    if row is not None:
                        return await _verify(conn, lane, round_id, row)
    raise UnknownRound(f"no round {round_id} in the ledger")


async def _verify(conn: Connection, lane: Lane, round_id: int, row: tuple[Any, ...]) -> Verified:
    state, packets, budget, sponsors, seed, commitment = row
    if state != "closed":
        raise Conflict(f"round {round_id} is {state}: its seed is revealed when it is closed")
    answer = Verified(round_id, lane, state, commitment, packets=packets, budget_fen=budget)
    try:
        splits = [SponsorSplit.model_validate_json(json.dumps(item)) for item in sponsors]
        round_ = make_round(round_id, splits, bytes(seed))
    except (HistogramError, ValueError) as exc:
        answer.note(1, f"the published histogram cannot be read: {exc}")
        return answer
    answer.commitment_ok = verify_commitment(round_, commitment)
    answer.note(not answer.commitment_ok, "seed and histogram are not what was committed to")
    answer.note(round_.packets != packets, f"the histogram has {round_.packets} packets, the round {packets}")
    check_packets(round_, answer)
    async with conn.cursor(name="postings") as cursor:
        await cursor.execute(statement("verify_postings", lane), {"round": round_id})
        while rows := await cursor.fetchmany(CHUNK):
            answer.postings += len(rows)
            answer.posted_fen += sum(item[1] for item in rows)
            check_rows(round_, answer, rows, "posting")
    rows = await (await conn.execute(statement("verify_held", lane), {"round": round_id})).fetchall()
    answer.held = len(rows)
    if rows:
        check_rows(round_, answer, rows, "money held in suspense")
    answer.valid = not answer.violations
    return answer


def summary(answer: Verified) -> str:
    """The answer in lines for a person."""
    yes = {True: "yes", False: "NO"}
    plural = "" if answer.violations == 1 else "s"
    return "\n".join(
        [
            f"round {answer.round}, lane {answer.lane}, {answer.state}",
            f"  commitment {answer.commitment}: seed and histogram match: {yes[answer.commitment_ok]}",
            f"  {answer.packets} packets recomputed: {answer.recomputed_fen} fen of a budget of {answer.budget_fen}, "
            f"every class as published: {yes[answer.classes_ok]}",
            f"  {answer.postings} postings, {answer.posted_fen} fen; {answer.held} held in suspense",
            f"  {answer.violations} violation{plural}" + (f", the first: {answer.first}" if answer.first else ""),
        ]
    )


def main(argv: list[str] | None = None, env: Mapping[str, str] = os.environ) -> int:
    """Reads XIU_POSTGRES_URL and XIU_SECRET_FILE."""
    parser = argparse.ArgumentParser(prog="python -m system.audit.verify", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--round", type=int, required=True)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    try:
        url = env.get("XIU_POSTGRES_URL", "")
        if not url:
            raise SettingsError("XIU_POSTGRES_URL is not set")
        answer = asyncio.run(verify(url, master_secret(env), args.round))
    except XiuError as exc:
        print(json.dumps(exc.body()) if args.json else f"round {args.round}: {exc}", file=sys.stdout)
        return 5 if isinstance(exc, StoreRefused | StoreUnknown) else 2
    print(json.dumps(asdict(answer)) if args.json else summary(answer))
    return 0 if answer.valid else 99


if __name__ == "__main__":
    sys.exit(main())
