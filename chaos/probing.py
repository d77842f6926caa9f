"""The shape of a probe: is a symptom there, is the system as it should be? Measured from outside. Changes nothing.

One file in `chaos/probes/`; `chaos.probes` finds it by its `kind`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from chaos import fault_ledger
from chaos.errors import ChaosError
from chaos.kinds import Detail
from harness.phrases import Sentence, sentence
from harness.stack import Stack
from plans.models.fault import FaultSpec, ProbeSpec

Use = Literal["steady", "effect", "healed"]
P = TypeVar("P", bound=ProbeSpec)


class NotSteady(ChaosError):
    """The system was not as it should be before anything was injected."""


class NothingYet(NotSteady):
    """What the fault takes away exists only during a run, so that a rehearsal finds none, as it should."""


@dataclass(frozen=True, slots=True)
class ProbeReading:
    """What a probe found, and in words."""

    yes: bool
    says: Sentence


@dataclass(frozen=True, slots=True)
class ProbeAim:
    """The place of a probe: one fault on one target. `detail`: as its kind prepared it."""

    stack: Stack
    inject: FaultSpec
    target: str
    detail: Detail

    def others(self) -> list[Detail]:
        """What else is injected in this stack now."""
        return [one.detail for one in fault_ledger.injected(self.stack.folder.path) if one.detail != self.detail]


class Probe(ABC, Generic[P]):
    """One kind. `look` once, before anything is injected; `seen` as often as needed."""

    kind: ClassVar[str]
    Spec: ClassVar[type[ProbeSpec]]

    def __init__(self, spec: P, at: ProbeAim, use: Use) -> None:
        self.spec, self.at, self.use = spec, at, use

    def lacks(self) -> str | None:
        """What it needs and this stack or machine does not have, in words; None: nothing is missing."""
        return None

    def look(self) -> ProbeReading | None:
        """The steady state, and the baseline for later. Raises NotSteady where it is not as it should be, or nothing
        can be seen. None: it has no steady state to report.
        """
        return None

    @abstractmethod
    def seen(self) -> ProbeReading:
        """Does it hold now? Raises ChaosError where that is not known."""


class OwnProbe(Probe[P]):
    """A probe whose question is chosen in the file: as an effect it must not hold before, otherwise it must."""

    def look(self) -> ProbeReading | None:
        seen = self.seen()
        if self.use == "effect" and seen.yes:
            raise NotSteady(f"the effect is there without the fault: {seen.says}")
        if self.use != "effect" and not seen.yes:
            raise NotSteady(f"not as it should be, without any fault: {seen.says}")
        return seen


def words(en: str, zh: str) -> Sentence:
    """What a probe says, where `harness.phrases` has no sentence for it."""
    return sentence("in_its_words", title_en=en, title_zh=zh)


AnyProbe = Probe[Any]
