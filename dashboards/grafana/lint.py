"""Rules for every dashboard, checked on its JSON and against the code's own catalogues of metrics. No network.

The rules of grafana's dashboard-linter (`official.py`), and more: a metric and each of its labels must be one that the
code exposes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from dashboards.grafana import official, shelf
from dashboards.grafana.board import Board, LintExcuse, RawCounter
from dashboards.grafana.excused import UNCHARTED
from dashboards.grafana.pieces import DATASOURCE_VARIABLE
from dashboards.grafana.promql import Grouping, Selector, arguments, divisors, parts
from plans.metrics import METRICS as DRILL_METRICS
from plans.models import scalars
from system.contract.metrics import ITSELF, Metric
from system.contract.metrics import METRICS as SYSTEM_METRICS

RULES = Path(__file__).resolve().parents[1] / "rules"
TARGET_LABELS = frozenset(("job", "instance", "part"))
"""What Prometheus itself puts on every series."""
OWN = {"ALERTS": ("alertname", "alertstate", "severity"), "up": ()}
SUFFIXES = ("_bucket", "_count", "_sum")
RATES = frozenset(("rate", "irate", "increase"))
COLUMNS = 24
DATASOURCE_UID = f"${{{DATASOURCE_VARIABLE}}}"
TECHNICAL = re.compile(r"(hongbao|drill)_|\bp9\d|histogram|quantile|\bcounter\b|\blag\b")

Document = Mapping[str, Any]


@functools.cache
def catalogue() -> dict[str, Metric]:
    """Every metric the code exposes, by name."""
    return {metric.name: metric for metric in (*SYSTEM_METRICS, *DRILL_METRICS, *ITSELF)}


@functools.cache
def recorded(folder: Path = RULES) -> set[str]:
    """Names of recording rules."""
    files = sorted(folder.glob("*.yml"))
    groups = [group for path in files for group in scalars.load(path.read_text(encoding="utf-8"))["groups"]]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


def alert_text(folder: Path = RULES) -> str:
    """Every rule's text: what an alert watches need not be charted."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yml")))


def targets(board: Document) -> Iterator[tuple[Document, Document]]:
    """Each panel with each of its queries."""
    for panel in board.get("panels", ()):
        for target in panel.get("targets", ()):
            yield panel, target


def lint(board: Document) -> list[str]:
    """What is wrong with one dashboard, a sentence each, with the panel's title."""
    found = list(_board(board))
    for panel in board.get("panels", ()):
        found += [f"{board['uid']}: {panel.get('title', '?')}: {line}" for line in _panel(board, panel)]
    return found


def lint_all(boards: Iterable[Document], kept: Path = official.FILE, text: str | None = None) -> list[str]:
    """Findings of each dashboard, and of all together. `kept`: the official linter's list of excuses; `text`: as it
    would be written there.
    """
    boards = list(boards)
    found = [line for board in boards for line in lint(board)]
    try:
        found += official.lint(boards, official.entries(kept, text))
    except ValueError as exc:
        found.append(str(exc))
    uids = [board["uid"] for board in boards]
    found += [f"{uid}: two dashboards of that uid" for uid in {uid for uid in uids if uids.count(uid) > 1}]
    for board in boards:
        if (mine := shelf.by_uid().get(board["uid"])) is not None:
            found += _idle(board, mine)
    shown = " ".join(target["expr"] for board in boards for _, target in targets(board)) + alert_text()
    for name in catalogue():
        seen = re.search(rf"\b{name}(_bucket|_count|_sum)?\b", shown) is not None
        if not seen and name not in UNCHARTED:
            found.append(f"{name}: neither charted nor alerted on; chart it or give a reason in excused.py")
        if seen and name in UNCHARTED:
            found.append(f"{name}: excused from being charted, and it is")
    return found


def _idle(board: Document, mine: Board) -> Iterator[str]:
    """Excuses that excuse nothing."""
    titles = {panel["title"] for panel in board["panels"]}
    asked = {
        (panel["title"], part.metric)
        for panel, target in targets(board)
        for part in parts(target["expr"])
        if isinstance(part, Selector)
    }
    for one in mine.excuses:
        for title in one.panels if isinstance(one, LintExcuse) else (one.panel,):
            wrong = ""
            if title not in titles:
                wrong = "excused, and there is no such panel"
            elif isinstance(one, RawCounter) and (title, one.metric) not in asked:
                wrong = f"{one.metric}: excused as it stands, and it does not stand there"
            if wrong:  # then alone the file is read, for the line
                yield f"{shelf.where(mine, title)}: {mine.uid}: {title}: {wrong}"


def _board(board: Document) -> Iterator[str]:
    uid = board.get("uid") or ""
    if not 0 < len(uid) <= shelf.UID_MAX:
        yield f"{uid or '?'}: a uid has 1 to {shelf.UID_MAX} characters"
    if board.get("id") is not None:
        yield f"{uid}: a numeric id belongs to one Grafana; expected none"
    if board.get("editable", True):
        yield f"{uid}: editable in Grafana, where a change would be lost at the next push"
    variables = board.get("templating", {}).get("list", [])
    if not any(one["type"] == "datasource" and one["name"] == DATASOURCE_VARIABLE for one in variables):
        yield f"{uid}: no variable for the data source"
    for one in variables:
        if one["type"] == "query" and one.get("refresh") != 2:
            yield f"{uid}: variable {one['name']}: does not follow the time range"
        if one["type"] == "query" and one["datasource"].get("uid") != DATASOURCE_UID:
            yield f"{uid}: variable {one['name']}: a fixed data source"
    for query in board.get("annotations", {}).get("list", []):
        if query["datasource"]["type"] != "grafana" and query["datasource"].get("uid") != DATASOURCE_UID:
            yield f"{uid}: annotations {query['name']}: a fixed data source"
        if "expr" in query:
            yield from (f"{uid}: annotations {query['name']}: {line}" for line in _query(query["expr"], set()))
    panels = board.get("panels", [])
    ids = [panel.get("id") for panel in panels]
    if len(set(ids)) < len(ids) or None in ids:
        yield f"{uid}: panel ids are not unique"
    titles = [panel.get("title") for panel in panels]
    yield from (f"{uid}: {title}: two panels of that title" for title in {t for t in titles if titles.count(t) > 1})
    for a, b in combinations(panels, 2):
        if _overlap(a["gridPos"], b["gridPos"]):
            yield f"{uid}: {a['title']} and {b['title']} overlap"


def _overlap(a: Mapping[str, int], b: Mapping[str, int]) -> bool:
    return (
        a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]
    )


def _panel(board: Document, panel: Document) -> Iterator[str]:
    mine = shelf.by_uid().get(board["uid"])
    for word in ("title", "description"):
        if not panel.get(word):
            yield f"no {word}"
    place = panel["gridPos"]
    if place["x"] < 0 or place["x"] + place["w"] > COLUMNS or min(place["w"], place["h"]) <= 0:
        yield f"outside of the {COLUMNS} columns"
    if panel["type"] in ("text", "row"):
        return
    unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit")
    if unit not in official.UNITS and not str(unit or "").startswith(("suffix:", "prefix:", "currency:")):
        yield f"unit {unit!r}: none that Grafana knows"
    if not panel.get("targets"):
        yield "no query"
    if mine is not None and mine.for_managers:
        words = f"{panel['title']} {panel.get('description', '')}"
        if TECHNICAL.search(words):
            yield f"jargon where a manager reads: {words!r}"
        if not (re.search(r"[\u4e00-\u9fff]", panel["title"]) and re.search("[A-Za-z]{2}", panel["title"])):
            yield "a title in one language; expected Chinese and English"
    refs = [target.get("refId") for target in panel.get("targets", ())]
    if len(set(refs)) < len(refs) or not all(refs):
        yield "queries without a letter of their own"
    for holder in (panel, *panel.get("targets", ())):
        if holder.get("datasource", {}).get("uid") != DATASOURCE_UID:
            yield f"a fixed data source, {holder.get('datasource')}; expected the dashboard's variable"
    raw = mine.raw_counters(panel["title"]) if mine is not None else set()
    variables = {one["name"] for one in board["templating"]["list"]}
    for target in panel.get("targets", ()):
        yield from _query(target["expr"], raw)
        for name in re.findall(r"\$\{?(\w+)", target["expr"]):
            if name not in variables and not name.startswith("__"):
                yield f"{target['expr']}: no variable ${name}"


def metric_of(name: str, known: Mapping[str, Metric]) -> Metric | None:
    """The family a series belongs to: itself, or the histogram whose bucket, count or sum it is."""
    if name in known:
        return known[name] if known[name].kind != "histogram" else None
    for suffix in SUFFIXES:
        family = known.get(name.removesuffix(suffix))
        if name.endswith(suffix) and family is not None and family.kind == "histogram":
            return family
    return None


def strange(expr: str) -> Iterator[str]:
    """The metrics and labels in an expression that the code does not expose; or that the expression cannot be read."""
    try:
        selectors = [part for part in parts(expr) if isinstance(part, Selector)]
    except ValueError as exc:
        yield str(exc)
        return
    for one in selectors:
        mine = _labels(one, catalogue())
        if mine is None:
            yield f"no metric {one.metric} in the code"
            continue
        yield from (f"{one.metric} has no label {x}" for x, _, _ in one.matchers if x not in mine | TARGET_LABELS)


def _query(expr: str, raw: set[str]) -> Iterator[str]:
    try:
        found = list(parts(expr))
        quantiles = list(arguments(expr, "histogram_quantile"))
        below = list(divisors(expr))
    except ValueError as exc:
        yield f"{expr}: {exc}"
        return
    known = catalogue()
    selectors = [part for part in found if isinstance(part, Selector)]
    labels: set[str] = set(TARGET_LABELS)
    for one in selectors:
        mine = _labels(one, known)
        if mine is None:
            yield f"{expr}: no metric {one.metric} in the code"
            continue
        labels |= mine
        for label, _, _ in one.matchers:
            if label not in mine | TARGET_LABELS:
                yield f"{expr}: {one.metric} has no label {label}"
        yield from (f"{expr}: {line}" for line in _counting(one, known, raw))
    for part in found:
        if isinstance(part, Grouping):
            yield from (f"{expr}: no metric here has a label {x}" for x in part.labels if x not in labels)
    for argument in quantiles:
        if not any(isinstance(p, Grouping) and p.word == "by" and "le" in p.labels for p in parts(argument)):
            yield f"{expr}: histogram_quantile without by (le)"
    if any("avg" in one.inside and "histogram_quantile" in one.inside for one in selectors):
        yield f"{expr}: the average of a quantile is no quantile"
    for divisor in below:
        if not re.fullmatch(r"[\d.]+", divisor.split()[0]) and "> 0" not in divisor:
            yield f"{expr}: a division by what may be 0; expected (… > 0)"


def _labels(one: Selector, known: Mapping[str, Metric]) -> set[str] | None:
    """Labels of a selector's series, None if there is no such metric."""
    if one.metric in OWN:
        return set(OWN[one.metric])
    if one.metric in recorded():
        return set(one.metric.split(":", 1)[0].split("_"))
    family = metric_of(one.metric, known)
    if family is None:
        return None
    return set(family.labels) | ({"le"} if one.metric.endswith("_bucket") else set())


def _counting(one: Selector, known: Mapping[str, Metric], raw: set[str]) -> Iterator[str]:
    family = metric_of(one.metric, known)
    rated = bool(RATES & set(one.inside))
    if family is not None and family.kind in ("counter", "histogram") and not rated and one.metric not in raw:
        yield f"{one.metric} is a counter outside of rate or increase"
    if family is not None and family.kind == "gauge" and rated:
        yield f"the rate of {one.metric}, which is a gauge"
    if rated and one.window != "[$__rate_interval]":
        yield f"a rate over {one.window or 'nothing'}; expected [$__rate_interval]"
