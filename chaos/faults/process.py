"""Faults of a process: signals to a part the stack itself started, found by pid and start time, never by name."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Any

import psutil

from chaos.errors import ChaosError
from harness.errors import HarnessError
from harness.stack import Stack
from plans.models.fault import Fault, Signal

SAME_S = 0.01


def touches(target: str) -> tuple[str, ...]:
    return (target,)


def detail(stack: Stack, fault: Fault, target: str) -> dict[str, Any]:
    if not isinstance(fault.inject, Signal):
        raise ChaosError(f"{fault.id} is no signal")
    try:
        pid = stack.pid(target)
    except HarnessError as exc:
        raise ChaosError(str(exc)) from exc
    with _gone_is(f"{target} ended while it was looked at"):
        created = psutil.Process(pid).create_time()
    return {
        "part": target, "pid": pid, "created": created, "signal": fault.inject.signal,
        "stays_down": fault.inject.stays_down,
    }  # fmt: skip


def inject(stack: Stack, detail: dict[str, Any]) -> None:
    if detail["stays_down"]:
        stack.suspend_restart(detail["part"])
    if not lives(detail):
        raise ChaosError(f"{detail['part']} (pid {detail['pid']}) had ended before the signal")
    os.kill(detail["pid"], getattr(signal, f"SIG{detail['signal']}"))


def momentary(detail: dict[str, Any]) -> bool:
    """A part that is killed and may come back is back at once: the stack sees to that."""
    return detail["signal"] != "STOP" and not detail["stays_down"]


def in_force(stack: Stack, detail: dict[str, Any]) -> bool:
    if detail["signal"] == "STOP":
        return frozen(detail)
    return not lives(detail) and detail["part"] not in stack.pids()


def undo(stack: Stack, detail: dict[str, Any]) -> None:
    if detail["signal"] == "STOP" and lives(detail):
        with contextlib.suppress(ProcessLookupError):
            os.kill(detail["pid"], signal.SIGCONT)
    if detail["stays_down"]:
        stack.resume_restart(detail["part"])


def undone(stack: Stack, detail: dict[str, Any]) -> bool:
    """It runs: the old process again, or a new one of the same part."""
    return detail["part"] in stack.pids() and not frozen(detail)


def lives(detail: dict[str, Any]) -> bool:
    """Is it still the process that was meant?"""
    try:
        process = psutil.Process(detail["pid"])
        same = abs(process.create_time() - detail["created"]) < SAME_S
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def frozen(detail: dict[str, Any]) -> bool:
    """Does it stand still by a signal?"""
    try:
        return lives(detail) and psutil.Process(detail["pid"]).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False


@contextlib.contextmanager
def _gone_is(what: str) -> Any:
    try:
        yield
    except psutil.NoSuchProcess as exc:
        raise ChaosError(what) from exc
