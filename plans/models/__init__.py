"""Typed models of everything under `plans/`: read, checked with file and line, exported as JSON Schema."""

from __future__ import annotations

from plans.models.drill import Drill
from plans.models.errors import PlanError, Problem
from plans.models.fault import Fault
from plans.models.forecast import Forecast
from plans.models.journey import JourneyFile
from plans.models.library import LoadedDrill, drill_files, fault_files, find_drill, load_drill, read_all
from plans.models.load import (
    LoadedPlan,
    find,
    forecast_files,
    journey_files,
    load_forecast,
    load_journey,
    load_plan,
    stress_files,
)
from plans.models.partial import PlanModel
from plans.models.playbook import Playbook, playbook_files
from plans.models.programme import Programme, load_programme
from plans.models.service import LoadedService, ServicePlan, is_service, load_service
from plans.models.stress import StressPlan

SCHEMAS: dict[str, type[PlanModel]] = {
    "plan": StressPlan,
    "service": ServicePlan,
    "forecast": Forecast,
    "journey": JourneyFile,
    "drill": Drill,
    "playbook": Playbook,
    "programme": Programme,
}
"""What `xiu schema` exports, beside faults: their model needs the specs of the kinds in `chaos`
(`chaos.library.fault`).
"""

__all__ = [
    "SCHEMAS",
    "Drill",
    "Fault",
    "Forecast",
    "JourneyFile",
    "LoadedDrill",
    "LoadedPlan",
    "LoadedService",
    "PlanError",
    "PlanModel",
    "Playbook",
    "Problem",
    "Programme",
    "ServicePlan",
    "StressPlan",
    "drill_files",
    "fault_files",
    "find",
    "find_drill",
    "forecast_files",
    "is_service",
    "journey_files",
    "load_drill",
    "load_forecast",
    "load_journey",
    "load_plan",
    "load_programme",
    "load_service",
    "playbook_files",
    "read_all",
    "stress_files",
]  # fmt: skip
