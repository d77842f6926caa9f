"""Panels of fission packets, for any dashboard with a variable `lane`. Owns the panels and their excuses."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.grafana.board import LintExcuse, MayBeEmpty
from dashboards.grafana.machinery import RATE, TAPS
from dashboards.grafana.pieces import NO_UNIT_OF_MONEY, YUAN, Panel, PanelQuery, Tile, lines

_CLAIMS, _GATHERED, _SHARES, _BACK = (
    "Claims of shares, by outcome", "Claims of one commit", "Shares opened and settled", "Money back from shares",
)  # fmt: skip


def shares() -> Iterator[Panel]:
    """Claims, how well they are gathered, shares, what goes back."""
    yield lines(
        Tile(_CLAIMS, "As play answers them; pending may have happened.", "cps", 6),
        PanelQuery(f"sum by (outcome) (rate(hongbao_fission_claims_total{{{TAPS}}}{RATE}))", "{{outcome}}"),
    )
    yield lines(
        Tile(_GATHERED, "More than one: the claims of a hot link share a transaction.", "short", 6),
        PanelQuery(
            f'sum by (lane) (rate(hongbao_fission_claims_total{{{TAPS},outcome="claimed"}}{RATE}))'
            f" / (sum by (lane) (rate(hongbao_fission_commits_total{{{TAPS}}}{RATE})) > 0)",
            "{{lane}}",
        ),
    )
    yield lines(
        Tile(_SHARES, "Settled by the last claim (exhausted) or by time (expired).", "cps", 6),
        PanelQuery(f"sum by (outcome) (rate(hongbao_fission_shares_total{{{TAPS}}}{RATE}))", "{{outcome}}"),
    )
    yield lines(
        Tile(
            _BACK, "What nobody claimed in time, and what was in no share when a round was over, per second.", YUAN, 6
        ),
        PanelQuery(f"sum by (lane) (rate(hongbao_fission_refunded_fen_total{{{TAPS}}}{RATE})) / 100", "{{lane}}"),
        PanelQuery(
            f"sum by (lane) (rate(hongbao_fission_returned_fen_total{{{TAPS}}}{RATE})) / 100", "{{lane}} to sponsors"
        ),
    )


EXCUSES = (
    MayBeEmpty(_GATHERED, "nobody claims, so there is no commit to divide by"),
    LintExcuse("panel-units-rule", (_BACK,), NO_UNIT_OF_MONEY),
)
