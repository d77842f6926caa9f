"""Runs a program of the project and waits for its answer: one deadline, with lines of news meanwhile. The program ends
with its caller.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from harness.errors import EnvironmentNotReady
from harness.stack.spawn import die_with_parent
from harness.waits import killed

DEADLINE_S = 600.0
"""Seconds for the books of a whole lane; those of a round take seconds."""
NEWS_S = 15.0


class NoAnswer(EnvironmentNotReady):
    """It did not end by its deadline; the message names it."""


def answer(
    module: Sequence[str], env: Mapping[str, str], what: str, deadline_s: float = DEADLINE_S, *, news: bool = True
) -> subprocess.CompletedProcess[str]:
    """Output and exit code of `python -m MODULE ARGUMENT …`; `what` names it in the lines that a person gets now and
    then where there is `news`. Main thread only.

    Raises NoAnswer. If the caller is killed, the program ends too.
    """
    argv, began = [sys.executable, "-m", *module], time.monotonic()
    child = subprocess.Popen(
        argv, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        encoding="utf-8", preexec_fn=die_with_parent,
        process_group=0,  # Ctrl-C is for the caller, which ends the program
    )  # fmt: skip
    with child:
        try:
            while True:
                left_s = began + deadline_s - time.monotonic()
                try:
                    out, err = child.communicate(timeout=max(0.0, min(NEWS_S, left_s)))
                    return subprocess.CompletedProcess(argv, child.returncode, out, err)
                except subprocess.TimeoutExpired:
                    past_s = time.monotonic() - began
                if past_s >= deadline_s:
                    raise NoAnswer(f"no answer from {what} within {deadline_s:g} s")
                if news:
                    print(f"{what}: at work for {past_s:.0f} s, of {deadline_s:g} s", file=sys.stderr, flush=True)
        finally:
            if child.poll() is None:
                killed(child)
