"""Stop rules on one journey: which journeys there are is known once all of the plan has been read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from plans.models.errors import closest
from plans.models.partial import Contradiction
from plans.models.stress import StopAboveShare, StopAboveTime, StopRule

OF_A_JOURNEY = ("error_share", "unknown_share", "refused_share", "response_p99")
"""What is counted of each journey; the generator's lag is that of all of them."""


def contradictions(rules: Sequence[StopRule], journeys: Iterable[str] | None) -> Iterator[Contradiction]:
    """Rules on a journey that does not exist, or on a signal that no journey has. `journeys` None: they are not known
    before the run.
    """
    known = None if journeys is None else sorted(set(journeys))
    for number, rule in enumerate(rules):
        if not isinstance(rule, StopAboveShare | StopAboveTime) or rule.journey is None:
            continue
        where = ("stop", number, "journey")
        if rule.signal not in OF_A_JOURNEY:
            what = f"{rule.signal} of one journey"
            yield Contradiction(where, what, f"one of {', '.join(OF_A_JOURNEY)}")
        elif known is not None and rule.journey not in known:
            near = closest(rule.journey, known)
            hint = f"; did you mean {near}?" if near else ""
            yield Contradiction(where, f"no journey `{rule.journey}`", f"one of {', '.join(known)}{hint}")
