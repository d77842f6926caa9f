"""The stress lane's own switch: the red button of its traffic."""

from __future__ import annotations

from system.contract.switches.declared import Switch

SWITCHES = (
    Switch("stress.accept", "bool", 1, 0, 1, ("front",), "0: tagged traffic is refused with 503", scope=(), red=0),
)
