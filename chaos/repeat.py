"""One drill many times on one stack: a verdict each. Arm A is played once, because all have its seed. Owns only the
series; `chaos.drill` carries each drill out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

from chaos.drill import DrillOrder, DrillResult, broken, run_drill, stack_of, untouchable
from harness.errors import HarnessError


def repeated(order: DrillOrder, count: int) -> Iterator[DrillResult]:
    """`count` results, fewer where one was interrupted, or where the fault may not be put to this system at all.

    Raises BadInput, EnvironmentNotReady when nothing could be begun.
    """
    if count == 1 or untouchable(order) is not None:
        yield run_drill(order)
        return
    with ExitStack() as undo:
        stack = undo.enter_context(stack_of(order))
        order = replace(order, stack=stack.folder.path)
        for number in range(count):
            try:
                result = run_drill(order)
            except HarnessError as exc:
                if not number:
                    raise
                result = broken(order, exc)  # the results of the others are not lost
            yield result
            if result.verdict == "ABORTED":
                return
            if result.baseline is not None and order.baseline is None:
                order = replace(order, baseline=result.baseline)
