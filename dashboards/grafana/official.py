"""The rules of grafana's own dashboard-linter, by its names, and `.lint`, built from the dashboards' own excuses.

Taken from that linter's sources (June 2026), because it cannot be installed everywhere. Its file format and its way of
matching entries are kept, so the same `.lint` serves both. An entry that excuses nothing is a finding.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.models import units

from dashboards.grafana.board import Board, LintExcuse
from dashboards.grafana.promql import Selector, parts
from plans.models import scalars

FILE = Path(__file__).resolve().parents[1] / "rendered" / ".lint"
PANELS = frozenset(("stat", "singlestat", "graph", "table", "timeseries", "gauge"))
"""Types the rules of panels look at."""
QUERIED = frozenset(("stat", "singlestat", "graph", "table", "timeseries", "state-timeline"))
UNITS = frozenset(value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_"))
RATES = frozenset(("rate", "irate", "increase"))
FUNCTIONS = frozenset(("label_names", "label_values", "metrics", "query_result"))
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LintFinding:
    """What a rule found. `panel` and `target` (its index): empty and None for what is of the whole dashboard."""

    rule: str
    dashboard: str
    text: str
    panel: str = ""
    target: int | None = None

    def __str__(self) -> str:
        place = "".join(f": {one}" for one in (self.panel, self.target) if one not in ("", None))
        return f"{self.dashboard}{place}: {self.rule}: {self.text}"


def findings(board: Document) -> Iterator[LintFinding]:
    """Everything that linter would say of a dashboard, excused or not."""
    title = board["title"]
    yield from (LintFinding(rule, title, text) for rule, text in _templates(board))
    if board.get("editable", True):
        yield LintFinding("uneditable-dashboard-rule", title, "is editable")
    for panel in _panels(board):
        yield from (LintFinding(rule, title, text, panel["title"]) for rule, text in _panel(board, panel))
        for k, target in enumerate(panel.get("targets") or ()):
            for rule, text in _target(panel, target["expr"]):
                yield LintFinding(rule, title, text, panel["title"], k)


def _panels(board: Document) -> Iterator[Document]:
    for panel in board.get("panels", ()):
        yield panel
        yield from panel.get("panels") or ()


def _templates(board: Document) -> Iterator[tuple[str, str]]:
    variables = board["templating"]["list"]
    sources = [one for one in variables if one["type"] == "datasource"]
    if not sources:
        yield "template-datasource-rule", "no variable for the data source"
    for one in sources:
        if one["name"] not in ("datasource", f"{one['query']}_datasource"):
            yield "template-datasource-rule", f"its variable is named {one['name']}; expected datasource"
        if one["label"] not in ("Data source", f"{one['query'].title()} data source"):
            yield "template-datasource-rule", f"its variable is labelled {one['label']}; expected Data source"
    for name in ("job", "instance"):
        yield from ((f"template-{name}-rule", text) for text in _template(variables, name))
    for one in variables:
        if one["type"] != "query":
            continue
        query = one["query"]["query"] if isinstance(one["query"], dict) else one["query"]
        called = re.search(r"([a-z_]+)\((.+)\)", query)
        if called is None or called[1] not in FUNCTIONS:
            yield "template-label-promql-rule", f"{one['name']}: cannot read {query}"
        if one.get("refresh") != 2:
            yield "template-on-time-change-reload-rule", f"{one['name']} does not follow the time range"


def _template(variables: Iterable[Document], name: str) -> Iterator[str]:
    one = next((each for each in variables if each["name"] == name), None)
    if one is None:
        yield f"no variable {name}"
        return
    for what, have, expected in (
        ("type", one["type"], "query"),
        ("label", one["label"], name.title()),
        ("multi", one["multi"], True),
        ("allValue", one.get("allValue"), ".+"),
        ("data source", (one.get("datasource") or {}).get("uid", "").strip("${}"), "datasource"),
    ):
        if have != expected:
            yield f"{what} of {name} is {have!r}; expected {expected!r}"


def _panel(board: Document, panel: Document) -> Iterator[tuple[str, str]]:
    if panel["type"] not in PANELS:
        return
    sources = {one["name"] for one in board["templating"]["list"] if one["type"] == "datasource"}
    if str((panel.get("datasource") or {}).get("uid", "")).strip("${}") not in sources:
        yield "panel-datasource-rule", "does not use the variable for the data source"
    if not panel.get("title") or not panel.get("description"):
        yield "panel-title-description-rule", "without a title or a description"
    if not panel.get("targets"):
        yield "panel-no-targets-rule", "no query"
    config = panel.get("fieldConfig", {})
    properties = [one for override in config.get("overrides") or () for one in override["properties"]]
    mapped = config.get("defaults", {}).get("mappings") or any(one["id"] == "mappings" for one in properties)
    values = [one["value"] for one in properties if one["id"] == "unit"] or [config.get("defaults", {}).get("unit")]
    if not mapped and values[-1] not in UNITS:
        yield "panel-units-rule", f"unit {values[-1]!r} is none of Grafana's own"


def _target(panel: Document, expr: str) -> Iterator[tuple[str, str]]:
    try:
        selectors = [one for one in parts(expr) if isinstance(one, Selector)]
    except ValueError as exc:
        if panel["type"] in QUERIED:
            yield "target-promql-rule", str(exc)
        return
    for label in ("job", "instance"):
        for one in selectors:
            if (label, "=~", f"${label}") not in one.matchers:
                yield f"target-{label}-rule", f'{one.metric} without {label}=~"${label}"'
                break
    for one in selectors:
        calls = RATES & set(one.inside)
        if calls & {"rate", "irate"} and one.window != "[$__rate_interval]" and panel["type"] in QUERIED:
            yield "target-rate-interval-rule", f"a rate over {one.window}"
        if one.metric.endswith("_total") and not calls:
            yield "target-counter-agg-rule", f"{one.metric} without rate, irate or increase"


@dataclass(frozen=True, slots=True)
class LintExclusion:
    """A line of `.lint`: what is excused of a rule. Empty matches a finding that has none."""

    rule: str
    reason: str
    dashboard: str = ""
    panel: str = ""
    target: str = ""

    def excuses(self, one: LintFinding) -> bool:
        """As that linter matches: dashboard and panel exactly, the target only where the entry names one."""
        same = (self.rule, self.dashboard, self.panel) == (one.rule, one.dashboard, one.panel)
        return same and (self.target in ("", str(one.target)))


def entries(file: Path = FILE, text: str | None = None) -> list[LintExclusion]:
    """All of `.lint`. `text`: as it would be written there. Raises ValueError for a rule without a reason, or excused
    as a whole.
    """
    document = scalars.load(file.read_text(encoding="utf-8") if text is None else text) or {}
    found = []
    for rule, excluded in (document.get("exclusions") or {}).items():
        if not excluded or not excluded.get("reason") or not excluded.get("entries"):
            raise ValueError(f"{file.name}: {rule}: no reason, or no entries; expected both")
        for one in excluded["entries"]:
            found.append(
                LintExclusion(
                    rule, excluded["reason"], one["dashboard"], one.get("panel", ""), str(one.get("targetIdx", ""))
                )
            )
    return found


HEAD = (
    "# What grafana's dashboard-linter finds and stays so, each with its reason. Read by that linter, and by "
    "`xiu dash check`."
)


def written(boards: Iterable[Board]) -> str:
    """`.lint` as the dashboards' own files have it, rule by rule."""
    rules: dict[str, list[tuple[Board, LintExcuse]]] = {}
    for board in boards:
        for one in board.excuses:
            if isinstance(one, LintExcuse):
                rules.setdefault(one.rule, []).append((board, one))
    lines = [HEAD, "exclusions:" if rules else "exclusions: {}"]
    for rule, kept in rules.items():
        lines += [
            f"  {rule}:",
            f"    reason: {_flow(' '.join(dict.fromkeys(one.why for _, one in kept)))}",
            "    entries:",
        ]
        for board, one in kept:
            lines += [f"      - {_flow({'dashboard': board.title, 'panel': panel})}" for panel in one.panels]
    return "\n".join(lines) + "\n"


def _flow(value: object) -> str:
    """YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf)
    return text.removesuffix("\n").removesuffix("\n...")


def lint(boards: Iterable[Document], excused: Iterable[LintExclusion]) -> list[str]:
    """What is found and not excused, and what is excused and not found."""
    excused = list(excused)
    found = [one for board in boards for one in findings(board)]
    wrong = [str(one) for one in found if not any(entry.excuses(one) for entry in excused)]
    idle = [entry for entry in excused if not any(entry.excuses(one) for one in found)]
    return wrong + [f"{one.dashboard}: {one.panel}: {one.rule}: excused in .lint, and not found" for one in idle]
