"""Drills that are many kills instead of one fault: finds a stack, lets `chaos.trials` kill, sums up."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from datetime import UTC, datetime

from chaos.drill import VAR, DrillResult, say
from chaos.trials import RESULTS, run_trials, summary
from harness.errors import BadInput
from harness.stack import Stack, find_shared, new_folder, raise_open_files
from harness.verdict import Reason, exit_code
from plans.models import LoadedDrill


def run_trials_of(loaded: LoadedDrill, args: argparse.Namespace) -> DrillResult:
    """Kills `--count` times (else as often as the drill says), on the stack that runs or one of its own."""
    drill = loaded.drill
    assert drill.trials is not None
    count = args.count or drill.trials.count
    seed = args.seed if args.seed is not None else drill.seed if drill.seed is not None else 1
    result = DrillResult(drill.id, drill.trials.kind, "every part")
    if args.dry_run:
        result.verdict, result.exit_code = "PASS", 0
        result.notes = [f"would kill {count} times, seed {seed}"]
        return result
    raise_open_files()
    running = [args.stack] if args.stack else find_shared(VAR)
    if len(running) > 1:
        listed = "".join(f"\n  --stack {path}" for path in running)
        raise BadInput(f"{len(running)} stacks run; choose one with{listed}")
    with ExitStack() as undo:
        if not running:
            say(f"{drill.id}: no stack runs: starting one")
            stack = Stack(new_folder(VAR), private=True).start()
            undo.callback(stack.stop)
            running = [stack.folder.path]
        # A long run that was broken off goes on from its file; without `--resume` every call kills anew.
        file = args.resume or running[0] / f"{drill.id}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{RESULTS}"
        trials = run_trials(running[0], count, seed, results=file, say=say)
    found = summary(trials)
    result.notes = [str(found), f"every kill: {file}; go on with --resume {file}"]
    if found.open_books:
        text = f"the books of rounds {found.open_books} do not close"
        result.verdict, result.reasons = "INVARIANT_BROKEN", (Reason(code="books_open", text=text),)
    elif found.late:
        result.verdict = "FAIL"
        result.reasons = tuple(Reason(code="late_recovery", text=text) for text in found.late)
    elif found.counted < count:
        text = f"only {found.counted} of {count} kills count"
        result.verdict, result.reasons = "UNKNOWN", (Reason(code="too_few", text=text),)
    else:
        result.verdict = "PASS"
    result.exit_code = exit_code(result.verdict, strict=args.strict)
    return result
