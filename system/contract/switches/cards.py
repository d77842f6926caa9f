"""Switches of the cards: the key that signs tickets."""

from __future__ import annotations

from system.contract.switches.declared import Switch

SWITCHES = (
    Switch(
        "cards.ticket_key", "count", 1, 1, 255, ("front",), "number of the key that signs tickets; all stay valid",
        counts="key number",
    ),
)  # fmt: skip
