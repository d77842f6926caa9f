"""Probe `exec`: a command's exit code. Bounded in time; what it leaves behind is ended with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.probing import OwnProbe, ProbeReading, words
from harness.children import for_children
from harness.waits import killed
from plans.models.fault import ProbeSpec
from plans.models.quantity import Duration

Word = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]+$")]


class ExecProbeSpec(ProbeSpec):
    """Holds if `command` ends with exit code `exit` (0) within `timeout` (2 s). The command runs in the current folder,
    without a shell; XIU_TARGET is the fault's target, XIU_STACK the stack's folder.
    """

    anywhere: ClassVar[bool] = True
    kind: Literal["exec"]
    command: tuple[Word, ...] = Field(min_length=1)
    exit: int = Field(default=0, ge=0, le=255)
    timeout: Duration = Field(default=2.0, gt=0, le=30)


class ExecProbe(OwnProbe[ExecProbeSpec]):
    """In a session of its own, so that its children end with it."""

    kind = "exec"
    Spec = ExecProbeSpec

    def lacks(self) -> str | None:
        command = self.spec.command[0]
        return None if shutil.which(command) else f"the probe's command {command} is not there, or cannot be run"

    def seen(self) -> ProbeReading:
        command, spec = " ".join(self.spec.command), self.spec
        env = for_children({"XIU_TARGET": self.at.target, "XIU_STACK": str(self.at.stack.folder.path)})
        nowhere = subprocess.DEVNULL
        try:
            process = subprocess.Popen(
                spec.command, env=env, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
            )
        except OSError as exc:
            text = exc.strerror or str(exc)
            return ProbeReading(False, words(f"{command}: cannot be started: {text}", f"{command}：无法启动"))
        try:
            code = process.wait(spec.timeout)
        except subprocess.TimeoutExpired:
            text = f"{command}: no end within {spec.timeout:g} s"
            return ProbeReading(False, words(text, f"{command}：{spec.timeout:g} 秒内没有结束"))
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.poll() is None:
                killed(process)
        text = f"{command}: exit code {code}, asked for {spec.exit}"
        return ProbeReading(code == spec.exit, words(text, f"{command}：退出码 {code}，要求 {spec.exit}"))
