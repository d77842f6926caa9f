"""Kind `term`: SIGTERM to a part's process, as an operator ends it in order; the stack starts it again."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaos.processes import SignalKind
from plans.models.fault import FaultSpec, Fits
from plans.models.partial import Flag


class Term(FaultSpec):
    """A stop in order, with requests on their way. `stays_down`: not started again until the heal."""

    FITS: ClassVar = {"term": Fits(("restart",), ("process_gone",), ("part_ready",))}
    kind: Literal["term"]
    stays_down: Flag = False


class TermKind(SignalKind[Term]):
    """The part itself decides when it ends: `within` of the effect probe says how long that may take."""

    kind = "term"
    Spec = Term

    def signal(self, spec: Term) -> str:
        return "TERM"

    def stays_down(self, spec: Term) -> bool:
        return spec.stays_down
