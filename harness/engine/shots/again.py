"""A tap by somebody who has tapped: a winner who comes back, or a user without an answer who does not wait.

A tap as every other one; the books count it. Whoever has won is shown the same award again (*repeat*), so a *win* of a
winner would be a second one.
"""

from __future__ import annotations

from harness.engine.shots.tap import TapShot


class AgainShot(TapShot):
    """Outcomes are those of a tap."""

    name = "again"
    taps = True


SHOT = AgainShot()
