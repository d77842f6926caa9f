"""Kind `signal`: SIGKILL, SIGSTOP or, to PostgreSQL, SIGQUIT to a part's process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from chaos.processes import SignalKind
from plans.models.fault import FaultSpec, Fits
from plans.models.partial import Contradiction, Flag
from system.contract.places import read_place


class SignalFault(FaultSpec):
    """A signal to a part's process. `stays_down`: the stack does not start it again until the heal. QUIT is for
    PostgreSQL alone, whose *immediate* stop it is: every session is cut off, and the next start recovers from the log.
    """

    FITS: ClassVar = {
        "KILL": Fits(("restart",), ("process_gone",), ("part_ready",)),
        "QUIT": Fits(("restart",), ("process_gone",), ("part_ready",)),
        "STOP": Fits(("continue",), ("process_frozen",), ("part_ready",)),
    }
    kind: Literal["signal"]
    signal: Literal["KILL", "QUIT", "STOP"]
    stays_down: Flag = False

    @property
    def way(self) -> str:
        return self.signal

    def misplaced(self, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        yield from super().misplaced(targets)
        for target in targets if self.signal == "QUIT" else ():
            if (place := read_place(target)) is not None and place.role != "postgres":
                yield Contradiction(("inject", "signal"), f"QUIT on {target}", "postgres")


class SignalsKind(SignalKind[SignalFault]):
    """The signal as the file has it."""

    kind = "signal"
    Spec = SignalFault

    def signal(self, spec: SignalFault) -> str:
        return spec.signal

    def stays_down(self, spec: SignalFault) -> bool:
        return spec.stays_down
