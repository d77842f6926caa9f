"""One command of a user's file: bounded in time and output, ended with everything it started. No shell, no input."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.children import for_children
from harness.stack.spawn import die_with_parent

TAIL = 400
"""Most characters of its last output that are repeated."""
CHUNK = 1 << 16
DRAIN_S = 0.5
"""Seconds in which its output is read after its end: a process that it left may keep the pipe open."""


@dataclass(frozen=True, slots=True)
class Ended:
    """`wrong`: why it is no success, in words; empty after exit code 0."""

    wrong: str = ""


async def run(words: Sequence[str], folder: Path, more: Mapping[str, str], within_s: float) -> Ended:
    """Runs a command in `folder`, `more` added to the environment. Killed with its group when the time is over, or when
    whoever waits is cancelled.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *words, cwd=folder, env=_environment(more), start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            preexec_fn=die_with_parent,
        )  # fmt: skip
    except (OSError, ValueError) as exc:
        return Ended(f"cannot be run: {getattr(exc, 'strerror', None) or exc}")
    assert process.stdout is not None
    tail = bytearray()
    reading = asyncio.create_task(_keep(process.stdout, tail))
    try:
        async with asyncio.timeout(within_s):
            code = await process.wait()
        await asyncio.wait((reading,), timeout=DRAIN_S)
    except TimeoutError:
        return Ended(f"not over within {within_s:g} s: killed{_output(tail)}")
    finally:
        reading.cancel()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code == 0:
        return Ended()
    how = f"exit code {code}" if code > 0 else f"ended by signal {-code}"
    return Ended(f"{how}, not 0{_output(tail)}")


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of any child, without this process's own variables about the stack."""
    return {**{name: value for name, value in for_children().items() if not name.startswith("XIU_")}, **more}


async def _keep(stream: asyncio.StreamReader, tail: bytearray) -> None:
    while chunk := await stream.read(CHUNK):
        tail += chunk
        del tail[: -4 * TAIL]


def _output(tail: bytearray) -> str:
    text = " ".join(tail.decode(errors="replace").split())[-TAIL:]
    return f": {text}" if text else ""
