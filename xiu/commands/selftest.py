"""Prove that the gates can fail: each verdict and each exit code produced on purpose."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness.errors import EnvironmentNotReady, HarnessError
from xiu.commands._gates import HOW, Case, CaseResult, document, quick
from xiu.commands._text import emit, table

EXAMPLE = "xiu selftest --quick"
OK, RED, BUSY = "ok", "RED", "BUSY"
RED_EXIT = 99


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--quick", action="store_true", help="leave out what needs a stack and load (about 2 min)")


def run(args: argparse.Namespace) -> int:
    """0 if every case comes out as it must, else 99; 5 if some could not be shown because the machine is too busy."""
    done: list[tuple[Case, CaseResult, float]] = []
    with tempfile.TemporaryDirectory(prefix="xiu-selftest-") as folder:
        for case, place in _cases(Path(folder), quick_only=args.quick):
            began = time.monotonic()
            came = _came(case, place)
            done.append((case, came, time.monotonic() - began))
            print(
                f"{_mark(case, came):<4} {case.word} {case.exit_code}: {case.why} ({done[-1][2]:.1f} s)",
                file=sys.stderr,
                flush=True,
            )
    marks = [_mark(case, came) for case, came, _ in done]
    if args.json:
        emit({"good": set(marks) == {OK}, "cases": [document(*one) for one in done]})
    else:
        rows = [[case.word, str(case.exit_code), _mark(case, came), case.how, case.why] for case, came, _ in done]
        print(table(("verdict", "exit", "came", "how", "produced by"), rows, " r"))
        print("\n" + "\n".join(f"{how:<8} {what}" for how, what in HOW.items()))
        print(f"\n{marks.count(OK)} of {len(done)} came out as they must")
        for case, came, _ in done:
            if not case.good(came):
                what = f"{case.word} {case.exit_code}, {case.why}"
                print(f"{_mark(case, came)}  {what}: {came.word} {came.exit_code}: {came.output}")
    return RED_EXIT if RED in marks else EnvironmentNotReady.exit_code if BUSY in marks else 0


def _mark(case: Case, came: CaseResult) -> str:
    return OK if case.good(came) else BUSY if came.word == BUSY else RED


def _cases(folder: Path, *, quick_only: bool) -> Iterator[tuple[Case, Path]]:
    """Each case has a folder of its own. The cases on a stack share one, which is stopped at the end."""
    for number, case in enumerate(quick()):
        place = folder / str(number)
        place.mkdir()
        yield case, place
    if not quick_only:
        place = folder / "stack"
        place.mkdir()
        from xiu.commands._gates_live import live  # with parts that run: what drives them is read for these alone

        with live(place) as cases:
            for case in cases:
                yield case, place


def _came(case: Case, place: Path) -> CaseResult:
    """What the case produced. An error on the way is not a verdict."""
    try:
        return case.produce(place)
    except EnvironmentNotReady as exc:
        return CaseResult(BUSY, exc.exit_code, str(exc))
    except (HarnessError, OSError, ValueError, subprocess.SubprocessError) as exc:
        return CaseResult("broken", 1, f"{type(exc).__name__}: {exc}")
