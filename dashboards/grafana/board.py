"""What a dashboard is before it is built, and its excuses, each with a reason. Owns no dashboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard

from dashboards.grafana.pieces import Annotation, DataLink, Panel

TAG = "xiu"
REPORTS, RUNBOOKS = "reports", "runbooks"
"""Variables with the addresses of pages outside of Grafana."""


@dataclass(frozen=True, slots=True)
class MayBeEmpty:
    """A panel that may be empty, and why. Each condition narrows the excuse; without any it always holds."""

    panel: str
    why: str
    query: str = ""
    """Grafana's letter of the query; empty: any of the panel."""
    undisturbed: bool = False
    """Only in a time without an injected fault."""
    under_way: bool = False
    """Only while the run goes on."""
    without_job: str = ""
    """Only where Prometheus scrapes other jobs, but never this one."""


@dataclass(frozen=True, slots=True)
class RawCounter:
    """A counter that a panel shows as it is, outside of `rate` and `increase`, and why."""

    panel: str
    metric: str
    why: str


@dataclass(frozen=True, slots=True)
class LintExcuse:
    """A finding of grafana's dashboard-linter by that rule that is left in these panels, and why."""

    rule: str
    panels: tuple[str, ...]
    why: str


Excuse = MayBeEmpty | RawCounter | LintExcuse
_DRAWS = ("panels", "variables", "drawn_over", "links")


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard. Its file says all of it; `excuses` stands in each, `()` where no panel needs one."""

    uid: str
    title: str
    description: str
    panels: Callable[[], Iterator[Panel]]
    excuses: Sequence[Excuse]
    variables: Callable[[], list[Builder[dashboard.VariableModel]]]
    drawn_over: Callable[[], list[Annotation]]
    links: Callable[[], list[Builder[dashboard.DashboardLink]]]
    rank: int = 100
    """Place in lists: the smaller, the earlier; then by the file's name."""
    for_managers: bool = False
    """Two languages, no name of a metric, no percentile."""
    refresh: str = "5s"
    file: Path = Path()
    """The file it stands in; set when it is found."""

    def __post_init__(self) -> None:
        """Raises TypeError for what cannot be drawn."""
        if not isinstance(self.excuses, tuple | list) or not all(isinstance(one, Excuse) for one in self.excuses):
            raise TypeError("its excuses are no tuple of MayBeEmpty, RawCounter, LintExcuse")
        if wrong := [name for name in _DRAWS if not callable(getattr(self, name))]:
            raise TypeError(f"its {wrong[0]} cannot be called")

    def may_be_empty(self, panel: str, query: str) -> Iterator[MayBeEmpty]:
        """Its excuses for an empty query."""
        for one in self.excuses:
            if isinstance(one, MayBeEmpty) and one.panel == panel and one.query in ("", query):
                yield one

    def raw_counters(self, panel: str) -> set[str]:
        """Counters that stand in that panel as they are."""
        return {one.metric for one in self.excuses if isinstance(one, RawCounter) and one.panel == panel}


def other_boards(title: str) -> Builder[dashboard.DashboardLink]:
    """To the other dashboards with this tag, at the same time and with the same choices."""
    link = build.DashboardLink(title).type(dashboard.DashboardLinkType.DASHBOARDS).icon("dashboards").tags([TAG])
    return link.as_dropdown(False).include_vars(True).keep_time(True)


def page(link: DataLink) -> Builder[dashboard.DashboardLink]:
    """To a page outside of Grafana."""
    found = build.DashboardLink(link.title).type(dashboard.DashboardLinkType.LINK).icon("doc").url(link.url)
    return found.target_blank(True).tooltip("the address is in a variable above")
