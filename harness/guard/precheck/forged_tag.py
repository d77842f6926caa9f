"""Item *forged tag*: a tag that is forged, altered or expired is refused and counted by fronts and play."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from harness.control_client import ControlError
from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated
from harness.guard.precheck.tagging import CANNOT_TAG, RUN_ID, TTL_S, hops, shown, token_of
from harness.watch.prom import PromError, read_metrics
from system.contract.places import Place

REFUSED = (403, "bad_tag")
COUNTED: dict[str, tuple[str, frozenset[tuple[str, str]]]] = {
    "front": ("hongbao_refusals_total", frozenset({("code", "bad_tag"), ("lane", "stress")})),
    "play": ("hongbao_play_bad_tags_total", frozenset()),
}
TIMEOUT_S = 2.0


def look(ask: StartRequest) -> Iterator[Checked]:
    if ask.lane != "stress":
        yield not_evaluated(CANNOT_TAG)
        return
    token, places = token_of(ask), hops(ask)
    before, told = _counted(ask, places), Counter[str]()
    wrong = forged(ask.control.tag(RUN_ID, TTL_S))
    try:
        wrong |= {"expired": ask.control.tag(RUN_ID, -TTL_S)}
    except ControlError:  # a control of an older version gives none
        yield not_evaluated("control gives no tag that has expired", "control")
    for kind, tag in wrong.items():
        for place, answer in shown(places, token, tag):
            if answer.failed:  # refused by the look at the parts
                yield not_evaluated(answer.failed, place.name)
                continue
            good = (answer.status, answer.code) == REFUSED
            told[place.name] += good
            says = f"it refuses an {kind} tag" if good else f"to an {kind} tag {answer}, not 403 bad_tag"
            yield checked(good, says, place.name)
    after = _counted(ask, places)
    for name in sorted(before.keys() & after.keys()):
        counted = after[name] - before[name]
        yield checked(counted >= told[name], f"it refused {told[name]}, and counted {counted:.0f}", name)


def _counted(ask: StartRequest, places: list[Place]) -> dict[str, float]:
    """How many bad tags each of them has counted so far; without those that do not tell."""
    found: dict[str, float] = {}
    for place in places:
        if place.metrics_url and ask.may_ask(place.metrics_url):
            with suppress(PromError):
                samples = read_metrics(f"{place.metrics_url.rstrip('/')}/metrics", TIMEOUT_S)
                if (figure := COUNTED[place.role]) in samples:
                    found[place.name] = samples[figure]
    return found


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
    8, "forged tag",
    "an unsigned, an altered and an expired tag, shown to each front and to play; and how many of them each counts",
    "a process does not refuse a bad tag with 403, or does not count it", look,
)  # fmt: skip
