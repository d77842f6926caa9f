"""What is played of the event: plain data, for the run, its record and its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.forecast.share import Share


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of the event is played here, who chose it, and what calibration measured."""

    share: Share
    why: str
    smaller: bool
    calibration: dict[str, Any]
