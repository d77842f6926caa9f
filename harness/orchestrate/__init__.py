"""Carries out a stress plan: stack, calibration, lock, load, drain, close, audit, verdict, report. Imports nothing:
Locust loads an order from here, and must not load the rest.
"""
