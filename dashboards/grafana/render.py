"""Builds the dashboards and writes them as classic JSON. Owns the list of dashboards; equal code gives equal bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from dashboards.grafana import forecast, live
from dashboards.grafana.pieces import Annotation, Panel, datasource_variable, query_variable, tagged_annotations

RENDERED = Path(__file__).resolve().parents[1] / "rendered"
COLUMNS = 24
TAG = "xiu"

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
    refresh: str = "5s"


BOARDS: tuple[Board, ...] = (
    Board(
        live.UID,
        live.TITLE,
        live.DESCRIPTION,
        live.panels,
        lambda: [datasource_variable(), query_variable("lane", "Lane", "hongbao_requests_total", "lane", every=True)],
        live.drawn_over,
    ),
    Board(
        forecast.UID,
        forecast.TITLE,
        forecast.DESCRIPTION,
        forecast.panels,
        lambda: [
            datasource_variable(),
            query_variable("run", "场次 · Run", "drill_run_info", "run_id", newest_first=True),
        ],
        forecast.drawn_over,
    ),
)


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
    made = made.variables(board.variables())
    made = made.annotations([*board.drawn_over(), tagged_annotations(TAG)])
    model = made.build()
    model.panels = list(placed(board.panels()))
    document: Document = json.loads(json.dumps(model, cls=JSONEncoder))
    for query in document["annotations"]["list"]:
        # The SDK's default hides the toggle in a menu that Grafana before 12 does not have.
        query.pop("placement", None)
    return document


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
