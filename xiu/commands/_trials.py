"""Drills that are many kills instead of one fault: finds or starts a stack, runs `chaos.trials.loop`, sums up."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from chaos.drill import VAR, DrillResult, say
from chaos.ready import part_ready
from chaos.seat import seated
from chaos.trials.count import killed
from chaos.trials.loop import RESULTS, Summary, run_trials, summary
from harness.errors import BadInput
from harness.stack import Stack, find_shared, new_folder, raise_open_files
from harness.verdict import Reason, exit_code
from plans.models import LoadedDrill


def run_trials_of(loaded: LoadedDrill, args: argparse.Namespace) -> DrillResult:
    """Kills `--count` times (else as often as the drill says), on the running stack or on one of its own."""
    drill = loaded.drill
    assert drill.trials is not None
    count = args.count or (-(-drill.trials.count // 2) if args.short else drill.trials.count)
    seed = args.seed if args.seed is not None else drill.seed if drill.seed is not None else 1
    result = DrillResult(drill.id, drill.trials.kind, "every part")
    raise_open_files()
    with _stack(args, drill.id) as stack, seated(stack.folder.path, f"drill {drill.id}"):
        places = killed(stack.places)
        parts = tuple(place.name for place in places if place.owned)
        result.notes = [
            f"external: {place.name} belongs to somebody; it is not killed" for place in places if not place.owned
        ]
        if args.dry_run:
            _rehearse(result, stack, parts, f"would kill {count} times, seed {seed}")
        else:
            # A long series that was broken off goes on from its file; without `--resume` every call begins anew.
            file = args.resume or stack.folder.path / f"{drill.id}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{RESULTS}"
            trials = run_trials(stack.folder.path, count, seed, results=file, say=say, parts=parts)
            _judge(result, summary(trials), count)
            result.notes.append(f"every kill: {file}; go on with --resume {file}")
    result.exit_code = exit_code(result.verdict, strict=args.strict)
    return result


@contextmanager
def _stack(args: argparse.Namespace, drill_id: str) -> Iterator[Stack]:
    """The running stack, or one for this drill, which is stopped afterwards."""
    running = [args.stack] if args.stack else find_shared(VAR)
    if len(running) > 1:
        listed = "".join(f"\n  --stack {path}" for path in running)
        raise BadInput(f"{len(running)} stacks run; choose one with{listed}")
    if running:
        yield Stack.attach(running[0])
        return
    say(f"{drill_id}: no stack runs: starting one")
    stack = Stack(new_folder(VAR), private=True).start()
    try:
        yield stack
    finally:
        stack.stop()


def _rehearse(result: DrillResult, stack: Stack, parts: tuple[str, ...], would: str) -> None:
    """Dry run: every part is looked at, none is killed."""
    waiting = [part for part in parts if not part_ready(stack, part)]
    result.notes.append(would)
    result.verdict = "UNKNOWN" if waiting else "PASS"
    if waiting:
        text = f"without any kill not ready: {', '.join(waiting)}"
        result.reasons = (Reason(code="not_steady", text=text),)


def _judge(result: DrillResult, found: Summary, count: int) -> None:
    result.notes.append(str(found))
    if found.open_books:
        text = f"the books of rounds {found.open_books} do not close"
        result.verdict, result.reasons = "INVARIANT_BROKEN", (Reason(code="books_open", text=text),)
    elif found.late:
        result.verdict = "FAIL"
        result.reasons = tuple(Reason(code="late_recovery", text=text) for text in found.late)
    elif found.counted < count:
        text = f"only {found.counted} of {count} kills count"
        result.verdict, result.reasons = "UNKNOWN", (Reason(code="too_few", text=text),)
    elif found.not_judged:
        text = f"{found.not_judged} of {count} came back late while others had the cores; run it on a quiet machine"
        result.verdict, result.reasons = "WARN", (Reason(code="late_not_judged", text=text),)
    else:
        result.verdict = "PASS"
