"""Probe `service_rises`: what the generator itself measures, the time from a tap's being sent to its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import ClassVar, Literal

from pydantic import Field

from chaos.probing import NothingYet, Probe, ProbeReading, words
from harness.phrases import Sentence
from harness.watch.prom import PromError, read_metrics
from plans.models.fault import FaultSpec, ProbeSpec
from plans.models.partial import Contradiction
from plans.models.quantity import Duration
from system.contract.links import TO_FRONTS

NAME = "drill_client_service_seconds"
TIMEOUT_S = 1.0
LEAST = 100
"""Answers that a mean is taken of; with fewer nothing is said."""


class ServiceRises(ProbeSpec):
    """The mean service time of the taps answered lately is longer by `by` than it was before the fault."""

    sees: ClassVar[tuple[str, ...]] = ("toxics", "bandwidth")
    kind: Literal["service_rises"]
    by: Duration = Field(gt=0)

    def blind(self, inject: FaultSpec, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        for target in targets:
            if target != TO_FRONTS:
                yield Contradiction((), f"service_rises on {target}: most taps do not go there", TO_FRONTS)


class ServiceProbe(Probe[ServiceRises]):
    """Read where the run tells its figures, not by way of Prometheus, which may be what is drilled."""

    kind = "service_rises"
    Spec = ServiceRises
    _base_s, _mean_s, _last = 0.0, 0.0, (0.0, 0.0)

    def lacks(self) -> str | None:
        if self.at.stack.addresses.prometheus_url is None:
            return "a service_rises probe, and a run tells its figures on a stack with Prometheus alone"
        return None

    def look(self) -> ProbeReading:
        total_s, count = self._last = self._totals()
        if count < LEAST:
            raise NothingYet(f"the generator has told of {count:g} answers; {LEAST} are needed")
        self._base_s = self._mean_s = total_s / count
        return ProbeReading(True, self._says(self._base_s))

    def seen(self) -> ProbeReading:
        total_s, count = self._totals()
        answers = count - self._last[1]
        if answers >= LEAST:
            self._mean_s = (total_s - self._last[0]) / answers
            self._last = total_s, count
        return ProbeReading(self._mean_s >= self._base_s + self.spec.by, self._says(self._mean_s))

    def _says(self, mean_s: float) -> Sentence:
        mean, base = mean_s * 1000, self._base_s * 1000
        return words(
            f"taps take {mean:.1f} ms of service, {base:.1f} ms before",
            f"点击的服务时间 {mean:.1f} ms，此前 {base:.1f} ms",
        )

    def _totals(self) -> tuple[float, float]:
        """Seconds of service and answers so far, of the run that tells of itself; zeros where none does."""
        found = (0.0, 0.0)
        for address in self._addresses():
            try:
                samples = read_metrics(f"http://{address}/metrics", TIMEOUT_S)
            except PromError:
                continue  # of a run that is over
            sums = [value for (name, _), value in samples.items() if name == f"{NAME}_sum"]
            counts = [value for (name, _), value in samples.items() if name == f"{NAME}_count"]
            found = max(found, (sum(sums), sum(counts)), key=lambda one: one[1])
        return found

    def _addresses(self) -> Iterator[str]:
        """Where runs tell of themselves: the one that the stack knows of, and those that registered."""
        if self.at.stack.run_port is not None:
            yield f"127.0.0.1:{self.at.stack.run_port}"
        for file in self.at.stack.folder.targets.glob("run-*.json"):
            with suppress(OSError, ValueError, LookupError, TypeError):
                yield str(json.loads(file.read_text(encoding="utf-8"))[0]["targets"][0])
