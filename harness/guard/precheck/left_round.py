"""Item *left round*: rounds that an earlier run left armed. No reason not to start, but they are named, with the
command that helps.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import HarnessError
from harness.guard.kill import generators
from harness.guard.leftovers import left, meeting
from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated


def look(ask: StartRequest) -> Iterator[Checked]:
    try:
        played = [one for one in meeting(left(ask.control), 0.0) if one.round.state != "closing"]
    except HarnessError:  # a control that does not answer is refused by the look at its clock already
        yield not_evaluated("control does not tell its rounds")
        return
    # An open one may be played, by a registered generator or by hand: with a generator it is not left over.
    over = [one for one in played if one.over or not generators(ask.register)]
    if not over:
        yield checked(True, "no round is left over")
    for one in over:
        yield checked(False, str(one), otherwise="warning")


ITEM = PrecheckItem(
    15, "left round", "rounds of both lanes that an earlier run left armed",
    "a round is left over (a warning, with the command that closes it)", look,
)  # fmt: skip
