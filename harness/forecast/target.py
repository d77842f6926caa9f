"""What is expected of one indicator. Owns its shape alone: how it is computed stands in `compute.py`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from plans.models.forecast import Words

Class = Literal["demand", "delivery", "quality", "invariant"]

TOLERANCE = 0.02
"""How far a demand indicator may be outside its band as a WARN; how far answered taps may be below offered ones."""


class Target(BaseModel):
    """What is expected of one indicator, in its unit. `why` is one sentence for people."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    indicator: str
    link: str
    cls: Class
    unit: str
    lower: float
    expected: float
    upper: float
    why: str
    name: Words | None = None
    """What a sponsor is called; None for what is not of one sponsor."""

    @model_serializer(mode="wrap")
    def _without_no_name(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A lock that was written before there was the field keeps its sha256."""
        fields: dict[str, Any] = handler(self)
        return fields if self.name is not None else {key: value for key, value in fields.items() if key != "name"}
