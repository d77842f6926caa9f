"""The error tree of faults and drills: each knows the exit code it ends a command with."""

from __future__ import annotations

from harness.errors import HarnessError


class ChaosError(HarnessError):
    """The drill's own tools failed: the verdict is HARNESS_FAULT. Exit code 10."""

    exit_code = 10


class NotHealed(ChaosError):
    """Something is still injected after every rung of the ladder. Exit code 99."""

    exit_code = 99


class External(ChaosError):
    """The part belongs to somebody else (`XIU_*_URL`): nothing was done to it. Exit code 5."""

    exit_code = 5
