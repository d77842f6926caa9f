"""Prove that the gates can fail: each verdict and each exit code produced on purpose."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness.commands._gates import HOW, Came, Case, document, quick
from harness.commands._gates_live import live
from harness.commands._text import emit, table
from harness.errors import HarnessError

EXAMPLE = "xiu selftest --quick"
RED = 99


def configure(parser: argparse.ArgumentParser) -> None:
    """The word's options."""
    parser.add_argument("--quick", action="store_true", help="leave out what needs a stack and load (about 2 min)")


def run(args: argparse.Namespace) -> int:
    """0 if every one comes out as it must, else 99."""
    done: list[tuple[Case, Came, float]] = []
    with tempfile.TemporaryDirectory(prefix="xiu-selftest-") as folder:
        for case, place in _cases(Path(folder), quick_only=args.quick):
            began = time.monotonic()
            came = _came(case, place)
            done.append((case, came, time.monotonic() - began))
            mark = "ok " if case.good(came) else "RED"
            print(f"{mark} {case.word} {case.exit_code}: {case.why} ({done[-1][2]:.1f} s)", file=sys.stderr, flush=True)
    red = [case for case, came, _ in done if not case.good(came)]
    if args.json:
        emit({"good": not red, "cases": [document(*one) for one in done]})
    else:
        rows = [
            [case.word, str(case.exit_code), "ok" if case.good(came) else "RED", case.how, case.why]
            for case, came, _ in done
        ]
        print(table(("verdict", "exit", "came", "how", "produced by"), rows, " r"))
        print("\n" + "\n".join(f"{how:<8} {what}" for how, what in HOW.items()))
        print(f"\n{len(done) - len(red)} of {len(done)} came out as they must")
        for case, came, _ in done:
            if not case.good(came):
                print(f"RED  {case.word} {case.exit_code}, {case.why}: {came.word} {came.exit_code}: {came.said}")
    return RED if red else 0


def _cases(folder: Path, *, quick_only: bool) -> Iterator[tuple[Case, Path]]:
    """Each with a folder of its own; those on a stack share one, that is stopped when they are through."""
    for number, case in enumerate(quick()):
        place = folder / str(number)
        place.mkdir()
        yield case, place
    if not quick_only:
        place = folder / "stack"
        place.mkdir()
        with live(place) as cases:
            for case in cases:
                yield case, place


def _came(case: Case, place: Path) -> Came:
    """What the case produced; what broke on the way is no verdict."""
    try:
        return case.produce(place)
    except (HarnessError, OSError, ValueError, subprocess.SubprocessError) as exc:
        return Came("broken", 1, f"{type(exc).__name__}: {exc}")
