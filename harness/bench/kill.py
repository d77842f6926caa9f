"""Bench ``kill``: the three ways of stopping stress traffic, each alone at full fire ÷ the second that is promised.

A whole stack, taps of the stress lane at the event's rate. Each way is used by itself two seconds into the fire. Of the
kill file and the signal the last request sent counts, of the front's switch the last that was not refused, both by the
cannon's own records; the time begins before the order is given. Beside them the lease: nobody renews it any more.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.bench.common import Report, Say, two_cores
from harness.control_client import ControlClient
from harness.engine import shots
from harness.engine.process import CannonProcess
from harness.engine.recorder import Records, read_history
from harness.errors import EnvironmentNotReady
from harness.forecast.share import Share, share_of
from harness.guard.kill import REGISTER, SWITCH, GeneratorProcess, by_file, by_signal, registered
from harness.orchestrate import closing
from harness.orchestrate.prepare import LEASE_S, Sizes, burst
from harness.stack import Stack, new_folder
from plans.models import find, load_plan

PROMISE_S = 1.0
SECONDS = 10.0
PRESSED_AFTER_S = 2.0
CONNECTIONS = 1_000
TIMES = 3
SILENT_S = 2.0
"""After the switch the cannon goes on for so long: what it sends then must be refused."""
CLOSED_S = 20.0
OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class StopWay:
    """One way. `press` takes the generator; `counts`: which requests are still traffic afterwards."""

    name: str
    press: Callable[[ControlClient, GeneratorProcess], object]
    counts: Callable[[Records], np.ndarray]
    ends_cannon: bool = True
    renews: bool = True
    """Is the lease renewed afterwards?"""


def _accepted(records: Records) -> np.ndarray:
    return (records["http"] >= OK.start) & (records["http"] < OK.stop)


def _sent(records: Records) -> np.ndarray:
    return records["sent_ns"] > 0


def _switch(control: ControlClient, generator: GeneratorProcess) -> None:
    control.set_switch(SWITCH, 0, "bench", "how long until nothing is taken")


WAYS = (
    StopWay("kill file", lambda control, generator: by_file([generator]), _sent),
    StopWay("signal", lambda control, generator: by_signal([generator]), _sent),
    StopWay("switch", _switch, _accepted, ends_cannon=False),
)
LEASE = StopWay("lease", lambda control, generator: None, _sent, renews=False)
"""Whoever renewed it is gone: promised within `LEASE_S`, and so no part of the ratio."""


def run(say: Say, *, seconds: float = SECONDS, connections: int = CONNECTIONS) -> Report:
    """Raises EnvironmentNotReady without two cores, or where the fire was over before it was stopped."""
    _, core = two_cores()
    loaded = load_plan(find("gala-share", "stress"), shots.files())
    share = share_of(loaded.forecast, loaded.plan, loaded.forecast.scale)
    taken: dict[str, list[float]] = {way.name: [] for way in WAYS}
    with (
        tempfile.TemporaryDirectory(prefix="xiu-kill-") as folder,
        Stack(new_folder(Path(folder)), with_prometheus=False, environment={}) as stack,
        ControlClient.of(stack) as control,
    ):
        for number in range(TIMES):
            for way in WAYS:
                here = Path(folder) / f"{number}-{way.name.replace(' ', '-')}"
                silent_s = _silent_s(control, way, share, Sizes(connections, core), here, seconds)
                taken[way.name].append(silent_s)
                say(f"{way.name}: {silent_s * 1000:,.0f} ms at {share.peak_rps:,.0f}/s")
        lost_s = _silent_s(control, LEASE, share, Sizes(connections, core), Path(folder) / "lease", seconds)
        say(f"lease: {lost_s:.2f} s without a renewal")
    samples = tuple((max(each), PROMISE_S) for each in zip(*taken.values(), strict=True))
    extra = {
        "rate_rps": share.peak_rps,
        "ways_s": {name: [round(one, 4) for one in each] for name, each in taken.items()},
        "lease_lost_s": round(lost_s, 3),
        "lease_promise_s": LEASE_S,
    }
    return Report("kill", "s until the slowest way was silent", "the promise of a second", samples, extra)


def _silent_s(control: ControlClient, way: StopWay, share: Share, sizes: Sizes, folder: Path, seconds: float) -> float:
    """From the order to the last request that counts, 0 where there is none."""
    prepared = burst(control, share, seconds, sizes, folder, folder / REGISTER)
    order = replace(prepared.order, config={**prepared.order.config, "history": "history"})
    pressed_ns = 0
    with closing.given_back(control, prepared.round.round), CannonProcess(order.unpack(0, 1)) as cannon:
        register = [folder / REGISTER]
        with registered(register, cannon.process.pid, "bench", folder / "kill") as generator:
            for message in cannon.lines():
                if message["event"] == "ready":
                    cannon.start(order.t0_ns())
                elif message["event"] == "counts":
                    now_ns = time.monotonic_ns()
                    if not pressed_ns and message["answered"] > PRESSED_AFTER_S * share.peak_rps:
                        pressed_ns = now_ns
                        way.press(control, generator)
                    elif pressed_ns and not way.ends_cannon and now_ns - pressed_ns > SILENT_S * 1e9:
                        cannon.stop()
                if cannon.process.poll() is None and (way.renews or not pressed_ns):
                    cannon.lease()
            left = cannon.result().load["unsent"]
    control.set_switch(SWITCH, 1, "bench", "the next one")
    number = prepared.round.round
    closing.close(control, number, CLOSED_S, ask=lambda: control.ask_close(number, before_end=True))
    records = read_history(folder / "history", check=False)
    if not pressed_ns or not left:
        raise EnvironmentNotReady(
            f"{way.name}: the fire was over before it was stopped; expected a longer one: --seconds"
        )
    last_ns = int(records["sent_ns"][way.counts(records)].max())
    return max(0.0, (last_ns - pressed_ns) / 1e9)
