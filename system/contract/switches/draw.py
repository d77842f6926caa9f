"""Switches of the draw: who wins, how fast packets are released, what a front refuses or delays."""

from __future__ import annotations

from system.contract.switches.declared import Switch

SWITCHES = (
    Switch("draw.award", "bool", 1, 0, 1, ("front",), "0: every eligible tap loses, no packet leaves"),
    Switch("draw.shed_percent", "percent", 0, 0, 100, ("front",), "share of taps refused with 503, nothing happened"),
    Switch("draw.delay_ms", "ms", 0, 0, 5000, ("front",), "delays every answer; for tests of the verdict"),
    Switch("draw.release_percent", "percent", 100, 1, 200, ("front",), "pace of the release gate"),
)
