"""Carries out a stress plan: stack, calibration, lock, load, drain, close, audit, verdict, report."""
