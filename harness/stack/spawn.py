"""Starts one child process so that it cannot outlive its parent, and ends it with all of its descendants.

The kernel's parent-death signal is sent when the *thread* that forked ends, so only a main thread may call `start`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal

import psutil

from harness import slices

Policy = Literal["other", "batch", "idle"]
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.05
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def prctl(option: int, value: int) -> None:
    """Linux's prctl; on other systems nothing happens."""
    if _libc is not None and _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def raise_open_files() -> tuple[int, int]:
    """Raise the open-file limit to the hard limit. Returns (before, now)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard
    if sys.platform == "darwin":
        wanted = min(hard, 10_240) if hard == resource.RLIM_INFINITY else hard
    if soft != wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return soft, resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def cores() -> list[int]:
    """The cores this process may use; empty where processes cannot be pinned."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def die_with_parent() -> None:
    """For `preexec_fn` of a child started from the main thread: SIGTERM when this process ends, however it ends."""
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def schedule(policy: Policy) -> None:
    """Sets the scheduling policy of this process and of its children; does nothing where the system has none.

    A `batch` process never takes a core away from an `other` one when it wakes; an `idle` one runs only when no other
    wants the core. With all of them `other`, a process that wakes up could delay the generator by 3 to 4 ms.
    """
    number = getattr(os, f"SCHED_{policy.upper()}", None)
    if number is not None and hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, number, os.sched_param(0))


def _before_exec(
    parent: int, death_signal: int, core: int | None, nice: int, policy: Policy, slice_us: int | None
) -> Callable[[], None]:
    allowed = cores()
    pinned = {allowed[core % len(allowed)]} if core is not None and len(allowed) > 1 else None

    def run() -> None:
        prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            # The parent died between the fork and the line above, so the signal will never come.
            os._exit(1)
        if pinned:
            os.sched_setaffinity(0, pinned)
        if nice:
            os.nice(nice)
            # Where the kernel first divides a core among sessions, the niceness of the session has to be set as well.
            with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:
                group.write(str(nice))
        schedule(policy)
        if slice_us is not None:
            slices.ask_for(slice_us)

    return run


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path,
    cwd: Path,
    death_signal: int = signal.SIGKILL,
    core: int | None = None,
    nice: int = 0,
    policy: Policy = "batch",
    slice_us: int | None = None,
    typed: bytes = b"",
) -> subprocess.Popen[bytes]:
    """Start `argv` in a session of its own, output appended to `log`; `typed` is its standard input.

    Main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("children are started from the main thread alone")
    with opened(log) as out:
        child = subprocess.Popen(
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE if typed else subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=_before_exec(os.getpid(), death_signal, core, nice, policy, slice_us),
        )
    if child.stdin is not None:
        with child.stdin, contextlib.suppress(BrokenPipeError):
            child.stdin.write(typed)
    return child


def opened(path: Path) -> IO[bytes]:
    """The log, to be appended to, or nothing where it cannot be opened (a full disk): a part runs all the same."""
    try:
        return path.open("ab")
    except OSError:
        return open(os.devnull, "ab")


async def exited(child: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a child; its return code, negative for a signal."""
    if hasattr(os, "pidfd_open") and child.returncode is None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        try:
            fd = os.pidfd_open(child.pid)
        except ProcessLookupError:
            return child.wait()
        loop.add_reader(fd, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(fd)
            os.close(fd)
        return child.wait()
    while child.poll() is None:  # noqa: ASYNC110 (a platform without pidfd has no event to wait for)
        await asyncio.sleep(POLL_S)
    return child.returncode


def family(pid: int) -> list[psutil.Process]:
    """The process and all of its descendants, itself last."""
    try:
        process = psutil.Process(pid)
        return [*reversed(process.children(recursive=True)), process]
    except psutil.NoSuchProcess:
        return []


def lives(pid: int) -> bool:
    """Does a process of this pid run?"""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def send(pid: int, number: int) -> bool:
    """Send a signal; False if there is no such process any more."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


async def stop(child: subprocess.Popen[bytes], number: int, deadline_s: float) -> bool:
    """Ask with `number`; after the deadline kill it, and whatever it leaves behind. True if it went by itself."""
    if child.poll() is not None:
        return True
    relatives = family(child.pid)
    for process in relatives:
        # A drill may have frozen it.
        send(process.pid, signal.SIGCONT)
    send(child.pid, number)
    try:
        async with asyncio.timeout(deadline_s):
            await exited(child)
        clean = True
    except TimeoutError:
        clean = False
        relatives = family(child.pid) or relatives
        send(child.pid, signal.SIGKILL)
        await exited(child)
    for process in relatives:
        if process.pid != child.pid:
            # psutil compares start times: a pid given to another process since is left alone.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    return clean
