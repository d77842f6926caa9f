"""Switches of the credit worker: whether it posts, and how much in one transaction."""

from __future__ import annotations

from system.contract.switches.declared import Switch

SWITCHES = (
    Switch(
        "credit.pause", "bool", 0, 0, 1, ("credit",), "1: the credit worker posts nothing; awards wait in the log"
    ),
    Switch(
        "credit.batch_max", "count", 50_000, 1, 1_000_000, ("credit",), "awards of one transaction at most",
        counts="records",
    ),
)  # fmt: skip
