"""Fission's own metrics."""

from __future__ import annotations

from prometheus_client.registry import Collector

from system.contract.ids import LANES
from system.contract.metrics import CLAIM_OUTCOMES, SHARE_OUTCOMES
from system.web import counter

CLAIMS = counter(None, "hongbao_fission_claims_total")
COMMITS = counter(None, "hongbao_fission_commits_total")
SHARES = counter(None, "hongbao_fission_shares_total")
REFUNDED = counter(None, "hongbao_fission_refunded_fen_total")
RETURNED = counter(None, "hongbao_fission_returned_fen_total")

COLLECTORS: tuple[Collector, ...] = (CLAIMS, COMMITS, SHARES, REFUNDED, RETURNED)

# A series is there from the start: what has not happened is 0, and not missing.
for _lane in LANES:
    COMMITS.labels(_lane)
    REFUNDED.labels(_lane)
    RETURNED.labels(_lane)
    for _outcome in CLAIM_OUTCOMES:
        CLAIMS.labels(_lane, _outcome)
    for _outcome in SHARE_OUTCOMES:
        SHARES.labels(_lane, _outcome)
