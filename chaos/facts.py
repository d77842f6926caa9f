"""What is to be done to a system, and what happened: a `Timed` in, `FaultFacts` out for each fault. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

from plans.models.fault import Fault


@dataclass(frozen=True, slots=True)
class Timed:
    """A fault on a target, from second `at_s` of the run, for `for_s`."""

    fault: Fault
    target: str
    at_s: float
    for_s: float
    drill: str = ""
    destroy: str | None = None
    alert: str | None = None
    """An alert that must fire while the fault is there, or within `alert_within_s` after its effect."""
    alert_within_s: float = 0.0


@dataclass(slots=True)
class FaultFacts:
    """What happened, in run seconds; None: it did not happen."""

    injected_s: float | None = None
    effect_s: float | None = None
    alert_s: float | None = None
    over_s: float | None = None
    """Measured not to be in force any more, before any heal. A momentary fault: the system was back."""
    heal_began_s: float | None = None
    healed_s: float | None = None
    heal_seen_s: float | None = None
    drained_s: float | None = None
    effect: str = ""
    rungs: list[str] = field(default_factory=list)
    harness_fault: str = ""
    not_steady: str = ""
    not_healed: str = ""
    external: str = ""
    momentary: bool = False
    calm_s: float | None = None
    """From here on no other fault of the same drill was in force; None: there was none when this one was healed."""

    @property
    def recovery_s(self) -> float | None:
        """From the heal's beginning to the heal probe; of a momentary fault, which nobody heals, from its injection."""
        return _between(self.injected_s if self.momentary else self.heal_began_s, self.heal_seen_s)

    @property
    def in_force_s(self) -> float | None:
        """For how long it was measured to be there."""
        ends = (self.over_s, self.heal_seen_s if self.momentary else self.heal_began_s)
        return _between(self.injected_s, next((end for end in ends if end is not None), None))

    @property
    def detection_s(self) -> float | None:
        """From the effect to the alert."""
        return _between(self.effect_s, self.alert_s)

    @property
    def derived(self) -> dict[str, float | None]:
        """What the record shows beside the times themselves."""
        return {
            "recovery_s": self.recovery_s, "drain_s": self.drain_s, "detection_s": self.detection_s,
            "in_force_s": self.in_force_s,
        }  # fmt: skip

    @property
    def drain_s(self) -> float | None:
        """From the heal to an empty backlog; where another fault was still in force, from that one's heal."""
        return _between(self.healed_s if self.calm_s is None else self.calm_s, self.drained_s)


def _between(since: float | None, until: float | None) -> float | None:
    return None if since is None or until is None else round(until - since, 3)
