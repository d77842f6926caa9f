"""Close the books: each invariant, its figure, its residue."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.asking import answer
from harness.children import for_children
from harness.errors import BadInput, EnvironmentNotReady
from harness.orchestrate.system import OwnStack
from harness.runs.folder import RunNotFound, StoredRun, find_run
from harness.stack import Stack
from system.contract.ids import LANES, Lane
from xiu.commands import _stacks

EXAMPLE = "xiu audit --run last"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--lane", choices=LANES, help="default: the run's lane, else live")
    parser.add_argument(
        "--round", type=int, action="append", default=[], metavar="N", help="only this round; may be repeated"
    )
    parser.add_argument(
        "--run", metavar="RUN", help="with this run's history: also S2, S4, S6, S9, S10, S11, S17 and the amounts shown"
    )
    _stacks.add_stack_options(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the audit as a process. Needs no running stack: starts the stores of the run's stack, else of the last."""
    history, lane, folder = _of_run(args)
    args.lane = args.lane or lane
    with _stacks.stores(args, folder) as stack:
        return _ask(stack, args, history)


def _of_run(args: argparse.Namespace) -> tuple[Path | None, Lane, Path | None]:
    """The run's history, its lane, and the folder of its stack."""
    if args.run is None:
        return None, "live", None
    try:
        found = find_run(args.run, Path(args.runs))
    except RunNotFound as exc:
        raise BadInput(str(exc)) from exc
    folder = found.folder / "history"
    if not folder.is_dir():
        raise BadInput(f"{folder}: this run has no history")
    return folder, found.record.lane, _stack_of(found, args)


def _stack_of(found: StoredRun, args: argparse.Namespace) -> Path:
    """Only the stack on which a run was played has its books. The books of another stack would look broken."""
    record = found.record
    run = f"run {record.run_id}"
    if record.target != OwnStack.name:
        raise BadInput(f"{run} was on {record.target}: its stores are out of reach", expected="a run on a stack here")
    if record.stack is None:
        if args.stack is None:
            raise BadInput(f"{run} does not say on which stack it was", expected="--stack DIR, that stack's folder")
        return Path(args.stack)
    folder = (found.folder / record.stack).resolve()
    if args.stack is not None:
        if args.stack.resolve().name != folder.name:
            raise BadInput(f"{run} was on stack {folder.name}, not on {args.stack}", expected="that, or no --stack")
        return Path(args.stack)
    if not folder.is_dir():
        raise EnvironmentNotReady(f"{run} was on the stack in {folder}, which is gone; if it was moved: --stack DIR")
    return folder


def _ask(stack: Stack, args: argparse.Namespace, history: Path | None) -> int:
    """The audit is a process of its own: the harness has no query and no key to read the stores."""
    stores = {**stack.addresses.store_variables, "XIU_SECRET_FILE": str(stack.folder.secret / "key")}
    env = for_children(stores)
    command = ["system.audit", "--lane", args.lane]
    command += [part for number in args.round for part in ("--round", str(number))]
    command += ["--history", str(history)] if history is not None else []
    command += ["--json"] if args.json else []
    done = answer(command, env, "the audit")
    if done.stdout:
        print(done.stdout, end="")
        return done.returncode
    text = done.stderr.strip()
    if done.returncode == BadInput.exit_code:
        raise BadInput(text)
    raise EnvironmentNotReady(text or f"the audit ended with code {done.returncode}")
