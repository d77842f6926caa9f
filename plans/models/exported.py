"""What `xiu schema` exports."""

from __future__ import annotations

from plans.models.drill import Drill
from plans.models.forecast import Forecast
from plans.models.journey import JourneyFile
from plans.models.partial import PlanModel
from plans.models.playbook import Playbook
from plans.models.programme import Programme
from plans.models.service import ServicePlan
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
"""By kind; faults stand elsewhere: their model needs the specs of the kinds in `chaos` (`chaos.library.fault`)."""
