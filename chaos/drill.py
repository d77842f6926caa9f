"""A drill: arm A without the fault, arm B with it, on one seed and one stack; one verdict. Starts no load where the
fault's part belongs to somebody else, or where something is injected already.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos.drill_verdict import Decided, decide
from chaos.edge import through_the_edge
from chaos.errors import ChaosError, NotHealed
from chaos.facts import FaultFacts, Timed
from chaos.fault_ledger import injected
from chaos.faults import lacking, theirs
from chaos.heal import heal, strays
from chaos.nemesis import FaultNemesis
from chaos.playbook import journal
from chaos.rehearsal import rehearse
from chaos.seat import seated
from harness.control_client import ControlClient
from harness.errors import BadInput, EnvironmentNotReady, HarnessError
from harness.guard.leftovers import LeftoverRound, left, meeting
from harness.guard.room import writable
from harness.orchestrate.run import run_plan
from harness.runs.folder import write_text
from harness.runs.order import RunOrder, order_of
from harness.runs.record import RunRecord
from harness.stack import Stack, find_shared, new_folder, raise_open_files
from harness.stack.external import externals
from harness.stack.places import no_place
from harness.verdict import Reason
from plans.models.fault import sort_of
from plans.models.library import LoadedDrill
from system.contract.links import size_for

VAR = Path("var")
ATTEMPTS = 3
"""An arm whose generator was the limit says nothing; it is repeated this many times."""
PLAYBOOK_S, POLL_S = 60.0, 0.2
SHORT = 0.5
DRILL_S = 120.0
"""Seconds within which both arms of a drill are over."""
ARMS = ("A", "B")


@dataclass(frozen=True, slots=True)
class DrillOrder:
    """One drill to be run. `arms`: which of A and B, in this order; `short`: half as long, alerts not judged."""

    loaded: LoadedDrill
    runs: Path
    var: Path = VAR
    seed: int | None = None
    arms: tuple[str, ...] = ARMS
    short: bool = False
    dry_run: bool = False
    stack: Path | None = None
    strict: bool = False
    progress: str = "auto"
    baseline: RunRecord | None = None
    """Arm A of an earlier drill of the same series: it is not played again."""


@dataclass(slots=True)
class DrillResult:
    """The result, as `drill.json` has it."""

    id: str
    fault: str
    target: str
    """Times of the first fault, as `facts` are; `each` has those of all."""
    verdict: str = "UNKNOWN"
    exit_code: int = 10
    reasons: tuple[Reason, ...] = ()
    allowed: tuple[Reason, ...] = ()
    arms: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: FaultFacts | None = None
    each: dict[str, FaultFacts] = field(default_factory=dict)
    """`N15 on credit-postgres` → what came of it, in the order of their times."""
    notes: list[str] = field(default_factory=list)
    folder: str = ""
    baseline: RunRecord | None = None
    """Arm A, where it is a steady state."""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id, "fault": self.fault, "target": self.target, "verdict": self.verdict,
            "exit_code": self.exit_code, "reasons": [reason.model_dump() for reason in self.reasons],
            "allowed": [reason.model_dump() for reason in self.allowed],
            "arms": self.arms, "facts": _times(self.facts), "notes": self.notes, "folder": self.folder,
            "faults": [{"fault": name, **_times(facts)} for name, facts in self.each.items()],
        }  # fmt: skip


def _times(facts: FaultFacts | None) -> dict[str, Any]:
    return {} if facts is None else {**asdict(facts), **facts.derived}


def run_drill(order: DrillOrder) -> DrillResult:
    """Carries a drill out. Raises BadInput, EnvironmentNotReady when nothing could be begun."""
    drill, timed = order.loaded.drill, order.loaded.timed
    if not timed:
        raise BadInput(f"drill {drill.id} has no fault", expected="one with a fault, not with trials")
    writable(order.runs)
    result = _begun(order)
    why = untouchable(order)
    if why is not None:
        return _ended(order, result, decide(skipped=Reason(code="external", text=why), strict=order.strict))
    raise_open_files()
    with stack_of(order) as stack, seated(stack.folder.path, f"drill {drill.id}"):
        lack = next((lack for when, fault in timed if (lack := lacking(fault, when.target, stack))), None)
        if lack is not None:
            return _ended(order, result, decide(skipped=Reason(code="requires", text=lack), strict=order.strict))
        try:
            _clean(stack, result)
        except ChaosError as exc:
            return _ended(order, result, decide(harness_fault=str(exc), strict=order.strict))
        if in_the_way := _rounds(order, stack):
            text = "what the drill does to the live lane could not be told: " + "; ".join(map(str, in_the_way))
            return _ended(order, result, Decided("UNKNOWN", 10, (Reason(code="rounds_left", text=text),)))
        return _ended(order, result, _led(order, stack, result))


def _led(order: DrillOrder, stack: Stack, result: DrillResult) -> Decided:
    """Rehearsed or played, with the links of the edge that it is aimed at led through their proxies."""
    drill = order.loaded.drill
    try:
        with through_the_edge(stack, drill.id, (when.target for when in drill.whens)):
            if not order.dry_run:
                return _play(order, stack, result)
            decided, notes = rehearse(stack, _timed(order))
            result.notes += notes
            return decided
    except NotHealed as exc:
        return Decided("NOT_HEALED", exc.exit_code, (Reason(code="not_healed", text=str(exc).splitlines()[0]),))
    except ChaosError as exc:
        return decide(harness_fault=str(exc).splitlines()[0], strict=order.strict)


def broken(order: DrillOrder, exc: HarnessError) -> DrillResult:
    """The result of a drill that could not be carried out."""
    return _ended(order, _begun(order), decide(harness_fault=str(exc).splitlines()[0], strict=order.strict))


def _begun(order: DrillOrder) -> DrillResult:
    when = next(iter(order.loaded.drill.whens), None)
    return DrillResult(order.loaded.drill.id, when.id if when else "", when.target if when else "")


def untouchable(order: DrillOrder) -> str | None:
    """Why its faults may not be injected in the stack that would be used; None if they may."""
    if not order.loaded.timed:
        return None
    outside, destroy = _externals(order), order.loaded.drill.destroy
    found = (theirs(fault, when.target, outside, destroy) for when, fault in order.loaded.timed)
    return next((why for why in found if why is not None), None)


def _rounds(order: DrillOrder, stack: Stack) -> list[LeftoverRound]:
    """Live rounds that the fronts work on while this drill plays the stress lane: their traces could not be told from
    the drill's.
    """
    load = order.loaded.load
    if load is None or load.plan.lane != "stress":
        return []
    with ControlClient.of(stack) as control:
        return [one for one in meeting(left(control), DRILL_S) if one.round.lane == "live"]


def _play(order: DrillOrder, stack: Stack, result: DrillResult) -> Decided:
    baseline = disturbed = None
    expect = order.loaded.drill.expect
    if "A" in order.arms:
        if order.baseline is None:
            say(f"{result.id}: arm A, without the fault")
        else:
            result.notes.append(f"arm A: run {order.baseline.run_id}, played by the first of this row")
        baseline = order.baseline or _arm(order, stack, (), result, "A")
        decided = decide(baseline=baseline, strict=order.strict)
        if decided.verdict not in ("PASS", "WARN"):
            return decided
        result.baseline = baseline
    if "B" in order.arms:
        say(f"{result.id}: arm B, " + ", ".join(f"{when.id} on {when.target}" for when in order.loaded.drill.whens))
        disturbed = _arm(order, stack, _timed(order), result, "B")
    return decide(
        baseline=baseline,
        disturbed=disturbed,
        facts=result.each or result.facts,
        expect=expect.model_copy(update={"alert": None}) if order.short else expect,
        has_prometheus=stack.addresses.prometheus_url is not None,
        strict=order.strict,
    )


def _arm(order: DrillOrder, stack: Stack, timed: tuple[Timed, ...], result: DrillResult, letter: str) -> RunRecord:
    for attempt in range(1, ATTEMPTS + 1):
        made: list[FaultNemesis] = []

        def nemesis(system: object, made: list[FaultNemesis] = made) -> FaultNemesis:
            made.append(FaultNemesis(stack.folder.path, *timed))
            return made[-1]

        record = run_plan(_run_order(order, stack), nemesis if timed else None)
        result.arms[letter] = {"run": record.run_id, "verdict": record.verdict, "attempts": attempt}
        if made:
            result.facts, result.each = made[-1].facts, made[-1].each
        if not record.reasons or record.reasons[0].code != "generator_limited" or record.verdict != "INVALID":
            break
        say(f"{result.id}: arm {letter}: {record.reasons[0].text}; played again")
    return record


def _run_order(order: DrillOrder, stack: Stack) -> RunOrder:
    drill, load = order.loaded.drill, order.loaded.load
    assert load is not None
    seed = order.seed if order.seed is not None else drill.seed
    return order_of(
        load, order.runs, seed, scale=drill.scale or load.forecast.scale, progress=order.progress,
        stack=stack.folder.path, duration_s=_duration_s(order),
    )  # fmt: skip


def _duration_s(order: DrillOrder) -> float | None:
    load = order.loaded.load
    if not order.short or load is None:
        return None
    return load.plan.round.duration - load.plan.measured_s * (1 - SHORT)


def _timed(order: DrillOrder) -> tuple[Timed, ...]:
    drill = order.loaded.drill
    part = SHORT if order.short else 1.0
    expected = None if order.short else drill.expect.alert
    alert, within_s = (expected.name, expected.within) if expected else (None, 0.0)
    return tuple(
        Timed(fault, when.target, when.at * part, when.length * part, drill.id, drill.destroy, alert, within_s)
        for when, fault in order.loaded.timed
    )


def _externals(order: DrillOrder) -> Mapping[str, str]:
    """The parts of the stack to be used that belong to somebody else."""
    running = order.stack or next(iter(_running(order)), None)
    return Stack.attach(running).externals if running else externals(os.environ)


def _running(order: DrillOrder) -> list[Path]:
    found = find_shared(order.var)
    if len(found) > 1:
        listed = "".join(f"\n  --stack {path}" for path in found)
        raise BadInput(f"{len(found)} stacks run; choose one with{listed}")
    return found


@contextmanager
def stack_of(order: DrillOrder) -> Iterator[Stack]:
    """The running stack, or one for this drill, which is stopped afterwards."""
    running = order.stack or next(iter(_running(order)), None)
    if running is not None:
        stack = Stack.attach(running)
        _need_targets(stack, [when.target for when in order.loaded.drill.whens])
        yield stack
        return
    sizes = [size_for(when.target) for when in order.loaded.drill.whens] or [(1, 1)]
    fronts, cells = (max(counts) for counts in zip(*sizes, strict=True))
    with ExitStack() as undo:
        say(f"{order.loaded.drill.id}: no stack runs: starting one")
        stack = Stack(new_folder(order.var), fronts=fronts, cells=cells, private=True)
        stack.start()
        undo.callback(stack.stop)
        yield stack


def _need_targets(stack: Stack, targets: Iterable[str]) -> None:
    """Raises BadInput for a part or a link that this stack has not, before anything is done."""
    at = stack.addresses
    known = (*(place.name for place in stack.places), *at.links, *at.edge)
    for target in targets:
        if sort_of(target) in ("part", "link") and target not in known:
            raise no_place(target, known)


def _clean(stack: Stack, result: DrillResult) -> None:
    """Nothing may be injected before: heals what a dead drill left. Raises ChaosError for a toxic that no ledger
    knows.
    """
    folder = stack.folder.path
    busy = [one for one in injected(folder) if one.owner_lives()]
    if busy:
        text = f"{busy[0].fault} on {busy[0].target} is injected by process {busy[0].owner_pid}"
        raise EnvironmentNotReady(f"another drill is at work: {text}; wait for it, or: xiu heal")
    # First of all, because a playbook that an earlier fault started waits for just this.
    result.notes += [f"left by an earlier drill: {line}" for line in heal(folder)]
    _wait_for_playbooks(folder)
    found = strays(stack)
    if found:
        raise ChaosError("something is on the links that no drill entered: " + ", ".join(found) + "; try: xiu heal")


def _wait_for_playbooks(folder: Path) -> None:
    """A playbook that an earlier fault started resets its switches by itself; EnvironmentNotReady if it does not."""
    until, announced = time.monotonic() + PLAYBOOK_S, False
    while playing := [run for run in journal.fold(journal.read(folder / journal.FILE)).values() if not run.over]:
        text = f"playbook {playing[0].playbook} (run {playing[0].run}) is in {playing[0].state}"
        if time.monotonic() > until:
            raise EnvironmentNotReady(f"{text}; wait for its end, or: xiu halt")
        if not announced:
            say(f"{text}: waiting for its end, {PLAYBOOK_S:g} s at most")
        announced = True
        time.sleep(POLL_S)


def _ended(order: DrillOrder, result: DrillResult, decided: Decided) -> DrillResult:
    """With its verdict, written down beside the runs of its arms."""
    result.verdict, result.exit_code = decided.verdict, decided.exit_code
    result.reasons, result.allowed = decided.reasons, decided.allowed
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = order.runs / ".drills" / f"{stamp}-{result.id}-{secrets.token_hex(2)}"
    result.folder = str(folder)
    try:
        folder.mkdir(parents=True)
        write_text(folder / "drill.json", json.dumps(result.to_json(), ensure_ascii=False, indent=1) + "\n")
    except OSError as exc:
        # Printed all the same; but a result that nobody can read again is never green.
        reason = Reason(code="record_incomplete", text=f"{folder} cannot be written: {exc.strerror or exc}")
        result.reasons = (*result.reasons, reason)
        if result.verdict in ("PASS", "WARN"):
            result.verdict, result.exit_code, result.reasons = "HARNESS_FAULT", 10, (reason,)
    return result


def say(text: str) -> None:
    """A line of progress, on stderr."""
    print(text, file=sys.stderr, flush=True)
