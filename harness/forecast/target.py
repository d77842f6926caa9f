"""What is expected of one indicator. Owns its shape alone: how it is computed stands in `compute.py`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Class = Literal["demand", "delivery", "quality", "invariant"]

TOLERANCE = 0.02
"""How far a demand indicator may be outside its band as a WARN; how far answered taps may be below offered ones."""


class Target(BaseModel):
    """What is expected of one indicator, in its unit. `why` is one sentence for people."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    indicator: str
    link: str
    cls: Class
    unit: str
    lower: float
    expected: float
    upper: float
    why: str
