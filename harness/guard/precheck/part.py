"""Item *part*: each process of the system that the run needs is ready."""

from __future__ import annotations

from collections.abc import Iterator

import requests

from harness import loopback
from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked
from system.contract.places import alone, credit

TIMEOUT_S = 3.0


def look(ask: StartRequest) -> Iterator[Checked]:
    at = ask.addresses.places
    fronts = [place for place in at.of("front") if place.url]
    if not fronts:
        yield checked(False, "no front is known", "front")
    needed = (alone("control"), alone("play"), credit(ask.lane))
    others = [place for none in needed for place in at.of(none.role, lane=ask.lane) or (none,)]
    for place in (*fronts, *others):
        if not place.url:
            optional = ask.elsewhere and place.role != "control"
            yield checked(False, "its address is not known", place.name, "warning" if optional else "refused")
            continue
        if not ask.may_ask(place.url):
            continue  # decided by the allow-list; not even asked whether it is ready
        path = "/metrics" if place.role == "credit" else "/readyz"
        says = _ask_url(place.url.rstrip("/") + path)
        yield checked(not says, says or f"{place.url} is ready", place.name)


def _ask_url(url: str) -> str:
    """What is wrong with an address, in words; empty if nothing."""
    try:
        status = loopback.get(url, TIMEOUT_S).status_code
    except requests.RequestException as exc:
        return f"{url} does not answer: {type(exc).__name__}"
    return "" if status == 200 else f"{url} answers {status}"


ITEM = PrecheckItem(
    4, "part", "fronts, control, play and the lane's credit workers: each answers that it is ready",
    "a process of the system is not ready", look,
)  # fmt: skip
