"""Carries out a stress plan: stack, calibration, lock, load, drain, close, audit, verdict, report."""

from harness.orchestrate.rate import set_rate
from harness.orchestrate.run import run_plan

__all__ = ["run_plan", "set_rate"]
