"""Typed models of everything under `plans/`: read, checked with file and line, exported as JSON Schema.

A module is imported when one of its names is asked for: most commands, and every part of a stack, need one or two.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

__all__ = [
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

_PLACES: dict[str, tuple[str, ...]] = {
    "drill": ("Drill",),
    "errors": (
        "PlanError",
        "Problem",
    ),
    "fault": ("Fault",),
    "forecast": ("Forecast",),
    "journey": ("JourneyFile",),
    "library": (
        "LoadedDrill",
        "drill_files",
        "fault_files",
        "find_drill",
        "load_drill",
        "read_all",
    ),
    "load": (
        "LoadedPlan",
        "find",
        "forecast_files",
        "journey_files",
        "load_forecast",
        "load_journey",
        "load_plan",
        "stress_files",
    ),
    "partial": ("PlanModel",),
    "playbook": (
        "Playbook",
        "playbook_files",
    ),
    "programme": (
        "Programme",
        "load_programme",
    ),
    "service": (
        "LoadedService",
        "ServicePlan",
        "is_service",
        "load_service",
    ),
    "stress": ("StressPlan",),
}
"""Module → the names that are asked of this package."""
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A name of one of the modules, which is imported now."""
    if name not in _PLACE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACE_OF[name]}"), name)
