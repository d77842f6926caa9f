"""Builds the dashboards of the shelf and writes them as classic JSON. Equal code gives equal bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from dashboards.grafana import official
from dashboards.grafana.board import TAG, Board
from dashboards.grafana.pieces import Panel, tagged_annotations
from dashboards.grafana.shelf import board_errors, boards

RENDERED = Path(__file__).resolve().parents[1] / "rendered"
COLUMNS = 24

Document = dict[str, Any]


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
    """A dashboard as Grafana's classic JSON. Raises BoardError where its file breaks."""
    with board_errors(board.file):
        return _built(board)


def _built(board: Board) -> Document:
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


def files(folder: Path = RENDERED) -> dict[Path, str]:
    """Every file with its content: a dashboard each, and what the official linter is to let pass. Raises BoardError."""
    return {file_of(board, folder): text_of(built(board)) for board in boards()} | {
        folder / official.FILE.name: official.written(boards())
    }


def write(folder: Path = RENDERED) -> list[Path]:
    """Writes them; returns those that changed. Raises BoardError."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for path, text in files(folder).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def rendered(folder: Path = RENDERED) -> dict[str, Document]:
    """The committed dashboards by uid. Raises BoardError."""
    return {board.uid: json.loads(file_of(board, folder).read_text(encoding="utf-8")) for board in boards()}


def stale(folder: Path = RENDERED) -> list[str]:
    """Files that are not what the code builds now, and dashboards that no file of `boards/` builds."""
    wanted = files(folder)
    wrong = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    return [str(path) for path in [*wrong, *sorted(set(folder.glob("*.json")) - set(wanted))]]
