"""Figures of payouts and of calls to the bank, by this process; what waits is the whole lane's."""

from __future__ import annotations

import time
from functools import partial

from prometheus_client import Gauge

from system.contract.ids import LANES, Lane
from system.contract.metrics import METRICS, PAYOUT_OUTCOMES
from system.web import counter

_HELP = {metric.name: metric.help for metric in METRICS}
CALLS = counter(None, "hongbao_outside_calls_total")
PAYOUTS = counter(None, "hongbao_payouts_total")
FEN = counter(None, "hongbao_payouts_fen_total")
WAITING = Gauge("hongbao_payouts_waiting", _HELP["hongbao_payouts_waiting"], ["lane"], registry=None)
OLDEST = Gauge(
    "hongbao_payouts_oldest_age_seconds", _HELP["hongbao_payouts_oldest_age_seconds"], ["lane"], registry=None
)
COLLECTORS = (CALLS, PAYOUTS, FEN, WAITING, OLDEST)
_since_us: dict[Lane, int | None] = dict.fromkeys(LANES)


def _age_s(lane: Lane) -> float:
    """Grows while the ledger is away: a missing reading is not good news."""
    since_us = _since_us[lane]
    return 0.0 if since_us is None else max(0.0, time.time() - since_us / 1e6)


for _lane in LANES:
    OLDEST.labels(_lane).set_function(partial(_age_s, _lane))
    for _outcome in PAYOUT_OUTCOMES:
        PAYOUTS.labels(_lane, _outcome)
        FEN.labels(_lane, _outcome)


def counted(lane: Lane, outcome: str, fen: int) -> None:
    """An order that was made, or came to its end."""
    PAYOUTS.labels(lane, outcome).inc()
    FEN.labels(lane, outcome).inc(fen)


def waits(lane: Lane, count: int, since_us: int | None) -> None:
    """What the ledger says of the orders that have no end."""
    WAITING.labels(lane).set(count)
    _since_us[lane] = since_us
