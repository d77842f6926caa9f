"""Typed models of everything under `plans/`: read, checked with file and line, exported as JSON Schema."""

from __future__ import annotations

from plans.models.document import PlanModel
from plans.models.errors import PlanError, Problem
from plans.models.forecast import Forecast
from plans.models.load import Loaded, find, forecast_files, load_forecast, load_plan, stress_files
from plans.models.playbook import Playbook, playbook_files
from plans.models.stress import StressPlan

SCHEMAS: dict[str, type[PlanModel]] = {"plan": StressPlan, "forecast": Forecast, "playbook": Playbook}
"""What `xiu schema` exports; later kinds of file add themselves here."""

__all__ = [
    "SCHEMAS", "Forecast", "Loaded", "PlanError", "PlanModel", "Playbook", "Problem", "StressPlan",
    "find", "forecast_files", "load_forecast", "load_plan", "playbook_files", "stress_files",
]  # fmt: skip
