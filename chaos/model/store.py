"""Valkey as the protocol sees it: append, raise, read, last id. Mirrors system/winlog/append.lua. Pure.

Owns what is stored and which epoch is accepted.
"""

from __future__ import annotations

from functools import lru_cache

from chaos.model.rules import Rules
from chaos.model.state import START, WINS, Entry, Id, Op

OK, FENCED, CONFLICT = "OK", "FENCED", "CONFLICT"


@lru_cache(maxsize=1 << 16)
def entries(ops: tuple[Op, ...]) -> tuple[Entry, ...]:
    """The stream: what was appended, and is still there."""
    return tuple(op for op in ops if isinstance(op, tuple))


@lru_cache(maxsize=1 << 16)
def key(ops: tuple[Op, ...]) -> int:
    """The fence's key; 0 where there is none."""
    return next((op for op in reversed(ops) if isinstance(op, int)), 0)


@lru_cache(maxsize=1 << 16)
def wins(ops: tuple[Op, ...]) -> int:
    """Every win in the stream."""
    mask = 0
    for entry in entries(ops):
        mask |= entry[2]
    return mask & WINS


def last(ops: tuple[Op, ...]) -> Id:
    """Where the stream ends."""
    stream = entries(ops)
    return stream[-1][:2] if stream else START


def accepted(ops: tuple[Op, ...], var: int, epoch: int, rules: Rules) -> bool:
    """Whether the fence stands at this epoch: key and variable agree."""
    return not rules.fence or (key(ops) == epoch and (var == epoch or not rules.life))


def append(ops: tuple[Op, ...], var: int, entry: Entry, rules: Rules) -> tuple[str, tuple[Op, ...]]:
    """The verdict, and what is stored afterwards."""
    if not accepted(ops, var, entry[0], rules):
        return FENCED, ops
    at = last(ops)
    next_one = entry[:2] == (at[0], at[1] + 1) or (entry[0] > at[0] and entry[1] == 1)
    if next_one or (not rules.no_gaps and entry[:2] > at):
        return OK, (*ops, entry)
    return (OK if entry in entries(ops) else CONFLICT), ops


def raise_fence(ops: tuple[Op, ...], var: int, epoch: int) -> tuple[tuple[Op, ...], int] | None:
    """What is stored afterwards, and the variable; None where this or a higher epoch is known."""
    if epoch <= max(key(ops), var, last(ops)[0]):
        return None
    return (*ops, epoch), epoch
