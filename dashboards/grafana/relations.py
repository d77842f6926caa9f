"""Panels of the relation chain, for any dashboard with a variable `lane`. Owns the panels alone."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.grafana.board import MayBeEmpty
from dashboards.grafana.machinery import TAPS
from dashboards.grafana.pieces import Panel, PanelQuery, Tile, lines

_TIES = "Ties, by what made them"
_NO_PROGRAMME = "a lane without a programme expects no ties"


def relations() -> Iterator[Panel]:
    """How the relation chain grows."""
    yield lines(
        Tile(
            _TIES,
            "Pairs of users, each once. The gala expected 200 million and gained 1.1 billion: both beside them, at the "
            "scale of the lane's last programme.",
            "short",
            24,
        ),
        PanelQuery(f"sum by (through) (max by (lane, through) (hongbao_ties{{{TAPS}}}))", "{{through}}"),
        PanelQuery(f"sum(max by (lane, through) (hongbao_ties{{{TAPS}}}))", "all"),
        PanelQuery(f"""sum(max by (lane) (hongbao_ties_forecast{{{TAPS},figure="expected"}}))""", "expected"),
        PanelQuery(f"""sum(max by (lane) (hongbao_ties_forecast{{{TAPS},figure="gained_2016"}}))""", "gained in 2016"),
    )


EXCUSES = (MayBeEmpty(_TIES, _NO_PROGRAMME, query="C"), MayBeEmpty(_TIES, _NO_PROGRAMME, query="D"))
