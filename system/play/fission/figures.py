"""Fission's own metrics."""

from __future__ import annotations

from prometheus_client.registry import Collector

from system.web import counter

CLAIMS = counter(None, "hongbao_fission_claims_total")
COMMITS = counter(None, "hongbao_fission_commits_total")
SHARES = counter(None, "hongbao_fission_shares_total")
REFUNDED = counter(None, "hongbao_fission_refunded_fen_total")

COLLECTORS: tuple[Collector, ...] = (CLAIMS, COMMITS, SHARES, REFUNDED)
