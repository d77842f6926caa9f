"""`python -m system.audit.sample --lane L --round N --out FILE`: samples for S2, from the stores, until SIGTERM.

Each second one line {"t_ns", "credited_fen", "awarded_fen", "budget_fen"}: credited (and held) by the ledger's legs
first, then awarded by the win logs, which are read on from where the last sample ended. A reading that proves nothing
is a line {"t_ns", "none"} with the reason: a store does not answer, or a flush, a restart or a person removed something
from a log. Counters are not used: they begin at 0 when their process restarts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from system.contract.api import SponsorSplit
from system.contract.errors import Effect, Refused, SettingsError, UnknownRound, XiuError
from system.contract.ids import LANES, START, Lane, Position
from system.ledger.access import Pool, lane_role
from system.ledger.statements import statement
from system.lottery import Round, amounts, make_round
from system.settings import AuditSettings
from system.winlog import DamagedEntry, Fenced, WinLog, WinLogs, decode

EVERY_S = 1.0
TIMEOUT_S = 2.0
PAGE_ENTRIES = 256


class NoSample(XiuError):
    """A reading that is no sample: the ledger was read, but the log behind it lost something, or is about to."""

    code = "no_sample"
    effect: Effect = "none"


@dataclass(slots=True)
class StreamReading:
    """One stream as it was read: the ledger's own postings account for everything up to `base`."""

    granted: int
    base: Position
    at: Position = START


@dataclass
class RoundSampler:
    """One round. Remembers which packets were ever seen in a log, so that a lost log does not lower the sum."""

    pool: Pool
    logs: WinLogs
    lane: Lane
    round_id: int
    lottery: Round | None = None
    packets: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    awarded_fen: int = 0
    streams: dict[int, StreamReading] = field(default_factory=dict)

    async def sample(self) -> dict[str, int]:
        """One sample. Raises NoSample, UnknownRound, StoreUnknown, StoreRefused.

        The legs are read first, together with each stream's epoch and offset. Whatever they paid for lies in a log up
        to that offset, as long as that epoch's fence stands when the log has been read: a flush or a restart takes the
        fence away, and no epoch is raised twice.
        """
        key = {"round": self.round_id}
        rows = await self.pool.fetch(statement("sample_credited", self.lane), key, "sample")
        if not rows:
            raise UnknownRound(f"lane {self.lane} has no round {self.round_id}")
        budget_fen, packets, credited_fen, streams = rows[0]
        if self.lottery is None:
            sponsors, seed = (await self.pool.fetch(statement("round_lottery", self.lane), key, "sample"))[0]
            splits = [SponsorSplit.model_validate(item, strict=False) for item in sponsors]
            self.lottery = make_round(self.round_id, splits, bytes(seed))
            self.packets = np.zeros(packets, dtype=np.bool_)
        for front, cell, granted, *offset in streams:
            seen, paid = self.streams.get(front), Position(*offset)
            if seen is None or seen.granted != granted:
                # A new epoch may mean that a log was lost between two samples, after credit had read it.
                known = await self.pool.fetch(statement("sample_packets", self.lane), key, "sample")
                self._award(np.array([row[0] for row in known], dtype=np.int64))
                seen = self.streams[front] = StreamReading(granted, paid)
            await self._read_on(self.logs.stream(cell, self.lane, self.round_id, front), seen)
            await self._whole(self.logs.stream(cell, self.lane, self.round_id, front), seen, paid)
        return {
            "t_ns": time.monotonic_ns(), "credited_fen": credited_fen, "awarded_fen": self.awarded_fen,
            "budget_fen": budget_fen,
        }  # fmt: skip

    async def _read_on(self, stream: WinLog, seen: StreamReading) -> None:
        """Raises NoSample at a hole: what credit may have read there is not known."""
        while page := await stream.read_after(seen.at, PAGE_ENTRIES):
            for stored in page:
                due = 1 + (seen.at.sequence if stored.at.epoch == seen.at.epoch else 0)
                if stored.at.sequence > due and Position(stored.at.epoch, stored.at.sequence - 1) > seen.base:
                    raise NoSample(f"{stream.key} lacks {stored.at.epoch}-{due}")
                # Credit stops at a damaged entry and the audit names it; what cannot be read is not counted.
                with contextlib.suppress(DamagedEntry):
                    self._award(decode(stored.entry, stored.at).records["packet"].astype(np.int64))
                seen.at = stored.at

    async def _whole(self, stream: WinLog, seen: StreamReading, paid: Position) -> None:
        """Raises NoSample if the log no longer has what was seen in it, or what was credited from it."""
        if not seen.granted:
            return  # nothing was ever appended
        try:
            last = await stream.last_id(seen.granted)
        except Fenced as exc:
            raise NoSample(f"{stream.key} no longer accepts epoch {seen.granted}") from exc
        due = max(seen.at, paid if paid > seen.base else START)
        if last < due:
            raise NoSample(f"{stream.key} ends at {last}, but {due} was read from it")

    def _award(self, packet: npt.NDArray[np.int64]) -> None:
        assert self.lottery is not None
        packet = np.unique(packet[(packet >= 0) & (packet < len(self.packets))])
        fresh = packet[~self.packets[packet]]
        self.packets[fresh] = True
        self.awarded_fen += int(amounts(self.lottery, fresh)[1].sum(dtype=np.int64))


async def run(settings: AuditSettings, lane: Lane, round_id: int, out: Path, every_s: float) -> None:
    """Samples until SIGTERM or SIGINT, then once more. Raises UnknownRound, OSError where `out` cannot be written."""
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    pool = Pool(settings.postgres_url, lane_role(lane), settings.secret, size=1, timeout_s=TIMEOUT_S)
    try:
        async with WinLogs(settings.valkey_urls, timeout_s=TIMEOUT_S) as logs:
            sampler = RoundSampler(pool, logs, lane, round_id)
            with out.open("wb", buffering=0) as file:
                last = False
                while not last:
                    last = over.is_set()
                    try:
                        row: dict[str, int | str] = dict(await sampler.sample())
                    except UnknownRound:
                        raise
                    except XiuError as exc:
                        row = {"t_ns": time.monotonic_ns(), "none": str(exc)}
                    file.write(json.dumps(row).encode() + b"\n")
                    if not last:
                        try:
                            async with asyncio.timeout(every_s):
                                await over.wait()
                        except TimeoutError:
                            continue
    finally:
        await pool.close()


def main(argv: Sequence[str] | None = None) -> int:
    """0 when told to stop, 2 for bad input, 5 where the samples cannot be written: those before it stand."""
    parser = argparse.ArgumentParser(prog="python -m system.audit.sample", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--lane", choices=LANES, default="live")
    parser.add_argument("--round", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=float, default=EVERY_S, metavar="SECONDS")
    args = parser.parse_args(argv)
    try:
        asyncio.run(run(AuditSettings.from_env(os.environ), args.lane, args.round, args.out, args.every))
    except (SettingsError, Refused) as exc:
        print(f"sample: {exc}", file=sys.stderr)
        return 2
    except OSError as exc:
        print(f"sample: {args.out}: {exc.strerror or exc}; no more samples are taken", file=sys.stderr)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main())
