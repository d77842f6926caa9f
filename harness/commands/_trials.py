"""Drills that are many kills instead of one fault: finds a stack, lets `chaos.trials` kill, sums up."""

from __future__ import annotations

import argparse
import importlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from chaos.drill import DrillResult, say
from harness.errors import EnvironmentNotReady
from harness.stack import Stack, find_running, new_folder
from harness.verdict import Reason, exit_code
from plans.models import LoadedDrill

VAR = Path("var")


def run_trials_of(loaded: LoadedDrill, args: argparse.Namespace) -> DrillResult:
    """Kills `--count` times (else as often as the drill says), on the stack that runs or one of its own."""
    drill = loaded.drill
    assert drill.trials is not None
    result = DrillResult(drill.id, drill.trials.kind, "every part")
    try:
        trials: Any = importlib.import_module("chaos.trials")
    except ModuleNotFoundError as exc:
        raise EnvironmentNotReady("kill trials are not part of this version") from exc
    running = [args.stack] if args.stack else find_running(VAR)
    if len(running) > 1:
        raise EnvironmentNotReady("several stacks run; choose one with --stack DIR")
    with ExitStack() as undo:
        if running:
            folder = running[0]
        else:
            stack = Stack(new_folder(VAR))
            stack.start()
            undo.callback(stack.stop)
            folder = stack.folder.path
        seed = args.seed if args.seed is not None else drill.seed if drill.seed is not None else 1
        found = trials.run_trials(folder, args.count or drill.trials.count, seed, say=say)
    lost = [trial for trial in found if trial.closed is False]
    counted = sum(trial.counts for trial in found)
    if lost:
        result.reasons = tuple(Reason(code="books_open", text=str(trial)) for trial in lost)
        result.verdict = "INVARIANT_BROKEN"
    elif counted < (args.count or drill.trials.count):
        result.reasons = (Reason(code="too_few", text=f"only {counted} of the trials count"),)
        result.verdict = "UNKNOWN"
    else:
        result.verdict = "PASS"
    result.notes = [f"{counted} kills that count, {len(found)} in all"]
    result.exit_code = exit_code(result.verdict)
    return result
