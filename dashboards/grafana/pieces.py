"""Builds panels and variables of one style, with the foundation SDK's builders. Owns no query.

Every panel reads the data source that the dashboard's variable names; every one has a title, a description and a unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, table, text, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

from dashboards.grafana.promql import scoped

DATASOURCE_VARIABLE = "datasource"
DATASOURCE = common.DataSourceRef(type_val="prometheus", uid=f"${{{DATASOURCE_VARIABLE}}}")
YUAN = "suffix: 元"
"""Grafana has no unit of its own for yuan; this one neither rounds nor abbreviates."""
FEN = "suffix: 分"
NO_UNIT_OF_MONEY = (
    "Grafana has no unit for yuan and fen; its custom suffix neither rounds nor abbreviates, as money must not be."
)
"""Why a panel of money keeps what the official linter says of its unit."""
GREEN, YELLOW, ORANGE, RED, GREY, BLUE = "green", "yellow", "orange", "red", "#8e8e8e", "blue"
SCOPE = 'job=~"$job",instance=~"$instance"'
"""In every selector of every query, so that a Prometheus that others share shows one system at a time."""
UNSCOPED = frozenset(("ALERTS",))
"""An alert carries the labels of its rule's expression; most sum over jobs and instances."""

Panel: TypeAlias = Builder[dashboard.Panel]
Annotation: TypeAlias = Builder[dashboard.AnnotationQuery]


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """A query and what its series are called. `ref` is Grafana's letter; given by position if empty.

    Filters by job and instance are added to every selector when it becomes JSON.
    """

    expr: str
    legend: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class DataLink(Builder[dashboard.DashboardLink]):
    """Where a click on a panel leads; Grafana fills in `${variables:raw}`."""

    title: str
    url: str

    def build(self) -> dashboard.DashboardLink:
        """As JSON has it: opens beside the dashboard."""
        return dashboard.DashboardLink(title=self.title, url=self.url, target_blank=True)


@dataclass(frozen=True, slots=True)
class StateText:
    """A value in words, with its sign and colour: colour never stands alone."""

    text: str
    color: str


@dataclass(frozen=True, slots=True)
class Tile:
    """What every panel has: its words, its unit, its room on the grid of 24 columns."""

    title: str
    description: str
    unit: str = "none"
    width: int = 8
    height: int = 8


def _queries(asks: Sequence[PanelQuery], *, instant: bool = False, table: bool = False) -> list[Builder[object]]:
    built = []
    for k, ask in enumerate(asks):
        query = (
            prometheus.Dataquery().expr(in_scope(ask.expr)).ref_id(ask.ref or chr(ord("A") + k)).datasource(DATASOURCE)
        )
        query = query.legend_format(ask.legend or "__auto")
        query = query.instant() if instant or table else query.range()
        query = query.format(PromQueryFormat.TABLE) if table else query
        built.append(query)
    return built  # type: ignore[return-value]


def in_scope(expr: str) -> str:
    """The query of the chosen jobs and instances alone."""
    return scoped(expr, SCOPE, UNSCOPED)


def _thresholds(edges: Sequence[tuple[float | None, str]]) -> build.ThresholdsConfig:
    steps = [dashboard.Threshold(value=value, color=color) for value, color in edges]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)


def _words(words: Mapping[str, StateText], none: StateText | None = None) -> list[dashboard.ValueMapping]:
    options = {
        value: dashboard.ValueMappingResult(text=word.text, color=word.color, index=k)
        for k, (value, word) in enumerate(words.items())
    }
    found: list[dashboard.ValueMapping] = [dashboard.ValueMap(options=options)]
    if none is not None:
        result = dashboard.ValueMappingResult(text=none.text, color=none.color, index=len(options))
        match = dashboard.SpecialValueMatch.NULL_AND_NAN
        options_of = dashboard.DashboardSpecialValueMapOptions(match=match, result=result)
        found.append(dashboard.SpecialValueMap(options=options_of))
    return found


def lines(
    tile: Tile,
    *asks: PanelQuery,
    objective: float | None = None,
    band: tuple[str, str] | None = None,
    decimals: int | None = None,
) -> Panel:
    """Lines over time. `objective`: a dashed line to stay below. `band`: names of its lower and upper edge."""
    panel = timeseries.Panel().title(tile.title).description(tile.description).unit(tile.unit)
    panel = panel.datasource(DATASOURCE).targets(_queries(asks)).span(tile.width).height(tile.height)  # type: ignore[arg-type]
    panel = panel.min(0).line_width(2).fill_opacity(5).show_points(common.VisibilityMode.NEVER)
    legend = common_builders.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST).show_legend(True)
    panel = panel.legend(legend.placement(common.LegendPlacement.BOTTOM).calcs(["lastNotNull"]))
    if decimals is not None:
        panel = panel.decimals(decimals)
    tooltip = common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    panel = panel.tooltip(tooltip.sort(common.SortOrder.DESCENDING))
    if objective is not None:
        panel = panel.thresholds(_thresholds([(None, GREEN), (objective, RED)]))
        style = common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds_style(style)
    if band is not None:
        lower, upper = band
        panel = panel.override_by_name(
            upper,
            [
                dashboard.DynamicConfigValue("custom.fillBelowTo", lower),
                dashboard.DynamicConfigValue("custom.fillOpacity", 15),
                dashboard.DynamicConfigValue("custom.lineWidth", 1),
                dashboard.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": BLUE}),
            ],
        ).override_by_name(
            lower,
            [
                dashboard.DynamicConfigValue("custom.lineWidth", 1),
                dashboard.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": BLUE}),
            ],
        )
    return panel


def figure(
    tile: Tile,
    *asks: PanelQuery,
    words: Mapping[str, StateText] | None = None,
    none: StateText | None = None,
    edges: Sequence[tuple[float | None, str]] = ((None, BLUE),),
    decimals: int | None = None,
    names: bool = False,
    leads: DataLink | None = None,
) -> Panel:
    """One big figure as it is at the end of the time shown, never an older one.

    `none`: what stands there without data; `names`: shows the series' name; `leads`: where a click leads.
    """
    panel = stat.Panel().title(tile.title).description(tile.description).unit(tile.unit)
    panel = panel.datasource(DATASOURCE).targets(_queries(asks, instant=True)).span(tile.width).height(tile.height)  # type: ignore[arg-type]
    panel = panel.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.color_mode(common.BigValueColorMode.BACKGROUND_SOLID if words else common.BigValueColorMode.VALUE)
    panel = panel.graph_mode(common.BigValueGraphMode.NONE).thresholds(_thresholds(edges))
    panel = panel.no_value(none.text if none else "? no data")
    panel = panel.text_mode(common.BigValueTextMode.NAME if names else common.BigValueTextMode.VALUE)
    if decimals is not None:
        panel = panel.decimals(decimals)
    if words or none:
        panel = panel.mappings(_words(words or {}, none))
    return panel if leads is None else panel.data_links([leads])


def states(
    tile: Tile,
    *asks: PanelQuery,
    words: Mapping[str, StateText] | None = None,
    leads: Mapping[str, DataLink] | None = None,
) -> Panel:
    """Bars of states over time, one row a series. `leads`: where a click on the series of that name leads."""
    panel = statetimeline.Panel().title(tile.title).description(tile.description).unit(tile.unit)
    panel = panel.datasource(DATASOURCE).targets(_queries(asks)).span(tile.width).height(tile.height)  # type: ignore[arg-type]
    panel = panel.merge_values(True).show_value(common.VisibilityMode.AUTO).row_height(0.8).fill_opacity(80)
    panel = panel.thresholds(_thresholds([(None, BLUE)])).no_value("none in this time")
    for name, link in (leads or {}).items():
        target = {"title": link.title, "url": link.url, "targetBlank": True}
        panel = panel.override_by_name(name, [dashboard.DynamicConfigValue("links", [target])])
    return panel.mappings(_words(words)) if words else panel


def rows(
    tile: Tile,
    *asks: PanelQuery,
    key: str,
    columns: Mapping[str, str],
    names: Mapping[str, str],
    state_column: str = "",
    words: Mapping[str, StateText] | None = None,
    decimals: int | None = None,
) -> Panel:
    """A table, one row a value of label `key`, a column a query: `columns` by letter, `names` the rows in words.

    As it is at the end of the time shown.
    """
    panel = table.Panel().title(tile.title).description(tile.description).unit(tile.unit)
    panel = panel.datasource(DATASOURCE).targets(_queries(asks, table=True)).span(tile.width).height(tile.height)  # type: ignore[arg-type]
    renamed = {key: columns[key]} | {f"Value #{ref}": name for ref, name in columns.items() if ref != key}
    if len(asks) == 1:  # Grafana calls the only column so
        renamed["Value"] = columns[asks[0].ref]
    panel = panel.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    order = {key: 0} | {f"Value #{ask.ref}": k for k, ask in enumerate(asks, 1)}
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": renamed}
    panel = panel.with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=organize))
    panel = panel.no_value("–")
    if decimals is not None:
        panel = panel.decimals(decimals)
    if names:
        named = {value: StateText(name, "text") for value, name in names.items()}
        panel = panel.override_by_name(columns[key], [dashboard.DynamicConfigValue("mappings", _plain(named))])
    if words:
        properties = [
            dashboard.DynamicConfigValue("mappings", _plain(words)),
            dashboard.DynamicConfigValue("unit", "none"),
            dashboard.DynamicConfigValue("decimals", 0),
            dashboard.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
        ]
        panel = panel.override_by_name(columns[state_column], properties)
    return panel


def _plain(words: Mapping[str, StateText]) -> list[object]:
    """Mappings as plain data: an override's value is not typed by the SDK."""
    options = {
        value: {"text": word.text, "color": word.color, "index": k} for k, (value, word) in enumerate(words.items())
    }
    return [{"type": "value", "options": options}]


def note(title: str, description: str, markdown: str, width: int = 24, height: int = 3) -> Panel:
    """Text."""
    panel = text.Panel().title(title).description(description).mode(TextMode.MARKDOWN).content(markdown)
    return panel.span(width).height(height)


def datasource_variable() -> Builder[dashboard.VariableModel]:
    """Which Prometheus: chosen in Grafana, never fixed here."""
    variable = build.DatasourceVariable(DATASOURCE_VARIABLE).label("Data source").type("prometheus")
    return variable.multi(False).include_all(False)


def query_variable(
    name: str, label: str, metric: str, of_label: str, *, every: bool = False, newest_first: bool = False
) -> Builder[dashboard.VariableModel]:
    """Values of a label. `every`: several may be chosen, and all are at first."""
    query = f"label_values({in_scope(metric)}, {of_label})"
    return _query_variable(name, label, query, every=every, newest_first=newest_first)


def scope_variables() -> list[Builder[dashboard.VariableModel]]:
    """Job, and instances of the jobs chosen: all at first."""
    job = _query_variable("job", "Job", "label_values(up, job)", every=True, all_value=".+")
    of_job = 'label_values(up{job=~"$job"}, instance)'
    return [job, _query_variable("instance", "Instance", of_job, every=True, all_value=".+")]


def address_variable(name: str, label: str) -> Builder[dashboard.VariableModel]:
    """Where pages outside of Grafana are served, without a slash at the end: typed in, or set by `xiu dash push`."""
    return build.TextBoxVariable(name).label(label).default_value("")


def _query_variable(
    name: str, label: str, query: str, *, every: bool = False, newest_first: bool = False, all_value: str = ""
) -> Builder[dashboard.VariableModel]:
    variable = build.QueryVariable(name).label(label).datasource(DATASOURCE).definition(query)
    variable = variable.query({"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
    variable = variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    order = dashboard.VariableSort.ALPHABETICAL_DESC if newest_first else dashboard.VariableSort.ALPHABETICAL_ASC
    variable = variable.sort(order).multi(every).include_all(every)
    if all_value:
        variable = variable.all_value(all_value)
    if every:
        variable = variable.current(dashboard.VariableOption(selected=True, text=["All"], value=["$__all"]))
    return variable


FAULTS = "max by (experiment, target) (drill_chaos_active) == 1"
ALERTS = 'max by (alertname) (ALERTS{alertstate="firing",alertname!="Watchdog"})'
"""What is drawn over every panel."""


def annotation(name: str, expr: str, title: str, text_format: str, color: str, tags: str) -> Annotation:
    """Regions drawn over every panel from a query; no call of Grafana's API is needed."""
    query = build.AnnotationQuery().name(name).datasource(DATASOURCE).enable(True).hide(False).icon_color(color)
    return query.expr(in_scope(expr)).step("1s").title_format(title).text_format(text_format).tag_keys(tags)


def tagged_annotations(tag: str) -> Annotation:
    """What `xiu dash push` wrote into Grafana's own store under a tag."""
    query = build.AnnotationQuery().name("xiu").enable(True).hide(False).icon_color(BLUE).type("tags")
    query = query.datasource(common.DataSourceRef(type_val="grafana", uid="-- Grafana --"))
    target = build.AnnotationTarget().limit(100).match_any(False).tags([tag]).type("tags")
    return query.target(target)  # type: ignore[arg-type]  # the SDK types it as a query of a data source
