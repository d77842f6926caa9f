"""The cannon: one process that sends a schedule of requests. ``python -m harness.engine.cannon CONFIG.json``

Reads lines on stdin: ``lease``, ``start T0_NS``, ``rate JSON`` (a new plan version), ``append JSON`` (the next window
of a plan that goes on), ``stop``. Writes JSON lines on stdout: ``ready``, ``counts`` (cumulative), ``over``, ``done``.
Stops within a second of ``stop``, SIGTERM, the kill file, or its parent's end; and ``lease_s`` after the last lease.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic_ns
from typing import Any

import numpy as np
import numpy.typing as npt
import uvloop

from harness.engine.config import STOPS, CannonConfig
from harness.engine.followers import feed
from harness.engine.health import CpuSample
from harness.engine.loading import LoadedGun, load
from harness.engine.pacing import Ticker
from harness.engine.recorder import pages, write_history
from harness.engine.results import result
from harness.engine.schedule import ScheduleError, least_taps, pieces_of, schedule
from harness.engine.spool import spool_of
from harness.engine.strands import AHEAD_TAPS, append, deal, replan
from harness.engine.tally import Tally
from harness.engine.usage import cpu_sample, schedule_class, used
from harness.engine.versions import AppendOrder, PlanVersions
from harness.engine.wires import Wires

NS = 1_000_000_000
_HOUSE_NS = 50_000_000
_SWEEPS = 20  # a full look for time-outs takes this many turns of housekeeping
_START_DELAY_NS = 200_000_000
_DEALT_AT_ONCE, _DEALS_MAX = 4_096, 4
"""Requests whose makers are dealt between two looks at what is due, and how often in a turn of housekeeping."""


@dataclass(slots=True)
class Orders:
    """Orders from outside."""

    lease_ns: int
    start_ns: int | None = None
    stop: str | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event)


class Cannon:
    """Housekeeping around the gun: orders, time-outs, tally, reports."""

    def __init__(self, config: CannonConfig, loaded: LoadedGun) -> None:
        self.config, self.loaded, self.gun = config, loaded, loaded.gun
        names = (config.journey, *(one.journey for one in config.beside))
        self.tally = Tally(loaded.gun, names)
        self.orders = Orders(monotonic_ns())
        self.wires = Wires(loaded.gun, loaded.addresses, config.tls)
        self.cpu: list[CpuSample] = []
        self.stopped_ns: int | None = None
        self.start_ns: int | None = None
        self.plan_ns = loaded.plan_ns
        self.spool = spool_of(loaded.tape, Path(config.result).parent)
        self.unwritten: OSError | None = None
        self.versions = PlanVersions()
        self.over = asyncio.Event()
        self._house_at = self._report_at = self._cpu_at = 0
        self._deadline_ns = 0
        self._sweep = 0
        self._line, self._unwritten = b"", b""

    # -- orders

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in STOPS:
            loop.add_signal_handler(number, self.stop, signal.Signals(number).name)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)  # its starter held the signals back until now
        if stat.S_ISFIFO(os.fstat(0).st_mode):
            os.set_blocking(0, False)
            loop.add_reader(0, self._read)
        if stat.S_ISFIFO(os.fstat(1).st_mode):
            os.set_blocking(1, False)

    def _read(self) -> None:
        try:
            data = os.read(0, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(0)
            self.stop("parent gone")
            return
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self.obey(line.decode())

    def obey(self, line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        if word == "lease":
            self.orders.lease_ns = monotonic_ns()
        elif word == "stop":
            self.stop("ordered")
        elif word == "start":
            self.orders.start_ns = int(rest) if rest else monotonic_ns() + _START_DELAY_NS
            self.orders.started.set()
        elif word == "rate":
            self._replan(rest)
        elif word == "append":
            self._append(rest)
        elif word:
            self.say({"event": "error", "message": f"unknown order {word!r}"})

    def _replan(self, text: str) -> None:
        """A new plan version: ``{"version", "at_ns", "segments"}``, in force from ``at_ns`` (CLOCK_MONOTONIC) on."""
        version: Any = None
        try:
            order: dict[str, Any] = json.loads(text)
            version = order["version"]
            at_ns, config = int(order["at_ns"]), self.config
            seed = config.seed + int(order["version"])
            if config.goes_on:
                raise ScheduleError("the windows of this plan say its rate")
            if config.prepared and config.beside:  # a new rate of the first alone would be another mixture
                raise ScheduleError("the requests of this plan have rates of their own, by their weights")
            if self.start_ns is None or self.orders.stop is not None or self.gun.next >= self.gun.end:
                raise ScheduleError("not firing")
            pieces = pieces_of(order["segments"])
            # Nothing is built that cannot fit, because building takes time from the pacing, which goes on.
            self.loaded.tape.first_of(at_ns, least_taps(pieces, config.workers))
            # One moment for all workers: an order that is late here is refused, and given anew with another moment.
            if (late_ns := monotonic_ns() + _HOUSE_NS - at_ns) > 0:
                raise ScheduleError(f"it comes {late_ns / 1e6:.0f} ms too late")
            plan = schedule(pieces, seed, config.worker, config.workers)
            tape, strands = self.loaded.tape, self.loaded.strands
            self.gun.end = replan(tape, strands, at_ns, plan.intended_ns + at_ns, plan.phase)
        except (KeyError, TypeError, ValueError) as exc:
            self.say({"event": "error", "about": "rate", "version": version, "message": f"rate refused: {exc}"})
            return
        self.plan_ns = at_ns + plan.duration_ns - self.start_ns
        self.versions.replace(order["version"], at_ns, order["segments"])
        self.gun.open_fire()
        self.say({"event": "rate", "version": order["version"], "at_ns": at_ns, "taps": len(self.loaded.tape)})

    def _append(self, text: str) -> None:
        """The next window of a plan that goes on: see `harness.engine.versions`. What stands is not touched."""
        config, tape, strands = self.config, self.loaded.tape, self.loaded.strands
        try:
            order = AppendOrder.of(text, len(strands))
            if not config.goes_on or self.start_ns is None or self.orders.stop is not None or self.over.is_set():
                raise ScheduleError("not firing a plan that goes on")
            at_ns, seed = self.start_ns + self.plan_ns, config.seed + order.version
            if fresh := self.versions.follows(order, monotonic_ns(), at_ns):
                every = order.pieces()
                # Nothing is built that cannot fit, because building takes time from the pacing, which goes on.
                tape.first_of(at_ns, sum(least_taps(pieces, config.workers) for pieces in every))
                plans = [
                    schedule(pieces, seed, config.worker, config.workers, number) for number, pieces in enumerate(every)
                ]
                self.gun.pace()  # building and weaving take time; due requests do not wait for both
                self.gun.end = append(tape, strands, [(plan.intended_ns + at_ns, plan.phase) for plan in plans])
        except (TypeError, ValueError) as exc:
            self.say({"event": "error", "about": "append", "message": f"window refused: {exc}"})
            return
        if fresh:
            self.plan_ns += plans[0].duration_ns
            self.versions.append(order, at_ns)
            self.gun.open_fire()
        self.say({"event": "window", "version": order.version, "at_ns": at_ns, "taps": len(tape)})

    def stop(self, why: str) -> None:
        """Stops sending at once, whatever the plan says. The first reason stays."""
        if self.orders.stop is None:
            self.orders.stop, self.stopped_ns = why, monotonic_ns()
            self.gun.cease_fire()
            self.orders.started.set()

    def stop_ordered(self) -> bool:
        """Was it stopped, in any way? Looks at the kill file, too."""
        if self.orders.stop is None and self.config.kill_file is not None and os.path.exists(self.config.kill_file):
            self.stop("kill file")
        return self.orders.stop is not None

    # -- the run

    def tick(self) -> None:
        self.gun.pace()
        now = monotonic_ns()
        if now >= self._house_at:
            self._house_at = now + _HOUSE_NS
            self._house(now)

    def _house(self, now: int) -> None:
        config, orders, gun = self.config, self.orders, self.gun
        if config.lease_s is not None and now - orders.lease_ns > config.lease_s * NS:
            self.stop("lease lost")
        self.stop_ordered()
        self._sweep = (self._sweep + 1) % _SWEEPS
        part = gun.connections[self._sweep :: _SWEEPS]
        gun.expire(part, now, int(config.timeout_s * NS), int(config.queue_timeout_s * NS))
        gun.pace()  # between any two pieces of work, due requests are sent
        finished = self.tally.take()
        gun.pace()
        if self.loaded.followers:
            feed(self.loaded.followers, finished, now)
            gun.pace()
        self._keep_tape(finished)
        if now >= self._cpu_at:
            self._cpu_at = now + NS
            self.cpu.append(cpu_sample(now))
        elif now >= self._report_at:  # not both in one turn, because nothing is paced meanwhile
            self._report_at = now + int(config.report_s * NS)
            self._report(now)
        if gun.next >= gun.end and not self._awaits(now):
            self._deadline_ns = self._deadline_ns or now + int(config.drain_s * NS)
            if gun.idle or now > self._deadline_ns:
                self.over.set()
                if self.orders.stop is not None and gun.next:
                    self._report(now)  # the moment at which nothing waited any more

    def _report(self, now: int) -> None:
        counts = self.tally.cumulative()
        self.gun.pace()
        at_s = None if self.start_ns is None else (now - self.start_ns) / NS
        self.say({"event": "counts", "at_ns": now, "at_s": at_s, "cpu_ratio": _recent_cpu(self.cpu)} | counts)

    def _keep_tape(self, finished: npt.NDArray[np.intp]) -> None:
        """Deals what comes next and writes off what ended. A record that cannot be kept ends the run."""
        tape, gun = self.loaded.tape, self.gun
        for _ in range(_DEALS_MAX):
            if tape.dealt >= min(len(tape), gun.next + AHEAD_TAPS):
                break
            deal(tape, self.loaded.strands, tape.dealt + _DEALT_AT_ONCE)
            gun.pace()
        if self.spool is None or self.unwritten is not None:
            return
        self.spool.came(finished)
        try:
            self.spool.turn(gun.next)
        except OSError as exc:
            self.unwritten = exc
            self.stop("its tape cannot be written")
            self.over.set()

    def _awaits(self, now: int) -> bool:
        """Can a window still come? A plan that goes on lasts until its end, whether a request is due or not."""
        if not self.config.goes_on or self.orders.stop is not None:
            return False
        return self.start_ns is not None and now < self.start_ns + self.plan_ns

    def say(self, message: dict[str, Any], last: bool = False) -> None:
        """One JSON line. Counts are cumulative, so a line may be left out while the reader is slow."""
        if not self._unwritten or last:
            self._unwritten += json.dumps(message, separators=(",", ":")).encode() + b"\n"
        if last:
            os.set_blocking(1, True)
        try:
            while self._unwritten:
                self._unwritten = self._unwritten[os.write(1, self._unwritten) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unwritten = b""
            self.stop("reader gone")

    async def run(self) -> dict[str, Any]:
        """Connects, waits for the start, fires, drains. Returns the account."""
        config, gun, tape = self.config, self.gun, self.loaded.tape
        self.listen()
        wires = asyncio.create_task(self.wires.run())
        try:
            await self.wires.all_open(config.ready_timeout_s, self.stop_ordered)
            gun.breaks = 0
            if self.orders.stop is None:  # a start ordered now would meet a closed pipe
                self.say({"event": "ready", "pid": os.getpid(), "taps": len(tape), "connections": len(gun.connections)})
            start_ns = self.start_ns = await self._start()
            tape.shift(start_ns)
            gc.collect()
            gc.freeze()
            gc.disable()
            if self.orders.stop is None:
                gun.open_fire()
            ticker = Ticker(asyncio.get_running_loop(), config.tick_us, self.tick)
            try:
                await self.over.wait()
            finally:
                ticker.close()
        finally:
            wires.cancel()
            await asyncio.wait([wires])
        gun.give_up()
        if gun.next:
            self.say({"event": "over"})  # it may be long now until something is told
        self.tally.take()
        if self.unwritten is not None:
            raise self.unwritten
        if self.spool is not None:
            self.spool.settle()
        account = result(
            tape,
            start_ns=start_ns,
            plan_ns=self.plan_ns,
            stopped_ns=self.stopped_ns,
            journeys=self.tally.fired(),
            cpu=self.cpu,
            objective_ms=config.objective_ms,
            one_of_several=config.workers > 1 or bool(config.prepared),
            goes_on=config.goes_on,
        )
        return account | {
            "run_id": config.run_id,
            "worker": config.worker,
            "stop": self.orders.stop,
            "rate_versions": self.versions.played,
            "breaks": gun.breaks,
            "surprises": gun.surprises,
            "awards": len(tape.awards),
            "tickets": list(tape.tickets),
            "resources": used(),
            "counts": self.tally.cumulative(),
        }

    async def _start(self) -> int:
        if self.config.wait_for_start:
            while not self.orders.started.is_set() and not self.stop_ordered():
                if self.config.lease_s and monotonic_ns() - self.orders.lease_ns > self.config.lease_s * NS:
                    self.stop("lease lost")
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await self.orders.started.wait()
        return self.orders.start_ns or self.config.t0_ns or monotonic_ns() + _START_DELAY_NS


def _recent_cpu(samples: list[CpuSample]) -> float | None:
    """CPU and waiting for it over the last second, 1 is a core: a rough figure; the verdict looks at all of them."""
    if len(samples) < 2 or samples[-1].at_ns <= samples[-2].at_ns:
        return None
    before, now = samples[-2:]
    used = now.cpu_ns + now.waited_ns - before.cpu_ns - before.waited_ns
    return used / (now.at_ns - before.at_ns)


def _write(config: CannonConfig, loaded: LoadedGun, account: dict[str, Any]) -> None:
    if config.history is not None:
        writer = config.worker if config.segments_as is None else config.segments_as
        parts = pages(loaded.tape, loaded.uids, config.round, writer)
        names = (config.journey, *(one.journey for one in config.beside))
        journeys: list[dict[str, object]] = [
            {"journey": name, "shot": one.shot.name, "outcomes": list(one.shot.outcomes)}
            for name, one in zip(names, loaded.gun.journeys, strict=True)
        ]
        write_history(Path(config.history), parts, config.run_id, config.seed, writer, journeys)
    path = Path(config.result)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(account))
    fresh.replace(path)


def main(argv: list[str]) -> int:
    if len(argv) != 2:
        print("usage: python -m harness.engine.cannon CONFIG.json", file=sys.stderr)
        return 2
    config = CannonConfig.from_json(Path(argv[1]).read_text(encoding="utf-8"))
    if config.cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {config.cpu})
    policy = schedule_class(config.realtime)
    loaded = load(config)

    async def fire() -> None:
        cannon = Cannon(config, loaded)
        account = await cannon.run() | {"scheduling": policy}
        _write(config, loaded, account)
        if cannon.spool is not None:
            cannon.spool.close()
        cannon.say({"event": "done", "result": config.result, "valid": account["generator"]["valid"]}, last=True)

    try:
        uvloop.run(fire())
    except ConnectionError as exc:
        print(f"cannon: {exc}", file=sys.stderr)
        return 5
    except OSError as exc:  # a full disk: the account cannot be kept, and half an account is none
        print(f"cannon: {exc.filename or 'its history'} cannot be written: {exc.strerror or exc}", file=sys.stderr)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
