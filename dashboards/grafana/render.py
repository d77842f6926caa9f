"""Builds the dashboards and writes them as classic JSON. Owns the list of dashboards; equal code gives equal bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from dashboards.grafana import forecast, live, runbooks
from dashboards.grafana.pieces import (
    Annotation,
    Panel,
    address_variable,
    datasource_variable,
    query_variable,
    scope_variables,
    tagged_annotations,
)

RENDERED = Path(__file__).resolve().parents[1] / "rendered"
COLUMNS = 24
TAG = "xiu"
REPORTS, RUNBOOKS = "reports", "runbooks"
"""Variables with the addresses of pages outside of Grafana."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard before it is built."""

    uid: str
    title: str
    description: str
    panels: Callable[[], Iterator[Panel]]
    variables: Callable[[], list[Builder[dashboard.VariableModel]]]
    drawn_over: Callable[[], list[Annotation]]
    links: Callable[[], list[Builder[dashboard.DashboardLink]]]
    refresh: str = "5s"


BOARDS: tuple[Board, ...] = (
    Board(
        live.UID,
        live.TITLE,
        live.DESCRIPTION,
        live.panels,
        lambda: [
            datasource_variable(),
            *scope_variables(),
            query_variable("lane", "Lane", "hongbao_requests_total", "lane", every=True),
            address_variable(RUNBOOKS, "Runbooks at"),
        ],
        live.drawn_over,
        lambda: [_other(forecast.TITLE, "dashboards"), _away("Runbooks", runbooks.AWAY)],
    ),
    Board(
        forecast.UID,
        forecast.TITLE,
        forecast.DESCRIPTION,
        forecast.panels,
        lambda: [
            datasource_variable(),
            *scope_variables(),
            query_variable("run", "场次 · Run", "drill_run_info", "run_id", newest_first=True),
            address_variable(REPORTS, "报告网址 · Reports at"),
        ],
        forecast.drawn_over,
        lambda: [_other(live.TITLE, "dashboards"), _away(forecast.REPORT.title, forecast.REPORT.url)],
    ),
)


def _other(title: str, icon: str) -> Builder[dashboard.DashboardLink]:
    """To the other dashboards of this folder, at the same time and with the same choices."""
    link = build.DashboardLink(title).type(dashboard.DashboardLinkType.DASHBOARDS).icon(icon).tags([TAG])
    return link.as_dropdown(False).include_vars(True).keep_time(True)


def _away(title: str, url: str) -> Builder[dashboard.DashboardLink]:
    """To a page outside of Grafana."""
    link = build.DashboardLink(title).type(dashboard.DashboardLinkType.LINK).icon("doc").url(url)
    return link.target_blank(True).tooltip("the address is in a variable above")


def placed(panels: Iterator[Panel]) -> list[dashboard.Panel]:
    """Panels with their ids, laid out in reading order from left to right. Raises ValueError for one too wide."""
    found: list[dashboard.Panel] = []
    x = y = row_height = 0
    for number, builder in enumerate(panels, 1):
        panel = builder.build()
        if panel.grid_pos is None or not 0 < panel.grid_pos.w <= COLUMNS or panel.grid_pos.h <= 0:
            raise ValueError(f"{panel.title}: no room on a grid of {COLUMNS} columns")
        if x + panel.grid_pos.w > COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        panel.id_val, panel.grid_pos.x, panel.grid_pos.y = number, x, y
        x, row_height = x + panel.grid_pos.w, max(row_height, panel.grid_pos.h)
        found.append(panel)
    return found


def built(board: Board) -> Document:
    """A dashboard as Grafana's classic JSON."""
    made = build.Dashboard(board.title).uid(board.uid).description(board.description).tags([TAG]).readonly()
    made = made.timezone("browser").time("now-5m", "now").refresh(board.refresh)
    made = made.tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    made = made.timepicker(build.TimePicker().refresh_intervals(["1s", "5s", "10s", "30s", "1m"]))
    made = made.variables(board.variables()).links(board.links())
    made = made.annotations([*board.drawn_over(), tagged_annotations(TAG)])
    model = made.build()
    model.panels = list(placed(board.panels()))
    document: Document = json.loads(json.dumps(model, cls=JSONEncoder))
    shown_outright(document)
    return document


def shown_outright(part: object) -> None:
    """Takes out what would hide links and toggles in a menu: the SDK's default, and not there before Grafana 12."""
    if isinstance(part, dict):
        if part.get("placement") == "inControlsMenu":
            del part["placement"]
        for one in part.values():
            shown_outright(one)
    elif isinstance(part, list):
        for one in part:
            shown_outright(one)


def with_addresses(document: Document, addresses: Mapping[str, str]) -> Document:
    """The dashboard with the addresses of pages outside of Grafana filled in, by variable; the rest is as it was."""
    found: Document = json.loads(json.dumps(document))
    for one in found["templating"]["list"]:
        if one["type"] == "textbox" and addresses.get(one["name"]):
            one["query"] = addresses[one["name"]]
            one["current"] = {"selected": True, "text": one["query"], "value": one["query"]}
    return found


def text_of(document: Document) -> str:
    """The committed form."""
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def file_of(board: Board, folder: Path = RENDERED) -> Path:
    """Where a dashboard's JSON lies."""
    return folder / f"{board.uid}.json"


def write(folder: Path = RENDERED) -> list[Path]:
    """Writes every dashboard; returns the files that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for board in BOARDS:
        path, text = file_of(board, folder), text_of(built(board))
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def rendered(folder: Path = RENDERED) -> dict[str, Document]:
    """The committed dashboards by uid."""
    return {board.uid: json.loads(file_of(board, folder).read_text(encoding="utf-8")) for board in BOARDS}


def stale(folder: Path = RENDERED) -> list[str]:
    """Files that are not what the code builds now."""
    return [
        str(file_of(board, folder))
        for board in BOARDS
        if not file_of(board, folder).exists()
        or file_of(board, folder).read_text(encoding="utf-8") != text_of(built(board))
    ]
