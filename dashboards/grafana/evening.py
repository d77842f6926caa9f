"""Panels of the plays beside the draw and of where users live, as managers read them: two languages, no jargon."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.grafana.board import MayBeEmpty
from dashboards.grafana.machinery import RATE
from dashboards.grafana.pieces import Panel, PanelQuery, Tile, lines
from system.contract.people import SMALLER_CITIES_SHARE

_FRIENDS = "裂变红包与福卡 · Shared packets and cards"
_HOMES = "三四线城市与农村 · Smaller cities and the country"


def evening() -> Iterator[Panel]:
    """What friends do with each other, and who gets the packets."""
    yield lines(
        Tile(
            _FRIENDS,
            "每秒：好友领走的、转手或合成的福卡。 · Per second: parts of packets that friends took, cards that "
            "were drawn, given and combined.",
            "locale", 12, 7,
        ),
        PanelQuery(f'sum(rate(hongbao_fission_claims_total{{outcome="claimed"}}{RATE}))', "裂变 · packets"),
        PanelQuery(f"sum(rate(hongbao_cards_moved_total{RATE}))", "福卡 · cards"),
    )  # fmt: skip

    def posted(where: str = "") -> str:
        return f"sum(rate(hongbao_credits_by_home_total{where}{RATE}))"

    yield lines(
        Tile(
            _HOMES,
            "占全部到账红包的比例；虚线是 2016 年三四线城市的 64%。 · Of all packets in accounts; the dashed line is "
            "the 64 % of third- and fourth-tier cities in 2016.",
            "percentunit", 12, 7,
        ),
        PanelQuery(f"""{posted('{tier=~"3|4"}')} / ({posted()} > 0)""", "三四线城市 · third and fourth tier"),
        PanelQuery(f"""{posted('{area="country"}')} / ({posted()} > 0)""", "农村 · in the country"),
        objective=SMALLER_CITIES_SHARE,
    )  # fmt: skip


EXCUSES = (
    MayBeEmpty(_FRIENDS, "a round alone has no plays beside it"),
    MayBeEmpty(_HOMES, "nothing comes into accounts, so there is nothing to take a share of"),
)
