"""A front without control and stores, for benchmarks and tests: the draw path over rounds in memory.

Its awards are not real.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

import uvloop

from system.clock import wall_us
from system.contract.ids import LANES, Lane
from system.contract.memory import settle_memory
from system.contract.routing import Topology
from system.contract.switches import tables
from system.front.metrics import FrontMetrics
from system.front.places import raise_file_limit
from system.front.seam import NEVER, DrawRound, SettledWin, Waiter
from system.front.server import serve
from system.settings import FrontSettings
from system.tokens import sign, token_key

LIVE_ROUND, STRESS_ROUND = 1, 2
PACKET_FEN, SPONSOR = 100, 1
HOUR_US = 3_600_000_000


class BareRound:
    """One open round. With `win_every` = n every n-th eligible tap wins, settled at once; with 0 none."""

    def __init__(
        self, round_id: int, lane: Lane, start_us: int, end_us: int, win_every: int = 0, season: int = 0
    ) -> None:
        self.round_id = round_id
        self.lane: Lane = lane
        self.season = season
        self.start_us = start_us
        self.end_us = end_us
        self.closed = False
        self.opening_us = 0 if win_every else NEVER
        self.settled: dict[int, SettledWin] = {}
        self.pending: dict[int, SettledWin] = {}
        self._win_every = win_every
        self._eligible = 0

    def award(self, uid: int, now_us: int, waiter: Waiter) -> bool:
        """Counts taps; every n-th one is told its win on the next turn of the event loop."""
        self._eligible += 1
        if self._eligible % self._win_every:
            return False
        win = SettledWin(packet=len(self.settled) + len(self.pending), fen=PACKET_FEN, sponsor=SPONSOR, time_us=now_us)
        self.pending[uid] = win
        asyncio.get_running_loop().call_soon(self._settle, uid, win, waiter)
        return True

    def _settle(self, uid: int, win: SettledWin, waiter: Waiter) -> None:
        self.settled[uid] = self.pending.pop(uid)
        waiter(win)

    def join(self, uid: int, waiter: Waiter) -> None:
        """Told with the first, on the next turn of the event loop."""
        asyncio.get_running_loop().call_soon(lambda: waiter(self.settled.get(uid)))


class BareFront:
    """A front whose clock is the host's and whose rounds never change by themselves."""

    def __init__(self, rounds: Sequence[DrawRound]) -> None:
        self.rounds: dict[int, DrawRound] = {round_.round_id: round_ for round_ in rounds}
        self.switches = tables()
        self.serving = True

    def now_us(self) -> int:
        """The host's clock."""
        return wall_us()

    def knows(self, round_id: int) -> bool:
        """There are no other rounds."""
        return True


def settings_for(secret: bytes, listen: tuple[str, int]) -> FrontSettings:
    """Settings of a front that is alone."""
    return FrontSettings(
        front=0,
        cell=0,
        listen=listen,
        control_url="",
        valkey_url="",
        topology=Topology((f"http://{listen[0]}:{listen[1]}",), (0,)),
        secret=secret,
    )


async def _run(settings: FrontSettings, win_every: int, losing: Sequence[tuple[int, int]]) -> None:
    now = wall_us()
    rounds = [
        BareRound(number, lane, now - HOUR_US, now + 24 * HOUR_US, win_every)
        for number, lane in zip((LIVE_ROUND, STRESS_ROUND), LANES, strict=True)
    ]
    rounds += [BareRound(number, "live", now - HOUR_US, now + 24 * HOUR_US, season=season) for number, season in losing]
    metrics = FrontMetrics()
    front = BareFront(rounds)
    metrics.set_switches(front.switches)
    server = await serve(front, settings, metrics)
    settle_memory()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(f"listening {server.address[0]}:{server.address[1]}", flush=True)
    await stop.wait()
    await server.stop()


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m system.benching.bare_front --secret HEX [--listen HOST:PORT]`; prints `listening host:port`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:0", help="host:port, 0 for any port")
    parser.add_argument("--secret", required=True, help="master secret in hex, for tokens that the bench signs itself")
    parser.add_argument("--win-every", type=int, default=1750, help="every n-th eligible tap wins; 0: nobody")
    parser.add_argument(
        "--losing",
        type=int,
        nargs=2,
        action="append",
        default=[],
        metavar=("ROUND", "SEASON"),
        help="one more live round, in which nobody wins and taps carry tickets of the season; 0: none do",
    )
    parser.add_argument("--tokens", type=Path, help="write tokens of users 1 … N here, one a line")
    parser.add_argument("--users", type=int, default=20_000, help="the N of --tokens")
    options = parser.parse_args(argv)
    if options.tokens:
        key, expires_s = token_key(bytes.fromhex(options.secret), "live"), wall_us() // 1_000_000 + 86_400
        options.tokens.write_text("".join(f"{sign(key, str(u), expires_s)}\n" for u in range(1, options.users + 1)))
    host, _, port = options.listen.rpartition(":")
    settings = settings_for(bytes.fromhex(options.secret), (host, int(port)))
    raise_file_limit(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, options.win_every, options.losing))


if __name__ == "__main__":
    main()
