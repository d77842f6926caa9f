"""For Locust started by hand: finds or starts a system, and prepares a plan's orders for its workers. Judges
nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

from harness.control_client import ControlClient
from harness.engine import shots
from harness.errors import BadInput, HarnessError
from harness.forecast.share import Share
from harness.guard.kill import REGISTER
from harness.orchestrate.fire_order import RUNS, FireOrder
from harness.orchestrate.prepare import Sizes, prepare
from harness.orchestrate.run import VAR, connections, generator_cpu
from harness.runs.folder import new_run
from harness.runs.order import order_of
from harness.stack import Stack, find_running, find_shared, new_folder, raise_open_files
from plans.models import find, load_plan
from plans.models.quantity import ratio
from plans.models.stress import StressPlan

ADMIN_VARIABLE = "XIU_ADMIN_TOKEN"


@dataclass(frozen=True, slots=True)
class Wish:
    """What Locust's options ask for, checked before anything is started."""

    plan: StressPlan
    share: Share


def wish(plan: str, scale: str, run_time_s: float | None) -> Wish:
    """A plan by file or id at a share of the event; a run time shortens or stretches it to end within it.

    Raises BadInput, PlanError, ShareError.
    """
    loaded = load_plan(find(plan, "stress"), shots.files())
    if loaded.plan.climb is not None:
        raise BadInput(f"plan {loaded.plan.id} is a climb, which nobody leads here", expected=f"xiu plan run {plan}")
    share = order_of(loaded, RUNS, scale=_scale(scale)).share()
    if run_time_s:
        return Wish(*_fit(loaded.plan, share, float(run_time_s)))
    return Wish(loaded.plan, share)


class LocustSession:
    """One Locust's system. `host`: control of a system elsewhere, or a front or control of the stack that runs here."""

    def __init__(self, host: str | None) -> None:
        raise_open_files()
        self._stack: Stack | None = None
        self._owned = False
        self._rounds: list[int] = []
        running = [Stack.attach(path) for path in find_running(VAR)]
        if host:
            self._stack = next((stack for stack in running if host.rstrip("/") in _urls(stack)), None)
            self._control = ControlClient.of(self._stack) if self._stack else _elsewhere(host)
            return
        running = [Stack.attach(path) for path in find_shared(VAR)]
        if len(running) > 1:
            raise BadInput(f"{len(running)} stacks run", expected="-H with the control's address of one of them")
        if not running:
            print("no stack runs: starting one for this Locust", flush=True)
            self._owned = True
            running = [Stack(new_folder(VAR), detach=True, private=True).start()]
        self._stack = running[0]
        self._control = ControlClient.of(self._stack)

    def prepare(self, wish: Wish, workers: int) -> FireOrder:
        """The order for so many workers."""
        folder = new_run(RUNS, f"locust-{wish.plan.id}")
        sizes = Sizes(connections=connections(), cpu=generator_cpu() if workers == 1 else None, workers=workers)
        prepared = prepare(
            self._control, wish.plan, wish.share, wish.plan.lane, sizes, folder.name, folder, RUNS / REGISTER,
            wish.plan.seed, self._stack.folder.path if self._stack else None, lead_s=LEAD_S,
        )  # fmt: skip
        self._rounds.append(prepared.round.round)
        return prepared.order

    def end(self) -> None:
        """Closes the rounds that were armed here, over or not, and stops what was started here."""
        for round_id in self._rounds:
            with suppress(HarnessError):
                self._control.ask_close(round_id, before_end=True)
        if self._owned and self._stack is not None:
            self._stack.down()


def _urls(stack: Stack) -> tuple[str, ...]:
    at = stack.addresses
    return (at.control_url or "", *at.front_urls)


def _elsewhere(host: str) -> ControlClient:
    token = os.environ.get(ADMIN_VARIABLE, "")
    if not token:
        raise BadInput(
            f"{host} is no control or front of a stack that runs here",
            expected=f"such an address, or the operators' token of that system in {ADMIN_VARIABLE}",
        )
    return ControlClient(host, host, token)


def _scale(text: str) -> Fraction | None:
    try:
        return ratio(text) if text else None
    except ValueError as exc:
        raise BadInput(f"--xiu-scale {text}: {exc}") from exc


LEAD_S, SPARE_S = 5.0, 1.0
"""The cannons of workers started by hand load within this, on whatever hosts; and what the fire may be late."""


def _fit(plan: StressPlan, share: Share, run_time_s: float) -> tuple[StressPlan, Share]:
    """The plan squeezed so that its last tap comes before Locust's run time is over. Raises BadInput if it
    is too short.
    """
    margin = plan.round.duration - plan.measured_s
    warm_up = min(plan.warm_up.duration, 1.0)
    room = run_time_s - LEAD_S - SPARE_S - warm_up
    if room < 2:
        raise BadInput(
            f"-t {run_time_s:g}s leaves no time for a round", expected=f"at least {LEAD_S + SPARE_S + warm_up + 2:g} s"
        )
    shorter = plan.model_copy(
        update={
            "warm_up": plan.warm_up.model_copy(update={"duration": warm_up}),
            "round": plan.round.model_copy(update={"opens": 0.0}),
        }
    )
    return shorter, replace(share, duration_s=room + margin, release_s=room * plan.round.release)
