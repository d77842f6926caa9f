"""CPU that parts use between two moments, read from the kernel; for benches that ask what something costs."""

from __future__ import annotations

from collections.abc import Mapping

from harness.stack.resources import measure

Used = dict[str, float]


def read(pids: Mapping[str, int]) -> Used:
    """part → CPU seconds since its start, its descendants' too, ended ones included."""
    return {part: measure(pid)[0] for part, pid in pids.items()}


def between(earlier: Used, later: Used) -> Used:
    """part → CPU seconds from the one reading to the other."""
    return {part: later[part] - earlier[part] for part in earlier}


def by_role(used: Mapping[str, float], work: float) -> dict[str, float]:
    """Role → CPU in µs for each of `work` pieces; a role is a part's name up to the first dash."""
    found: dict[str, float] = {}
    for part, seconds in used.items():
        role = part.partition("-")[0]
        found[role] = found.get(role, 0.0) + seconds
    return {role: round(1e6 * seconds / work, 3) for role, seconds in sorted(found.items())}
