"""Kind `signal`: SIGKILL or SIGSTOP to a part's process."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaos.processes import SignalKind
from plans.models.fault import FaultSpec, Fits
from plans.models.partial import Flag


class SignalFault(FaultSpec):
    """A signal to a part's process. `stays_down`: the stack does not start it again until the heal."""

    FITS: ClassVar = {
        "KILL": Fits(("restart",), ("process_gone",), ("part_ready",)),
        "STOP": Fits(("continue",), ("process_frozen",), ("part_ready",)),
    }
    kind: Literal["signal"]
    signal: Literal["KILL", "STOP"]
    stays_down: Flag = False

    @property
    def way(self) -> str:
        return self.signal


class SignalsKind(SignalKind[SignalFault]):
    """The signal as the file has it."""

    kind = "signal"
    Spec = SignalFault

    def signal(self, spec: SignalFault) -> str:
        return spec.signal

    def stays_down(self, spec: SignalFault) -> bool:
        return spec.stays_down
