"""`python -m tests.support.flush_frozen --count 20`: drill `flush` in a row, control frozen in every second of them.

Control stands still from just before FLUSHALL until 2.5 s after it: no new epoch comes, while the ledger knows what the
log has lost. A row of drills on a stack of its own, in the current folder; prints a line each, exits with the worst.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from chaos.drill import DrillOrder, DrillResult
from chaos.drill_verdict import worst
from chaos.faults import kinds
from chaos.kinds import FaultKind
from chaos.library import load_faults
from chaos.repeat import repeated
from harness.stack import Stack
from harness.verdict import exit_code
from plans.models import find_drill, load_drill

FROZEN_S = 2.5


class FrozenControl:
    """The kind `flush`, with control frozen around it while `wanted`. `times`: how often it was."""

    def __init__(self, wanted: bool = False) -> None:
        self.wanted, self.times, self._flush = wanted, 0, kinds()["flush"]
        self._thaw: threading.Timer | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._flush, name)  # all but the injection is as ever

    def inject(self, stack: Stack, detail: dict[str, Any]) -> None:
        """As the kind itself, while control stands still."""
        if not self.wanted:
            self._flush.inject(stack, detail)
            return
        self.times += 1
        pid = stack.pid("control")
        os.kill(pid, signal.SIGSTOP)
        self._thaw = threading.Timer(FROZEN_S, os.kill, (pid, signal.SIGCONT))
        self._thaw.start()
        self._flush.inject(stack, detail)

    def end(self) -> None:
        """Control runs again, whatever happened."""
        if self._thaw is not None:
            self._thaw.join()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The drills of this process flush this way while the block lasts."""
        kinds()["flush"] = cast("FaultKind[Any]", self)
        try:
            yield
        finally:
            kinds()["flush"] = self._flush
            self.end()


def drills(
    folder: Path, count: int, frozen: FrozenControl, arms: tuple[str, ...] = ("A", "B")
) -> Iterator[DrillResult]:
    """A row of short ones."""
    loaded = load_drill(find_drill("flush"), load_faults())
    order = DrillOrder(loaded, folder / "runs", var=folder / "var", arms=arms, short=True, progress="none")
    with frozen.in_place():
        for result in repeated(order, count):
            yield result
            frozen.wanted = not frozen.wanted  # in every second drill, whatever its arm had to be played again


def s2(folder: Path, result: DrillResult) -> dict[str, Any]:
    """What arm B's audit says of S2."""
    record = json.loads((folder / "runs" / result.arms["B"]["run"] / "run.json").read_text())
    return next(row for row in record["invariants"] if row["code"] == "S2")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--first", action="store_true", help="frozen in the first one, not in the second")
    parser.add_argument("--arms", default="AB")
    args = parser.parse_args()
    verdicts, frozen, here = [], FrozenControl(args.first), Path.cwd()
    for result in drills(here, args.count, frozen, tuple(args.arms)):
        verdicts.append(result.verdict)
        row = s2(here, result) if "B" in result.arms else {}
        reasons = "; ".join(reason.text for reason in result.reasons)
        figure = f"S2 {row.get('valid')}: {row.get('counted')} samples, {row.get('figure') or 'no look without one'}"
        print(
            f"{len(verdicts):>2} {result.verdict:<8} control frozen {frozen.times} times  {figure}  {reasons}",
            flush=True,
        )
    return exit_code(worst(verdicts))


if __name__ == "__main__":
    sys.exit(main())
