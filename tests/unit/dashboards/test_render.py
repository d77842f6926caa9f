"""What is committed is what the code builds, and what the SDK reads back is the same: no key is a typing error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.grafana import provisioning, render
from dashboards.grafana.words import INDICATORS, MONEY, PHASES, STATES
from harness.report import words as report_words
from harness.stack.config import SCRAPE_INTERVAL
from plans import metrics

BOARDS = render.rendered()


def test_what_is_committed_is_what_is_built() -> None:
    assert render.stale() == []
    assert provisioning.stale() == []


def test_a_change_by_hand_is_noticed(tmp_path: Path) -> None:
    assert render.write(tmp_path) == [render.file_of(board, tmp_path) for board in render.BOARDS]
    assert render.stale(tmp_path) == []
    file = render.file_of(render.BOARDS[0], tmp_path)
    file.write_text(file.read_text().replace("Append p99", "Append p98"))
    assert render.stale(tmp_path) == [str(file)]
    assert render.write(tmp_path) == [file]


@pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
def test_the_vendors_model_knows_every_key(board: dict[str, Any]) -> None:
    """Unknown keys vanish when the SDK reads a dashboard, so a typing error shows as a difference."""
    again = json.loads(json.dumps(Dashboard.from_json(json.loads(json.dumps(board))), cls=JSONEncoder))
    for query in again["annotations"]["list"]:
        query.pop("placement", None)
    assert again == board


def test_nothing_names_a_data_source_or_a_server() -> None:
    text = "".join(render.file_of(board).read_text() for board in render.BOARDS)
    assert "127.0.0.1" not in text
    assert provisioning.DATASOURCE_UID not in text


def test_the_manager_reads_the_words_of_the_report() -> None:
    for name, both in report_words.INDICATORS.items():
        mine = (INDICATORS | MONEY)[name]
        assert both.zh in mine
        assert both.en in mine
    assert set(STATES) == set(metrics.STATES)
    assert set(PHASES) == set(metrics.PHASES)
    assert all(not name.endswith("_fen") for name in INDICATORS)


def test_every_word_has_a_sign_so_that_colour_never_stands_alone() -> None:
    words = [word.text for _, word in STATES.values()] + [word.text for word in PHASES.values()]
    assert all(text.split()[0] in {"✓", "!", "✕", "?", "–", "·", "↗", "▶", "↘", "■"} for text in words)


def test_provisioning_agrees_with_the_scrape_of_the_stack() -> None:
    source = yaml.safe_load(provisioning.datasources())["datasources"][0]
    assert source["jsonData"]["timeInterval"] == SCRAPE_INTERVAL == provisioning.SCRAPE
    assert source["uid"] == provisioning.DATASOURCE_UID
    provider = yaml.safe_load(provisioning.providers())["providers"][0]
    assert provider["allowUiUpdates"] is False
    assert provider["folderUid"] == provisioning.FOLDER_UID


def test_every_sponsor_of_every_forecast_has_a_name_in_the_table() -> None:
    files = (Path(__file__).parents[3] / "plans" / "forecasts").glob("*.yaml")
    sponsors = {sponsor["id"] for file in files for sponsor in yaml.safe_load(file.read_text())["sponsors"]}
    assert sponsors
    assert {f"sponsor_{sponsor}_fen" for sponsor in sponsors} <= set(MONEY)
