"""What the relation chain does without a request: the day's snapshot, and the figures that Prometheus reads.

A figure that cannot be read is taken away, never left as it was.
"""

from __future__ import annotations

import asyncio
import logging
import time

from aiohttp import web
from prometheus_client import Gauge

from system.contract.errors import XiuError
from system.contract.ids import LANES, Lane
from system.contract.metrics import METRICS
from system.ledger.access import Pool
from system.play.route import POOLS
from system.play.ties import reading, snapshot

LOOK_S = 5.0
"""Between two looks at the growth, and at whether the day's snapshot is due."""
log = logging.getLogger("xiu.play")
_CATALOGUE = {metric.name: metric for metric in METRICS}


def _gauge(name: str) -> Gauge:
    metric = _CATALOGUE[name]
    return Gauge(name, metric.help, metric.labels, registry=None)


TIES = _gauge("hongbao_ties")
FORECAST = _gauge("hongbao_ties_forecast")
FIGURES = ("expected", "gained_2016")
SHIFT = _gauge("hongbao_strength_psi")
JUMP = _gauge("hongbao_strength_user_jump_points")
SNAPSHOT = _gauge("hongbao_strength_snapshot_time_seconds")
COLLECTORS = (TIES, FORECAST, SHIFT, JUMP, SNAPSHOT)


async def watch(app: web.Application) -> None:
    """Figures of both lanes, for ever."""
    while True:
        for lane, pool in app[POOLS].items():
            try:
                await show(pool, lane)
            except XiuError as exc:
                forget(lane)
                log.warning("ties of lane %s: %s", lane, exc, extra={"event": "ties_unread"})
        await asyncio.sleep(LOOK_S)


async def show(pool: Pool, lane: Lane) -> None:
    """Reads the lane's growth and last snapshot into the gauges. Raises Degraded."""
    growth = await reading.growth(pool, lane)
    made = {line.through: line.ties for line in growth.lines}
    for through in reading.THROUGH:
        TIES.labels(lane, through).set(made.get(through, 0))
    for figure in FIGURES:
        if growth.forecast is None:
            _without(FORECAST, lane, figure)
        else:
            FORECAST.labels(lane, figure).set(getattr(growth.forecast, figure))
    for gauge, value in ((SHIFT, growth.psi), (JUMP, growth.jump_points)):
        if value is None:
            _without(gauge, lane)
        else:
            gauge.labels(lane).set(value)
    if growth.day is not None:
        SNAPSHOT.labels(lane).set(growth.day * 86_400)


def forget(lane: Lane) -> None:
    """Takes the lane's figures away."""
    for through in reading.THROUGH:
        _without(TIES, lane, through)
    for figure in FIGURES:
        _without(FORECAST, lane, figure)
    for gauge in (SHIFT, JUMP, SNAPSHOT):
        _without(gauge, lane)


def _without(gauge: Gauge, *labels: str) -> None:
    if labels in {tuple(sample.labels.values()) for metric in gauge.collect() for sample in metric.samples}:
        gauge.remove(*labels)


async def snapshots(app: web.Application) -> None:
    """The day's snapshot of each lane, for ever: looked for every few seconds, taken once."""
    while True:
        for lane in LANES:
            await take(app[POOLS][lane], lane)
        await asyncio.sleep(LOOK_S)


async def take(pool: Pool, lane: Lane) -> None:
    """The snapshot of the day that is over, if it is not finished. With the ledger away it stays where it is."""
    began = time.monotonic()
    try:
        due = await snapshot.due(pool, lane)
        more = not due.finished
        while more:
            more = await snapshot.step(pool, lane, due.day)
    except XiuError as exc:
        log.warning("strength of lane %s: %s", lane, exc, extra={"event": "strength_interrupted"})
        return
    if not due.finished:
        figures = {"event": "strength_snapshot", "lane": lane, "day": due.day, "s": round(time.monotonic() - began, 3)}
        log.info("strength of lane %s, day %d", lane, due.day, extra=figures)


TASKS = (watch, snapshots)
