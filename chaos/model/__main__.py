"""`python -m chaos.model`: explores the protocol, prints states, crash points and the result.

Exit code 0: as the page says; 99: not; 2: bad input.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

from chaos.model.explore import Result, exhaust, kind, walk
from chaos.model.rules import BY_NAME, TRIPWIRES
from chaos.model.scenarios import BEYOND, CRASH_POINTS, EXHAUSTED, WALKED, WEIGHTS
from chaos.model.table import Row, lines, rows, without

OK, BAD_INPUT, BROKEN = 0, 2, 99
STATES = 640_000
WALKS = 300
WALK_LENGTH = 200
FAULT_SHARE = 0.08


def explore(states: int, removed: tuple[str, ...] = (), show: bool = True) -> Result:
    """The scenarios, one after the other, each to its end, until so many states are known: each counted once, in
    however many scenarios it comes.
    """
    total, known = Result(), set[int]()
    for scenario in (*EXHAUSTED, *BEYOND):
        left = states - len(known)
        if left <= 0:
            break
        # A scenario that can be exhausted is not cut short: half of one proves little.
        found = exhaust(scenario.machine(removed), max(left, 1) if scenario in BEYOND else 10**9, union=known)
        total.add(found)
        total.states = len(known)
        if show:
            how = "to the end" if found.complete else "cut short"
            print(f"{found.states:9,} states  depth {found.depth:3}  {how:10}  {scenario.name}", flush=True)
    return total


def walks(count: int, seed: int, removed: tuple[str, ...] = (), show: bool = True) -> Result:
    """Seeded walks over instances too large to exhaust."""
    total = Result()
    for scenario in WALKED:
        found = walk(scenario.machine(removed), random.Random(seed), count, WALK_LENGTH, FAULT_SHARE, _weight)
        total.add(found)
        if show:
            print(f"{found.states:9,} states  depth {found.depth:3}  {count} walks  {scenario.name}", flush=True)
    return total


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m chaos.model", description="The money protocol as a model.")
    parser.add_argument("--states", type=_count, default=STATES, help=f"distinct states to reach (default {STATES:,})")
    parser.add_argument("--walks", type=_count, default=WALKS, help=f"walks in each larger instance (default {WALKS})")
    parser.add_argument("--seed", type=int, default=1, help="seed of the walks (default 1)")
    parser.add_argument("--remove", metavar="RULE", help=f"take one rule out: {', '.join((*BY_NAME, *TRIPWIRES))}")
    parser.add_argument("--table", action="store_true", help="take each rule out in turn, print what breaks")
    order = parser.parse_args(argv)
    if order.remove is not None and order.remove not in (*BY_NAME, *TRIPWIRES):
        print(f"no rule {order.remove!r}; there are {', '.join((*BY_NAME, *TRIPWIRES))}", file=sys.stderr)
        return BAD_INPUT
    if order.table:
        return _table()
    if order.remove in BY_NAME:
        return _removed(without(BY_NAME[order.remove], order.states))
    return _sound(order.states, order.walks, order.seed, (order.remove,) if order.remove else ())


def summary(total: Result, walked: Result) -> str:
    """States, and how often each crash point was hit."""
    points = [f"{total.taken[point]:9,} {walked.taken[point]:7,}  {point}" for point in CRASH_POINTS]
    return "\n".join(
        (
            f"{total.states:,} distinct states, {total.steps:,} steps; walks: {walked.steps:,} steps",
            "Crash points, how often each was hit (explored, walked):",
            *points,
        )
    )


def _weight(label: str) -> float:
    return WEIGHTS.get(kind(label), 1.0)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _sound(states: int, walk_count: int, seed: int, removed: tuple[str, ...]) -> int:
    began = time.monotonic()
    total = explore(states, removed)
    walked = walks(walk_count, seed, removed)
    print(f"\n{summary(total, walked)}\nseed of the walks {seed}, {time.monotonic() - began:.1f} s")
    total.add(walked)
    for name, history in sorted(total.broken.items()):
        print(f"\n{name} is broken:")
        print("\n".join(f"{number:3}. {label}" for number, label in enumerate(history, 1)))
    print(f"\nResult: {', '.join(sorted(total.broken)) + ' broken' if total.broken else 'nothing is broken'}")
    return BROKEN if total.broken else OK


def _removed(row: Row) -> int:
    print("\n".join(lines([row])))
    return OK if row.as_said else BROKEN


def _table() -> int:
    found: list[Row] = []

    def each() -> Sequence[Row]:
        found.extend(rows())
        return found

    for line in lines(each()):
        print(line, flush=True)
    wrong = [row.rule.name for row in found if not row.as_said]
    print(f"\nResult: {'not as the page says: ' + ', '.join(wrong) if wrong else 'every rule is needed, as said'}")
    return BROKEN if wrong else OK


if __name__ == "__main__":
    try:
        code = main()
    except BrokenPipeError:  # its reader has seen enough
        code = OK
        sys.stderr.close()
    sys.exit(code)
