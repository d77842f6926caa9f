"""A run's order as the question that the pre-check answers, and where the answer is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.control_client import ControlClient
from harness.errors import EnvironmentNotReady
from harness.forecast import read_lock
from harness.forecast.share import Share
from harness.guard.kill import REGISTER
from harness.guard.precheck import FILE, Checked, StartRequest, precheck, report
from harness.guard.precheck.shape import entries
from harness.guard.rate import Granted, write_grant
from harness.orchestrate.carried import remembered
from harness.orchestrate.prepare import Sizes, peak_rps, step_rps
from harness.orchestrate.system import System
from harness.orchestrate.untouched import LiveLane
from harness.runs.folder import write_text
from harness.runs.order import RunOrder
from harness.who import me
from plans.models.targets import load_targets


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is there once a run has a folder. `sha256`: of its locked forecast; `live`: None for a run on the live lane;
    `calibration`: empty where the scale was given.
    """

    folder: Path
    sha256: str
    live: LiveLane | None
    calibration: dict[str, Any]


def look(
    order: RunOrder,
    system: System,
    control: ControlClient,
    share: Share,
    sizes: Sizes,
    overload: float = 1.0,
    beginning: Beginning | None = None,
) -> list[Checked]:
    """Every item of the pre-check for this share. `overload`: how much more than its peak will be sent; `beginning`:
    None for the burst, which comes before there is a run.
    """
    plan = order.loaded.plan
    duration_s = len(plan.rounds) * (plan.warm_up.duration + plan.measured_s * plan.stretch(share.duration_s))
    return precheck(
        StartRequest(
            addresses=system.addresses,
            control=control,
            allowed=load_targets(),
            elsewhere=system.elsewhere,
            lane=order.lane,
            peak_rps=peak_rps(plan, share) * max(overload, plan.top),
            duration_s=duration_s,
            taps=peak_rps(plan, share) * duration_s,
            users=share.tapping_at_once,
            connections=sizes.connections,
            runs=order.runs,
            register=order.runs / REGISTER,
            taps_rps=share.peak_rps,
            # A burst goes from nothing to all of it at once.
            step_rps=peak_rps(plan, share) * overload if beginning is None else step_rps(plan, share),
            started_by=me(),
            approved_by=order.approved_by,
            rules=plan.stop,
            burst=beginning is None,
            earlier_rps=remembered(order.runs),
            **({} if beginning is None else _of_the_run(beginning)),
        )
    )


def _of_the_run(beginning: Beginning) -> dict[str, Any]:
    """What the items need that are looked at before the run alone."""
    live, ceiling = beginning.live, beginning.calibration.get("ceiling_rps")
    return {
        "ceiling_rps": ceiling,
        "sum_live": live and live.before,
        "look_at_shadow": live and live.shadow,
        "check_lock": partial(_locked, beginning),
    }


def _locked(beginning: Beginning) -> str:
    return read_lock(beginning.folder, beginning.sha256).sha256


def granted(system: System) -> Granted:
    """What the allow-list grants a run on this system, where several of its entries do the least."""
    return Granted.by(entries(system.addresses, load_targets()))


def keep(found: list[Checked], folder: Path, grant: Granted) -> None:
    """`precheck.json` in the run's folder, and what is granted, which a changed rate must keep to. Raises
    EnvironmentNotReady where it cannot be written.
    """
    try:
        write_grant(folder, grant)
        write_text(folder / FILE, json.dumps(report(found), ensure_ascii=False, indent=1) + "\n")
    except OSError as exc:
        raise EnvironmentNotReady(f"{folder} cannot be written: {exc.strerror or exc}; nothing was sent") from exc
