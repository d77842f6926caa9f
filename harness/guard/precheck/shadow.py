"""Item *shadow*: the stores of the stress lane are the live lane's in shape, empty of open work, and writable by the
stress lane alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from harness.guard.kill import generators
from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated
from harness.watch.prom import PromError, read_metrics

LAG = "hongbao_stream_lag_entries"
TIMEOUT_S = 2.0
DEADLINE_S = 5.0
"""Within which what an earlier round left is posted."""
POLL_S = 0.1


def look(ask: StartRequest) -> Iterator[Checked]:
    if ask.look_at_shadow is None:
        yield not_evaluated("the run is on the live lane")
        return
    wrong = ask.look_at_shadow()
    if wrong is None:
        yield not_evaluated("the stores are out of reach")
    elif not wrong:
        yield checked(True, "its tables are the live lane's, and its role writes there alone", "stores")
    for line in wrong or ():
        yield checked(False, line, "stores")
    yield from _waiting(ask)


def _waiting(ask: StartRequest) -> Iterator[Checked]:
    """Awards of earlier runs that have no money yet; those of a run that fires now are its own business."""
    until = time.monotonic() + DEADLINE_S
    while (waiting := _backlog(ask)) and not generators(ask.register) and time.monotonic() < until:
        time.sleep(POLL_S)
    if waiting is None:
        return  # a worker that does not answer is refused by the look at the parts
    others = bool(waiting and generators(ask.register))
    says = "no award of an earlier run waits" if not waiting else f"{waiting:,} awards of an earlier run wait for money"
    yield checked(not waiting or others, f"{waiting:,} awards of a run that fires now wait" if others else says, "log")


def _backlog(ask: StartRequest) -> int | None:
    """Over the lane's credit workers that may be asked; None where one does not tell."""
    workers = [place.metrics_url for place in ask.addresses.places.of("credit", lane=ask.lane) if place.metrics_url]
    total = 0.0
    for url in workers:
        if not ask.may_ask(url):
            return None
        try:
            samples = read_metrics(f"{url.rstrip('/')}/metrics", TIMEOUT_S)
        except PromError:
            return None
        total += sum(value for (name, _), value in samples.items() if name == LAG)
    return int(total) if workers else None


ITEM = PrecheckItem(
    9, "shadow",
    "the stress lane's tables, rights and win log: as the live lane's, writable by the stress role and by no other "
    "lane's, no award of an earlier run still waiting",
    "the stress lane's stores are not ready for a run", look, run_alone=True,
)  # fmt: skip
