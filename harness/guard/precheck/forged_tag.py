"""Item *forged tag*: a tag that is forged, altered or expired is refused by each front and by play."""

from __future__ import annotations

from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated
from harness.guard.precheck.tagging import CANNOT_TAG, RUN_ID, TTL_S, hops, shown, token_of

REFUSED = (403, "bad_tag")


def look(ask: StartRequest) -> Iterator[Checked]:
    if ask.lane != "stress":
        yield not_evaluated(CANNOT_TAG)
        return
    token, places = token_of(ask), hops(ask)
    wrong = forged(ask.control.tag(RUN_ID, TTL_S)) | {"expired": ask.control.tag(RUN_ID, -TTL_S)}
    for kind, tag in wrong.items():
        for place, answer in shown(places, token, tag):
            if answer.failed:  # refused by the look at the parts
                yield not_evaluated(answer.failed, place.name)
                continue
            good = (answer.status, answer.code) == REFUSED
            says = f"it refuses an {kind} tag" if good else f"to an {kind} tag {answer}, not 403 bad_tag"
            yield checked(good, says, place.name)


def forged(tag: str) -> dict[str, str]:
    """What is wrong with a tag → such a tag: a signature that is not its own, and one under which something else
    stands.
    """
    run, expires, signature = tag.split(".")
    other = "0" if signature[-1] != "0" else "1"
    return {
        "unsigned": f"{run}.{expires}.{signature[:-1]}{other}",
        "altered": f"{run}.{int(expires) + 86_400}.{signature}",
    }


ITEM = PrecheckItem(
    8, "forged tag", "an unsigned, an altered and an expired tag, shown to each front and to play",
    "a process does not refuse a bad tag with 403", look,
)  # fmt: skip
