"""A run against a service that is no red-packet system: its own sequence of phases, on the same generator, verdict and
report. Starts no stack, asks no control, keeps no books of money.
"""
