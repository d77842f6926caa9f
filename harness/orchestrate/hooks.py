"""What a caller may do to the system while a run has it under load. The harness defines the shape and knows no caller.

The caller of `run_plan(order, nemesis)` passes one in (`chaos.nemesis` has the one that injects faults).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from harness.phrases import Sentence
from harness.verdict import Reason

Tell = Callable[[str, Sentence], None]
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

    def begin(self, report: Tell, now_s: NowS) -> None:
        """The round is armed and sending is about to begin; `now_s()` is still negative. Returns at once: what should
        happen at second t happens on a thread of the nemesis, which waits for `now_s() >= t`.
        """
        ...

    def end(self) -> NemesisReport:
        """Sending has ended, or the run broke: heals whatever is still injected, waits until it is healed, and reports.

        Always called once after `begin`; the drain, the close and the audit come after it. Raises nothing that is not a
        HarnessError.
        """
        ...


class NoNemesis:
    """The nemesis of a run without faults."""

    def begin(self, report: Tell, now_s: NowS) -> None:
        """Nothing happens."""

    def end(self) -> NemesisReport:
        return NemesisReport()
