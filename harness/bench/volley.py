"""Volleys: a fixed number of taps from the generator's own gun, and the CPU that they cost the front and the gun.

Front and gun share one core, and neither preempts the other (SCHED_BATCH): the gun sends over every connection, then
the front answers all of them, and so on. So a volley is the same work each time, whatever else the machine does. What
is counted is CPU time, which waiting for the core is no part of.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import numpy as np

from harness.bench.servers import BenchTarget
from harness.engine import shots
from harness.engine.gun import ClientConnection, Gun
from harness.engine.shot import Aim
from harness.engine.tally import Tally
from harness.engine.tape import Tape
from harness.engine.wires import Wires
from harness.errors import EnvironmentNotReady

OPEN_S = 10.0
VOLLEY_S = 60.0
_LOOK_S = 0.002


@dataclass(frozen=True, slots=True)
class Cost:
    """What some taps cost: CPU of front and gun in ns; `calls`: reads and writes of the front."""

    taps: int = 0
    front_ns: int = 0
    gun_ns: int = 0
    calls: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.taps + other.taps,
            self.front_ns + other.front_ns,
            self.gun_ns + other.gun_ns,
            self.calls + other.calls,
        )

    @property
    def front_rate(self) -> float:
        """Taps for each CPU-second of the front."""
        return 1e9 * self.taps / self.front_ns

    @property
    def gun_rate(self) -> float:
        """Taps for each CPU-second of the gun."""
        return 1e9 * self.taps / self.gun_ns


Pairs = list[tuple[Cost, Cost]]
"""Of each pair, what the value and what the anchor cost."""


def cpu_ns(pid: int) -> int:
    """CPU time of a process, all its threads, in nanoseconds. Raises OSError."""
    return time.clock_gettime_ns(~pid << 3 | 2)  # the id that clock_getcpuclockid(3) gives


def _calls(pid: int) -> int:
    """Calls of read and write, sockets included, since the process began."""
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        counts = dict(line.split(": ") for line in file)
    return int(counts["syscr"]) + int(counts["syscw"])


class Volleys:
    """Taps of all users in turn on one round of one front. Use it as `async with opened(…)`."""

    def __init__(self, target: BenchTarget, round_id: int, taps: int, connections: int) -> None:
        """`taps`: of all volleys together."""
        tokens, which = target.tokens.read_bytes().split(), np.arange(taps)
        nothing = np.zeros(taps, np.uint8)
        users, wires = (which % len(tokens)).astype(np.int32), (which % connections).astype(np.int32)
        shot = shots.find(shots.TAP)
        aim, tape = (
            Aim(target.address, round_id, None),
            Tape.of(np.zeros(taps, np.int64), wires, users, nothing, nothing),
        )
        self._pid, self._gun = target.pid, Gun(tape, shot.requests(aim, tokens), [[]], None, (shot,))
        self._gun.connections += [ClientConnection(self._gun, 0) for _ in range(connections)]
        self._gun.down.extend(self._gun.connections)
        self._gun.end = 0
        host, _, port = target.address.rpartition(":")
        self.wires = Wires(self._gun, [(host, int(port))])
        self._tally = Tally(self._gun, ("taps",))

    async def fire(self, taps: int) -> Cost:
        """Sends so many, each as soon as its connection is free; back when all are answered.

        Raises EnvironmentNotReady where some are not.
        """
        gun, pid = self._gun, self._pid
        front_ns, gun_ns, calls = cpu_ns(pid), time.process_time_ns(), _calls(pid)
        gun.end = gun.next + taps
        gun.open_fire()
        gun.pace()
        for _ in range(round(VOLLEY_S / _LOOK_S)):
            if len(gun.finished) >= taps:
                break
            await asyncio.sleep(_LOOK_S)
        else:
            raise EnvironmentNotReady(f"{len(gun.finished)} of {taps} taps were answered within {VOLLEY_S:g} s")
        self._tally.take()
        return Cost(taps, cpu_ns(pid) - front_ns, time.process_time_ns() - gun_ns, _calls(pid) - calls)

    def check(self) -> None:
        """Raises EnvironmentNotReady unless every tap has lost: another answer is other work."""
        outcomes = self._tally.cumulative()["outcomes"]
        if outcomes["lose"] != sum(outcomes.values()):
            raise EnvironmentNotReady(f"taps were answered {outcomes}; expected losing answers alone")

    def close(self) -> None:
        """Ends the connections."""
        for connection in self._gun.connections:
            if connection.transport is not None:
                connection.transport.abort()

    @property
    def tickets(self) -> int:
        """Different ones that were seen, as far as the gun keeps them."""
        return len(self._gun.tape.tickets)


@asynccontextmanager
async def opened(target: BenchTarget, round_id: int, taps: int, connections: int) -> AsyncIterator[Volleys]:
    """Volleys whose connections stand until the block ends. Raises ConnectionError."""
    volleys = Volleys(target, round_id, taps, connections)
    wires = asyncio.create_task(volleys.wires.run())
    try:
        await volleys.wires.all_open(OPEN_S, lambda: False)
        yield volleys
    finally:
        wires.cancel()
        await asyncio.wait([wires])
        volleys.close()


@contextmanager
def one_core(core: int, pids: Sequence[int]) -> Iterator[None]:
    """This process and those of `pids` on one core, none preempting another; this one is put back at the end."""
    cores, policy = os.sched_getaffinity(0), os.sched_getscheduler(0)
    try:
        for pid in (0, *pids):
            os.sched_setaffinity(pid, {core})
            with suppress(PermissionError):  # whoever may run in idle time alone measures all the same, with more noise
                os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))
        yield
    finally:
        os.sched_setaffinity(0, cores)
        with suppress(PermissionError):
            os.sched_setscheduler(0, policy, os.sched_param(0))


async def in_turn(value: Volleys, anchor: Volleys, pairs: int, turns: int, taps: int) -> Pairs:
    """`pairs` times: value and anchor fire `turns` volleys each, in the order value, anchor, anchor, value, …"""
    found: Pairs = []
    for _ in range(pairs):
        one, other = Cost(), Cost()
        for turn in range(turns):
            if turn % 2:
                other += await anchor.fire(taps)
                one += await value.fire(taps)
            else:
                one += await value.fire(taps)
                other += await anchor.fire(taps)
        found.append((one, other))
    return found
