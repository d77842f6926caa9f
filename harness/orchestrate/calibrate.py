"""Calibration: what generator and front carry together, with the whole stack up. Sends a short burst to a round of the
stress lane.

The burst offers more than the event's share asks for; what is answered a second is the smaller of the two ceilings.
Rate = min(forecast's rate, 0.85 × measured) × what the plan says under `calibrated`. The round is closed afterwards;
the live lane is not touched.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from harness.control_client import ControlClient
from harness.engine.process import CannonProcess, CannonResult
from harness.errors import Aborted
from harness.forecast.share import Share
from harness.guard.kill import KILLS, registered
from harness.orchestrate import closing
from harness.orchestrate.prepare import PreparedRound, Sizes, burst
from harness.phrases import sentence
from harness.runs.order import RunOrder

SAFE = 0.85
OVERLOAD = 1.35
BURST_S = 3.0
SETTLED_S = 1.0
ROUND_DEADLINE_S = 20.0
COARSE = 20
"""Shares are rounded down to a twentieth of the full one, so that runs on one machine can be compared."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured, in taps answered a second. `part`: of the forecast's share that is played: what is carried
    safely, at most 1, times `wanted`, the plan's share of it.
    """

    carried_rps: float
    asked_rps: float
    part: Fraction
    p99_ms: float | None
    wanted: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """For `environment.json`."""
        return {
            "carried_rps": round(self.carried_rps),
            "ceiling_rps": round(self.carried_rps),
            "asked_rps": round(self.asked_rps),
            "part": str(self.part),
            "burst_p99_ms": self.p99_ms,
        }


def calibrate(
    order: RunOrder, control: ControlClient, sizes: Sizes, register: Path, stack: Path | None = None
) -> Calibration:
    """Sends the burst and closes its round. Raises ControlError, ControlAway, CannonError, Aborted."""
    share = order.share()
    hot = replace(share, peak_rps=share.peak_rps * OVERLOAD)
    with tempfile.TemporaryDirectory(prefix="xiu-calibrate-") as folder:
        prepared = burst(control, hot, BURST_S, sizes, Path(folder), register, stack)
        with closing.given_back(control, prepared.round.round):
            seen, result = _fired(prepared, order.begun_s)
    # The burst's round has served; a close that takes long goes on by itself.
    if closing.over(control, prepared.round.end_us, ROUND_DEADLINE_S):
        closing.close(control, prepared.round.round, ROUND_DEADLINE_S)
    carried = _carried(seen, result.data["start_ns"] / 1e9)
    part, wanted = safe_part(carried, share.peak_rps), order.loaded.plan.calibrated
    p99_ms = result.latency_ms["response"]["p99"]
    return Calibration(carried, hot.peak_rps, part * Fraction(str(wanted)), p99_ms, wanted)


def safe_part(carried_rps: float, peak_rps: float) -> Fraction:
    """Of the forecast's peak, what is carried safely: whole twentieths, one at least, all of them at most."""
    part = min(Fraction(1), Fraction(int(SAFE * carried_rps / peak_rps * COARSE), COARSE))
    return max(part, Fraction(1, COARSE))


def _fired(prepared: PreparedRound, since_s: float) -> tuple[list[tuple[float, int]], CannonResult]:
    """[seconds, answered] as the cannon reported them, and its account. Raises CannonError; Aborted where it was
    stopped by order: who stops the burst does not want the run either.
    """
    seen: list[tuple[float, int]] = []
    order = prepared.order
    with (
        CannonProcess(config := order.unpack(0, 1)) as cannon,
        registered(
            [Path(one) for one in (order.register, order.beside) if one],
            cannon.process.pid,
            order.run_id,
            Path(config.kill_file or ""),
            since_s=since_s,
        ),
    ):
        for message in cannon.lines():
            if message["event"] == "ready":
                cannon.start(order.t0_ns())
            elif message["event"] == "counts":
                seen.append((message["at_ns"] / 1e9, message["answered"]))
            if cannon.process.poll() is None:
                cannon.lease()
        result = cannon.result()
    if result.data["stop"] in KILLS:
        raise Aborted(f"the burst was stopped ({result.data['stop']}): nothing more is sent")
    return seen, result


def _carried(seen: list[tuple[float, int]], start_s: float) -> float:
    """Answers a second from the second on, as long as there was something to answer."""
    hot = [(at, count) for at, count in seen if at >= start_s + SETTLED_S]
    while len(hot) > 2 and hot[-1][1] == hot[-2][1]:
        hot.pop()
    hot = [point for point in hot if point[0] <= start_s + BURST_S] if len(hot) > 4 else hot
    if len(hot) < 2:
        return 0.0
    (first_at, first), (last_at, last) = hot[0], hot[-1]
    return (last - first) / (last_at - first_at)


def describe(calibration: Calibration, share: Share) -> str:
    """One sentence: which share is played, and why."""
    measured = {"carried": calibration.carried_rps, "asked": calibration.asked_rps}
    if calibration.wanted < 1:
        shares = {"part": float(calibration.part), "wanted": calibration.wanted, "safe": SAFE}
        return sentence("share_wanted", **shares, **measured)
    if calibration.part < 1:
        return sentence("share_smaller", part=float(calibration.part), safe=SAFE, **measured)
    return sentence("share_natural", **measured)
