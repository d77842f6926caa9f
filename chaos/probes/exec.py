"""Probe `exec`: a command's exit code. Bounded in time; what it leaves behind is ended with it."""

from __future__ import annotations

import shutil
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.commands import run_here
from chaos.probing import OwnProbe, ProbeReading, words
from harness.children import for_children
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
        end = run_here(spec.command, env, spec.timeout)
        if end.code is None:
            return ProbeReading(False, words(f"{command}: {end.problem}", f"{command}：无法启动，或没有按时结束"))
        text = f"{command}: exit code {end.code}, asked for {spec.exit}"
        return ProbeReading(end.code == spec.exit, words(text, f"{command}：退出码 {end.code}，要求 {spec.exit}"))
