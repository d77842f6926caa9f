"""Item *monitoring*: Prometheus receives samples."""

from __future__ import annotations

import time
from collections.abc import Iterator

import requests

from harness import loopback
from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated

TIMEOUT_S = 3.0
DEADLINE_S = 10.0
STALE_S = 5.0
POLL_S = 0.1
AGE = "time() - max(timestamp(up == 1))"


def look(ask: StartRequest) -> Iterator[Checked]:
    url = ask.addresses.prometheus_url
    if url is None:
        yield not_evaluated("there is no Prometheus")
        return
    until, says = time.monotonic() + DEADLINE_S, "it has no sample"
    while time.monotonic() < until:
        try:
            result = loopback.get(f"{url}/api/v1/query", TIMEOUT_S, params={"query": AGE}).json()["data"]["result"]
            age = float(result[0]["value"][1]) if result else None
        except (requests.RequestException, ValueError, KeyError) as exc:
            says, age = f"{url} does not answer: {type(exc).__name__}", None
        if age is not None and age <= STALE_S:
            yield checked(True, f"its last sample is {age:.1f} s old")
            return
        says = says if age is None else f"its last sample is {age:.0f} s old"
        time.sleep(POLL_S)
    yield checked(False, says)


ITEM = PrecheckItem(
    19, "monitoring", f"the age of the newest sample in Prometheus, where there is one: {STALE_S:g} s at most",
    "Prometheus receives nothing", look,
)  # fmt: skip
