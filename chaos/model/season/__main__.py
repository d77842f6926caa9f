"""`python -m chaos.model.season`: explores the season's rules to the end; `--table` takes each out in turn.

Exit code 0: as docs/season.md says; 99: not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import cache

from chaos.model.explore import Result, exhaust
from chaos.model.rules import Rule
from chaos.model.season.rules import TABLE, RulesInForce
from chaos.model.season.scenarios import EXHAUSTED, WITHOUT

STATES_MAX = 1_000_000
OK, BROKEN = 0, 99


@cache
def without(rule: Rule) -> Result:
    """Takes the rule out and explores until what the page says is broken."""
    return exhaust(WITHOUT[rule.name](RulesInForce((rule.name,))), STATES_MAX, frozenset(rule.breaks))


def lines() -> Iterator[tuple[str, bool]]:
    """The table as Markdown, each line with whether it is as the page says."""
    yield "| Without | Breaks | Steps |", True
    yield "|---|---|---|", True
    for rule in TABLE:
        found = without(rule).broken
        first = [name for name in rule.breaks if name in found]
        steps = min((len(found[name]) for name in first), default=0)
        yield f"| {rule.words} | {', '.join(first) or '**nothing**'} | {steps} |", bool(first)


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m chaos.model.season", description="The season's rules as a model.")
    parser.add_argument("--table", action="store_true", help="take each rule out in turn, print what breaks")
    if parser.parse_args(argv).table:
        good = True
        for line, as_said in lines():
            good = good and as_said
            print(line, flush=True)
        return OK if good else BROKEN
    broken = set[str]()
    for name, make in EXHAUSTED.items():
        found = exhaust(make(RulesInForce()), STATES_MAX)
        broken |= found.broken.keys() | (set() if found.complete else {"cut short"})
        print(f"{found.states:9,} states  depth {found.depth:3}  {name}", flush=True)
        for what, history in found.broken.items():
            print(f"\n{what} is broken:", *(f"{number:3}. {step}" for number, step in enumerate(history, 1)), sep="\n")
    print(f"\nResult: {', '.join(sorted(broken)) + ' broken' if broken else 'nothing is broken'}")
    return BROKEN if broken else OK


if __name__ == "__main__":
    sys.exit(main())
