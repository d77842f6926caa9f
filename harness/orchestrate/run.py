"""One order from nothing to a record: finds or starts a stack, chooses the share, conducts the run, repeats it once
where that is due.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from harness.control_client import ControlClient
from harness.errors import BadInput, EnvironmentNotReady
from harness.guard.kill import REGISTER
from harness.guard.precheck import refuse
from harness.guard.room import writable
from harness.orchestrate import acts
from harness.orchestrate.calibrate import BURST_S, OVERLOAD, calibrate, describe
from harness.orchestrate.carried import remember
from harness.orchestrate.checks import look
from harness.orchestrate.chosen import Chosen
from harness.orchestrate.conduct import Conductor
from harness.orchestrate.hooks import Nemesis
from harness.orchestrate.prepare import Sizes
from harness.orchestrate.system import ADMIN_VARIABLE, Elsewhere, OwnStack, System
from harness.phrases import sentence
from harness.runs.doors import listened_at
from harness.runs.order import RunOrder
from harness.runs.record import RunRecord
from harness.stack import Stack, find_shared, new_folder, raise_open_files, schedule
from plans.models.targets import load_targets
from system.contract.addresses import is_loopback

VAR = Path("var")
SPARE_FILES = 256


def run_plan(order: RunOrder, nemesis: Callable[[System], Nemesis] | None = None) -> RunRecord:
    """Carries the order out and returns its record; everything is written to a new folder under `order.runs`.

    `nemesis(system)` makes what disturbs the system under load, a new one for each attempt.

    Raises EnvironmentNotReady or BadInput when nothing could be begun.
    """
    writable(order.runs)
    listened_at(order.doors)
    raise_open_files()
    schedule("batch")  # this process, Locust and the sampler yield to front and generator
    workers = order.loaded.plan.workers
    here = workers == 1 and order.doors.workers is None
    sizes = Sizes(connections=connections(), cpu=generator_cpu() if here else None, workers=workers)
    with _system(order) as system:
        chosen = choose(order, system, sizes)
        record = Conductor(order, system, chosen, sizes, nemesis and nemesis(system)).carry_out()
        if record.verdict != "INVALID" or not order.calibrates:
            return record
        half = replace(
            chosen,
            share=order.share(Fraction(chosen.calibration["part"]) / 2),
            why=sentence("share_half", run=record.run_id),
            smaller=True,
        )
        say(f"INVALID: {record.reasons[0].text}; once more at half the rate")
        return Conductor(order, system, half, sizes, nemesis and nemesis(system)).carry_out()


def choose(order: RunOrder, system: System, sizes: Sizes) -> Chosen:
    """The share of the event to play: the one ordered, or what calibration says this machine carries."""
    if not order.calibrates:
        return Chosen(order.share(), sentence("share_told"), False, {})
    control = ControlClient.of(system)
    # The burst is load too, so what forbids the run forbids the burst.
    refuse(
        look(
            replace(order, lane="stress") if not system.elsewhere else order,
            system,
            control,
            order.share(),
            sizes,
            OVERLOAD,
        )
    )
    acts.burst(order, order.share().peak_rps * OVERLOAD, BURST_S)
    say("calibrating: a burst of three seconds on the stress lane")
    found = calibrate(order, control, sizes, order.runs / REGISTER, system.folder)
    remember(order.runs, found.carried_rps)
    control.close()
    why = describe(found, order.share())
    say(why)
    return Chosen(order.share(found.part), why, found.part < 1, found.to_json())


def fronts_of(order: RunOrder) -> int:
    """Of a stack that is started for the run: two where the plan needs a last one, else one."""
    return 1 if order.loaded.plan.last_front is None else 2


def say(text: str) -> None:
    """A line of progress, on stderr so that `--json` has stdout for itself."""
    print(text, file=sys.stderr, flush=True)


def connections() -> int:
    """Connections that the open-file limit allows; both ends may be children of one shell."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, soft - SPARE_FILES)


def generator_cpu() -> int | None:
    """The front has core 0, the cannon core 1, where there are two."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return allowed[1] if len(allowed) > 1 else None


@contextmanager
def _system(order: RunOrder) -> Iterator[System]:
    """The system to send to: one elsewhere, or a stack of this host."""
    if order.on is None:
        with _stack(order) as stack:
            yield OwnStack(stack)
        return
    allowed = load_targets()
    if not is_loopback(order.on) and allowed.entry(order.on) is None:
        # Not even its topology is read.
        raise EnvironmentNotReady(f"{order.on} does not stand in the allow-list; expected it in plans/targets.yaml")
    yield Elsewhere(order.on, os.environ.get(ADMIN_VARIABLE, ""), allowed.entry(order.on))


@contextmanager
def _stack(order: RunOrder) -> Iterator[Stack]:
    """The stack that was left running for everybody, or one private to this run."""
    if order.stack is not None:
        yield Stack.attach(order.stack)
        return
    running = [] if order.own_stack else find_shared(VAR)
    if len(running) > 1:
        listed = "".join(f"\n  --stack {path}" for path in running)
        raise BadInput(f"{len(running)} stacks run; choose one with{listed}")
    if running:
        yield Stack.attach(running[0])
        return
    with ExitStack() as undo:
        stack = Stack(new_folder(VAR), detach=order.keep, more=order.parts, private=True, fronts=fronts_of(order))
        stack.start()
        if order.keep:
            undo.callback(stack.release)
        else:
            undo.callback(stack.stop)
        yield stack
