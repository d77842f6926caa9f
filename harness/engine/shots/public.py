"""A tap of the public: of a live user, at a live round, without a tag, beside the stress lane's own.

Its round is armed with the plan's and closed with it; the books of the stress lane do not count it.
"""

from __future__ import annotations

from harness.engine.shots.tap import TapShot


class PublicShot(TapShot):
    """Outcomes are those of a tap."""

    name = "public"
    who = "public"


SHOT = PublicShot()
