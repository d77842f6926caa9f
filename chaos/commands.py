"""One command of a user's file: bounded in time and output, ended with its process group. No shell, no input."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.stack.spawn import die_with_parent

TAIL = 400
"""Most characters of its last output that are repeated."""
CHUNK = 1 << 16
DRAIN_S = 0.5
"""Seconds in which its output is read after its end: a process that it left may keep the pipe open."""


@dataclass(frozen=True, slots=True)
class CommandEnd:
    """`code`: its exit code, negative for a signal's number; None where it was not run or not over in time, which
    `problem` says. `output`: the last of what it printed, in one line.
    """

    code: int | None
    problem: str = ""
    output: str = ""

    @property
    def wrong(self) -> str:
        """Why it is no success, in words; empty after exit code 0."""
        if self.code == 0:
            return ""
        how = f"exit code {self.code}, not 0" if (self.code or 0) > 0 else f"ended by signal {-(self.code or 0)}, not 0"
        return f"{how if self.code is not None else self.problem}{': ' if self.output else ''}{self.output}"


async def run(
    words: Sequence[str], environment: Mapping[str, str], within_s: float, folder: Path | None = None, *, tidy: bool
) -> CommandEnd:
    """Runs a command in `folder` (the current one), with this environment alone. Killed with its group when the time is
    over, or when whoever waits is cancelled. `tidy`: what it has left in its group is killed after its end, too.
    """
    # The kernel's signal comes at the end of the thread that forked, so that it is asked for by a main thread alone.
    main = threading.current_thread() is threading.main_thread()
    try:
        process = await asyncio.create_subprocess_exec(
            *words, cwd=folder, env=environment, start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            preexec_fn=die_with_parent if main else None,
        )  # fmt: skip
    except (OSError, ValueError) as exc:
        return CommandEnd(None, f"cannot be run: {getattr(exc, 'strerror', None) or exc}")
    assert process.stdout is not None
    tail = bytearray()
    reading = asyncio.create_task(_keep(process.stdout, tail))
    try:
        async with asyncio.timeout(within_s):
            code = await process.wait()
        if tidy:
            _end(process.pid)
        await asyncio.wait((reading,), timeout=DRAIN_S)
    except TimeoutError:
        return CommandEnd(None, f"not over within {within_s:g} s: killed", _text(tail))
    finally:
        reading.cancel()
        if process.returncode is None:
            _end(process.pid)
            await process.wait()
    return CommandEnd(code, output=_text(tail))


def run_here(words: Sequence[str], environment: Mapping[str, str], within_s: float) -> CommandEnd:
    """The same, tidily, from a thread that has no event loop."""
    return asyncio.run(run(words, environment, within_s, tidy=True))


def _end(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


async def _keep(stream: asyncio.StreamReader, tail: bytearray) -> None:
    while chunk := await stream.read(CHUNK):
        tail += chunk
        del tail[: -4 * TAIL]


def _text(tail: bytearray) -> str:
    return " ".join(tail.decode(errors="replace").split())[-TAIL:]
