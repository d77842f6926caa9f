"""What is asked for where a plan has a `target`: plain data, checked; sends nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.errors import BadInput
from harness.runs.doors import SHUT, LocustDoors
from harness.runs.order import Progress, approver
from harness.service.requests import needs
from plans.models.ids import beside
from plans.models.service import LoadedService, ServicePlan
from plans.models.target_service import LocustTarget, UrlTarget


@dataclass(frozen=True, slots=True)
class ServiceOrder:
    """One run. `environment`: what each `${NAME}` of the plan says; it is written nowhere."""

    loaded: LoadedService
    runs: Path
    strict: bool = False
    progress: Progress = "auto"
    approved_by: str | None = None
    doors: LocustDoors = SHUT
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    begun_s: float = field(default_factory=time.time)

    @property
    def plan(self) -> ServicePlan:
        return self.loaded.plan

    @property
    def target(self) -> UrlTarget | LocustTarget:
        return self.plan.target

    @property
    def name(self) -> str:
        """Of the target, as the record shows it; never with what the environment holds."""
        target = self.target
        return target.url if isinstance(target, UrlTarget) else target.host or target.locustfile

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """Every address that the run will call, and the keys under which the plan has it."""
        target, forecast = self.target, self.plan.forecast
        own = target.url if isinstance(target, UrlTarget) else target.host
        asked = forecast.prometheus if forecast is not None else None
        keys = ("target", "url" if isinstance(target, UrlTarget) else "host")
        every = {asked: ("forecast", "prometheus"), own: keys}
        return {url: at for url, at in every.items() if url is not None}

    @property
    def urls(self) -> tuple[str, ...]:
        """Every address that the run will call, the service's own first."""
        return tuple(reversed(self.named))

    def at(self, *keys: str | int) -> str:
        """Where the plan says something, `file:line: `."""
        document = self.loaded.document
        return f"{document.file}:{document.line(keys)}: " if document is not None else ""

    def file(self, named: str) -> Path:
        """A file that the plan names."""
        return beside(self.loaded.plan_file.resolve(), named)


def service_order(loaded: LoadedService, runs: Path, seed: int | None = None, **options: object) -> ServiceOrder:
    """An order for a plan; the plan's own seed unless another is given. Raises BadInput for a seed."""
    if seed is not None and not 0 <= seed < 1 << 63:
        raise BadInput(f"--seed {seed}", expected="0 to 2^63 - 1")
    if seed is not None:
        loaded = replace(loaded, plan=loaded.plan.model_copy(update={"seed": seed}))
    approver(options.get("approved_by"))
    target = loaded.plan.target
    if options.get("doors", SHUT) != SHUT and not isinstance(target, UrlTarget):
        raise BadInput(
            "--workers-at and --locust-page with a locustfile of one's own",
            expected="neither: its run keeps Locust's own report and CSV",
        )
    named = needs(target) if isinstance(target, UrlTarget) else []
    environment = {name: value for name in named if (value := os.environ.get(name))}
    return ServiceOrder(loaded, runs, environment=environment, **options)  # type: ignore[arg-type]
