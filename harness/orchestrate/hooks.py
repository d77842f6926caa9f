"""What a run lets others do to the system while it is under load. The harness knows the shape, never who fills it.

Whoever calls `run_plan(order, nemesis)` hands one in (`chaos.nemesis` has the one that injects faults).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from harness.verdict import Reason

Tell = Callable[[str, str], None]
"""(kind, text): an event of the run, at this moment, in `events.jsonl` and on the report's timeline. From any thread.
Kinds: `fault_injected`, `effect_seen`, `alert`, `playbook`, `healed`, `heal_seen`, `backlog_drained`."""
NowS = Callable[[], float]
"""The run's clock: seconds since the first intended tap, negative before it. From any thread."""


@dataclass(frozen=True, slots=True)
class NemesisReport:
    """What was done, as the run's record shows it.

    `windows`: when faults were in force, (from, to) in run seconds; an award whose way to the balance touches one is
    counted in `credit_delay_s.in_faults` and left out beside it. `failures` make the run a FAIL, `invalid` make it
    INVALID (the fault could not be injected or healed as meant: the harness's own doing), `warnings` a WARN.
    `drills` and `playbooks` go into the record as they are; each item has `id` and `verdict`.
    """

    windows: tuple[tuple[float, float], ...] = ()
    drills: tuple[dict[str, Any], ...] = ()
    playbooks: tuple[dict[str, Any], ...] = ()
    failures: tuple[Reason, ...] = ()
    invalid: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()
    flushed: bool = False
    """A fault took every stream of Valkey, the other lane's too."""


class Nemesis(Protocol):
    """Does something to the system while a run's load is on it."""

    def begin(self, told: Tell, now_s: NowS) -> None:
        """The round is armed and the fire is about to start; `now_s()` is still negative. Returns at once: what is to
        happen at second t happens on a thread of the nemesis's own, which waits for `now_s() >= t`.
        """
        ...

    def end(self) -> NemesisReport:
        """The fire is over, or the run broke: heals whatever is still injected, waits until it is, and tells.

        Always called once after `begin`; the drain, the close and the audit come after it. Raises nothing that is not
        a HarnessError.
        """
        ...


class NoNemesis:
    """A run that nobody disturbs."""

    def begin(self, told: Tell, now_s: NowS) -> None:
        """Nothing happens."""

    def end(self) -> NemesisReport:
        return NemesisReport()
