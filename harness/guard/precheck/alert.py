"""Item *alert*: nobody is being called for the system before the run begins. An alert that just ends is waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import requests

from harness import loopback
from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated
from system.contract.ids import Lane

TIMEOUT_S = 3.0
DEADLINE_S = 15.0
"""As long as the windows of most rules, so that what a drill has healed is over."""
POLL_S = 0.1
CALLS = "page"
"""The severity for which somebody is called at once."""
NAMED = "ticket"
OF_THE_PAST = frozenset({"MoneyInSuspense", "PlaybookNeedsPerson", "RoundMissed"})
"""They tell what was, and go on when it is over: named, no reason not to start."""


def look(ask: StartRequest) -> Iterator[Checked]:
    url = ask.addresses.prometheus_url
    if url is None:
        yield not_evaluated("there is no Prometheus, and so no alert")
        return
    until = time.monotonic() + DEADLINE_S
    while True:
        try:
            firing = _firing(url)
        except (requests.RequestException, ValueError, KeyError, TypeError) as exc:
            yield not_evaluated(f"{url} does not tell its alerts: {type(exc).__name__}")
            return
        loud = [labels for labels in firing if _counts(labels, ask.lane)]
        if not loud or time.monotonic() > until:
            break
        time.sleep(POLL_S)
    for labels in firing:
        if labels.get("severity") in (CALLS, NAMED):
            says = f"it fires{f' in the {lane} lane' if (lane := labels.get('lane')) else ''}"
            says += f": docs/alerts.md#{labels['alertname'].lower()}"
            yield checked(False, says, labels["alertname"], "refused" if labels in loud else "warning")
    if not loud:
        yield checked(True, "nobody is called")


def _counts(labels: Mapping[str, str], lane: Lane) -> bool:
    """Does it call somebody for the lane of this run, or for both?"""
    past = labels.get("alertname") in OF_THE_PAST
    return labels.get("severity") == CALLS and labels.get("lane", lane) == lane and not past


def _firing(url: str) -> list[dict[str, str]]:
    rows = loopback.get(f"{url.rstrip('/')}/api/v1/alerts", TIMEOUT_S).json()["data"]["alerts"]
    return [dict(row["labels"]) for row in rows if row["state"] == "firing"]


ITEM = PrecheckItem(
    20, "alert", "the alerts that fire: one of severity `page` in the run's lane is waited for, "
    f"{DEADLINE_S:g} s at most; others are named", "an alert fires for which somebody is called", look,
)  # fmt: skip
