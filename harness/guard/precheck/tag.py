"""Item *tag*: a genuine stress tag is accepted by each front and by play, and leads to the stress lane."""

from __future__ import annotations

from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated
from harness.guard.precheck.tagging import CANNOT_TAG, RUN_ID, TTL_S, TagAnswer, hops, shown, token_of
from system.contract.places import Role


def look(ask: StartRequest) -> Iterator[Checked]:
    if ask.lane != "stress":
        yield not_evaluated(CANNOT_TAG)
        return
    tag = ask.control.tag(RUN_ID, TTL_S)
    for place, answer in shown(hops(ask), token_of(ask), tag):
        if answer.failed:  # refused by the look at the parts
            yield not_evaluated(answer.failed, place.name)
            continue
        good = accepted(place.role, answer)
        yield checked(good, "it takes the tag for its lane" if good else str(answer), place.name)


def accepted(role: Role, answer: TagAnswer) -> bool:
    """The token is one of the stress lane: a process that lost the tag would refuse it (401). A front comes to the
    round, which does not exist, once the tag is genuine; it says 503 where control has not told it of its rounds yet.
    Play says of which lane the wallet is.
    """
    if role == "front":
        return (answer.status, answer.code) in ((404, "unknown_round"), (503, "degraded"))
    return (answer.status, answer.lane) == (200, "stress")


ITEM = PrecheckItem(
    7, "tag", "a tag from control, shown to each front and to play with a token of the stress lane",
    "a process does not accept a genuine stress tag", look,
)  # fmt: skip
