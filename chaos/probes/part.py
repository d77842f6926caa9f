"""Probes of a part's process: is it gone, is it frozen, is the part ready?"""

from __future__ import annotations

from typing import Literal

from chaos import processes
from chaos.probing import NotSteady, P, Probe, ProbeReading
from chaos.ready import part_ready
from harness.phrases import sentence
from plans.models.fault import ProbeSpec


class Gone(ProbeSpec):
    """The very process has ended."""

    kind: Literal["process_gone"]


class Frozen(ProbeSpec):
    """The process is stopped by a signal."""

    kind: Literal["process_frozen"]


class Ready(ProbeSpec):
    """The part runs and says that it is ready."""

    kind: Literal["part_ready"]


class _PartProbe(Probe[P]):
    """What they share: without a fault the part is ready."""

    def look(self) -> ProbeReading:
        target = self.at.target
        if not part_ready(self.at.stack, target):
            raise NotSteady(f"{target} is not ready, without any fault")
        if "pid" not in self.at.detail:
            return ProbeReading(True, sentence("part_is_ready", target=target))
        return ProbeReading(True, sentence("part_is_ready_pid", target=target, pid=self.at.detail["pid"]))


class GoneProbe(_PartProbe[Gone]):
    """By pid and start time."""

    kind = "process_gone"
    Spec = Gone

    def seen(self) -> ProbeReading:
        gone = not processes.lives(self.at.detail)
        pid = self.at.detail["pid"]
        return ProbeReading(gone, sentence("part_gone" if gone else "part_there", target=self.at.target, pid=pid))


class FrozenProbe(_PartProbe[Frozen]):
    """As the kernel says."""

    kind = "process_frozen"
    Spec = Frozen

    def seen(self) -> ProbeReading:
        still = processes.frozen(self.at.detail)
        pid = self.at.detail["pid"]
        return ProbeReading(still, sentence("part_stands" if still else "part_runs", target=self.at.target, pid=pid))


class ReadyProbe(_PartProbe[Ready]):
    """Asked at its own address."""

    kind = "part_ready"
    Spec = Ready

    def seen(self) -> ProbeReading:
        return ProbeReading(part_ready(self.at.stack, self.at.target), sentence("part_is_ready", target=self.at.target))
