"""Processes as fault kinds see them: a part that the stack itself started, found by pid and start time, never by name.
The base of every fault that is a signal.
"""

from __future__ import annotations

import contextlib
import os
import signal
from abc import abstractmethod
from collections.abc import Iterator
from typing import TypeVar

import psutil

from chaos.errors import ChaosError
from chaos.kinds import Detail, FaultKind, Rung, until
from chaos.ready import part_ready
from harness.errors import HarnessError
from harness.stack import Stack
from plans.models.fault import FaultSpec

SAME_S = 0.01
READY_S = 8.0
S = TypeVar("S", bound=FaultSpec)


class SignalKind(FaultKind[S]):
    """A signal to a part's process."""

    @abstractmethod
    def signal(self, spec: S) -> str:
        """Its name without SIG."""

    def stays_down(self, spec: S) -> bool:
        """Does the stack not start it again until the heal?"""
        return False

    def touches(self, spec: S, target: str) -> tuple[str, ...]:
        return (target,)

    def part(self, detail: Detail) -> str:
        return str(detail["part"])

    def prepare(self, stack: Stack, spec: S, target: str) -> Detail:
        try:
            pid = stack.pid(target)
        except HarnessError as exc:
            raise ChaosError(str(exc)) from exc
        with _gone_is(f"{target} ended while it was looked at"):
            created = psutil.Process(pid).create_time()
        return {
            "part": target, "pid": pid, "created": created, "signal": self.signal(spec),
            "stays_down": self.stays_down(spec),
        }  # fmt: skip

    def inject(self, stack: Stack, detail: Detail) -> None:
        if detail["stays_down"]:
            stack.suspend_restart(detail["part"])
        if not lives(detail):
            raise ChaosError(f"{detail['part']} (pid {detail['pid']}) had ended before the signal")
        os.kill(detail["pid"], getattr(signal, f"SIG{detail['signal']}"))

    def momentary(self, detail: Detail) -> bool:
        """A part that is killed and may come back does so at once: the stack starts it."""
        return detail["signal"] != "STOP" and not detail["stays_down"]

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        if detail["signal"] == "STOP":
            return frozen(detail)
        return not lives(detail) and _pid_of_part(stack, detail) is None

    def undo(self, stack: Stack, detail: Detail) -> None:
        if detail["signal"] == "STOP" and lives(detail):
            with contextlib.suppress(ProcessLookupError):
                os.kill(detail["pid"], signal.SIGCONT)
        if detail["stays_down"]:
            stack.resume_restart(detail["part"])

    def undone(self, stack: Stack, detail: Detail) -> bool:
        """It runs: the old process again, or a new one of the same part."""
        return _pid_of_part(stack, detail) is not None and not frozen(detail)

    def rungs(self, stack: Stack, detail: Detail) -> list[Rung]:
        """start again → restart by the stack."""
        part = str(detail["part"])

        def again() -> None:
            self.undo(stack, detail)
            until(lambda: self.undone(stack, detail) and part_ready(stack, part), READY_S, f"{part} ready")

        def restart() -> None:
            stack.restart(part)
            until(lambda: part_ready(stack, part), READY_S, f"{part} ready")

        return [("start again", again), ("restart", restart)]


def _pid_of_part(stack: Stack, detail: Detail) -> int | None:
    """Of the process that the part has now. One that was killed is none, though its last threads may still be ending
    and the stack cannot wait for it yet.
    """
    pid = stack.pids().get(detail["part"])
    return None if pid == detail["pid"] and not lives(detail) else pid


def lives(detail: Detail) -> bool:
    """Is it still the same process? Compares the start time as well, because pids are reused."""
    try:
        process = psutil.Process(detail["pid"])
        same = abs(process.create_time() - detail["created"]) < SAME_S
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def frozen(detail: Detail) -> bool:
    """Is it stopped by a signal?"""
    try:
        return lives(detail) and psutil.Process(detail["pid"]).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False


@contextlib.contextmanager
def _gone_is(what: str) -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess as exc:
        raise ChaosError(what) from exc
