"""The cards' own figures: what moved in this process, what the pot has paid. Counted after the commit, once."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from system.contract.ids import LANES, Lane
from system.contract.metrics import CARD_MOVES
from system.web import counter, gauge

_OWN = CollectorRegistry()
MOVED = counter(_OWN, "hongbao_cards_moved_total")
POT_PAID = counter(_OWN, "hongbao_pot_paid_fen_total")
POT_WAITING = gauge(_OWN, "hongbao_pot_batches_waiting")
COLLECTORS = (MOVED, POT_PAID, POT_WAITING)

for _lane in LANES:  # 0 is a figure as well
    POT_PAID.labels(_lane)
    POT_WAITING.labels(_lane)
    for _what in CARD_MOVES:
        MOVED.labels(_lane, _what)


def moved(lane: Lane, what: str) -> None:
    """One more of CARD_MOVES."""
    MOVED.labels(lane, what).inc()
