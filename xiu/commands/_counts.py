"""What fronts counted in a stack's newest rounds, for `xiu status`. Asks control and play, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from harness.control_client import ControlAway, ControlClient, ControlError
from harness.errors import EnvironmentNotReady
from harness.stack import Stack
from system.contract.counts import CountedRound
from system.contract.ids import LANES, Lane

NEWEST = 2
"""Rounds of a lane that are told."""

CountsByLane = dict[Lane, tuple[CountedRound, ...]]


def read(stack: Stack) -> tuple[CountsByLane, str]:
    """(the newest rounds in which anybody took part, oldest first; why they could not be read). Of a stack without
    control or play: nothing, and no reason.
    """
    if stack.addresses.control_url is None or stack.addresses.play_url is None:
        return {}, ""
    try:
        with ControlClient.of(stack) as control:
            return {lane: _newest(control, lane) for lane in LANES}, ""
    except (ControlError, ControlAway, EnvironmentNotReady) as exc:
        return {}, str(exc).splitlines()[0]


def _newest(control: ControlClient, lane: Lane) -> tuple[CountedRound, ...]:
    numbers = sorted(control.round_numbers(lane))[-NEWEST:]
    return tuple(one for number in numbers for one in control.participation(lane, number).rounds)


def lines(found: CountsByLane, unread: str) -> Iterator[str]:
    """What a person reads; nothing where nobody took part."""
    if unread:
        yield f"counted: not known, {unread}"
    elif any(found.values()):
        yield "counted, of the newest rounds:"
    for lane, rounds in found.items():
        for one in rounds:
            yield f"  {lane} round {one.round}: {_figures(one)}"
            for gap in one.uncounted:
                lasted = max(0, gap.until_us - gap.since_us) / 1e6
                yield f"    uncounted: {lasted:.1f} s of front {gap.front}, so these are lower bounds"
            if not (one.exact or one.uncounted):
                yield "    not every front has reported to the round's end yet, so these are lower bounds"


def _figures(one: CountedRound) -> str:
    shown = sum(one.exposures.values())
    return f"{one.taps:,} taps, {one.people:,} people, {shown:,} sponsors shown, {one.too_fast:,} too fast"


def document(found: CountsByLane) -> dict[str, list[dict[str, object]]]:
    """For `--json`: by lane, without the minutes."""
    return {
        lane: [one.model_dump(mode="json", exclude={"minutes"}) for one in rounds] for lane, rounds in found.items()
    }
