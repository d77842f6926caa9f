"""What is committed is what the code builds, and what the SDK reads back is the same: no key is a typing error."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.grafana import provisioning, render, runbooks
from dashboards.grafana.board import REPORTS, RUNBOOKS, TAG
from dashboards.grafana.boards.forecast import BROKE_OFF, INDICATORS, OF_NO_USE, PHASES
from dashboards.grafana.pieces import FEN, YUAN
from dashboards.grafana.shelf import boards
from dashboards.grafana.words import INVARIANT_STATES, STATES, VERDICTS
from harness.report import vocabulary as report_words
from harness.stack.config import SCRAPE_INTERVAL
from plans import metrics
from system.contract.audit import INVARIANTS as INVARIANTS_EN
from system.contract.audit import INVARIANTS_ZH

BOARDS = render.rendered()


def test_what_is_committed_is_what_is_built() -> None:
    assert render.stale() == []
    assert provisioning.stale() == []


def test_a_change_by_hand_is_noticed(tmp_path: Path) -> None:
    assert render.write(tmp_path) == [*(render.file_of(board, tmp_path) for board in boards()), tmp_path / ".lint"]
    assert render.stale(tmp_path) == []
    file = render.file_of(boards()[0], tmp_path)
    file.write_text(file.read_text().replace("Append p99", "Append p98"))
    assert render.stale(tmp_path) == [str(file)]
    assert render.write(tmp_path) == [file]


@pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
def test_the_vendors_model_knows_every_key(board: dict[str, Any]) -> None:
    """Unknown keys vanish when the SDK reads a dashboard, so a typing error shows as a difference."""
    again = json.loads(json.dumps(Dashboard.from_json(json.loads(json.dumps(board))), cls=JSONEncoder))
    render.shown_outright(again)
    assert again == board


def test_nothing_names_a_data_source_or_a_server() -> None:
    text = "".join(render.file_of(board).read_text() for board in boards())
    assert "127.0.0.1" not in text
    assert provisioning.DATASOURCE_UID not in text


def test_the_manager_reads_the_words_of_the_report() -> None:
    for name, both in report_words.INDICATORS.items():
        if name.endswith("_fen"):
            continue  # a tile, and a table by the sponsors' names
        mine = INDICATORS[name]
        assert both.zh in mine
        assert both.en in mine
    assert list(INVARIANTS_ZH) == list(INVARIANTS_EN)
    assert set(VERDICTS) == set(metrics.VERDICTS)
    assert set(INVARIANT_STATES) == set(metrics.INVARIANT_STATES)
    assert set(STATES) == set(metrics.STATES)
    assert set(PHASES) == set(metrics.PHASES)
    assert all(not name.endswith("_fen") for name in INDICATORS)


def test_of_all_invariants_what_holds_covers_what_was_not_evaluated_and_nothing_covers_what_is_not_known() -> None:
    assert sorted(INVARIANT_STATES, key=lambda name: INVARIANT_STATES[name][0]) == [
        "pending", "not_evaluated", "holds", "unknown", "broken",
    ]  # fmt: skip


def test_every_word_has_a_sign_so_that_colour_never_stands_alone() -> None:
    words = [word.text for states in (STATES, VERDICTS, INVARIANT_STATES) for _, word in states.values()]
    words += [word.text for word in (*PHASES.values(), BROKE_OFF, OF_NO_USE)]
    assert all(text.split()[0] in {"✓", "!", "✕", "?", "–", "·", "↗", "▶", "↘", "■", "…"} for text in words)


def test_provisioning_agrees_with_the_scrape_of_the_stack() -> None:
    source = yaml.safe_load(provisioning.datasources())["datasources"][0]
    assert source["jsonData"]["timeInterval"] == SCRAPE_INTERVAL == provisioning.SCRAPE
    assert source["uid"] == provisioning.DATASOURCE_UID
    provider = yaml.safe_load(provisioning.providers())["providers"][0]
    assert provider["allowUiUpdates"] is False
    assert provider["folderUid"] == provisioning.FOLDER_UID


@pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
def test_a_figure_and_a_table_show_the_end_of_the_time_and_never_an_older_lamp(board: dict[str, Any]) -> None:
    """A range query's last value may be minutes old; what is over is absent from an instant one."""
    shown_once = [one for one in board["panels"] if one["type"] in ("stat", "table")]
    assert shown_once
    for panel in shown_once:
        assert all(target["instant"] and not target.get("range") for target in panel["targets"]), panel["title"]


def test_the_verdict_the_invariants_and_the_money_stand_first_for_a_manager() -> None:
    first = [panel for panel in BOARDS["xiu-forecast"]["panels"] if panel["gridPos"]["y"] == 0]
    assert [panel["title"].split(" · ")[1] for panel in first] == [
        "Verdict", "Invariants", "Money unaccounted for", "Ledger balance",
    ]  # fmt: skip
    words = first[0]["fieldConfig"]["defaults"]["mappings"][0]["options"]
    assert {"INVALID", "ABORTED", "FAIL", "PASS"} <= {
        name for name in metrics.VERDICTS for word in words.values() if name in word["text"]
    }


def test_no_figure_of_the_manager_is_abbreviated_and_every_share_is_a_percentage() -> None:
    board = BOARDS["xiu-forecast"]
    units = {panel["fieldConfig"]["defaults"].get("unit") for panel in board["panels"] if panel["type"] != "text"}
    assert units == {"none", "locale", "s", "percentunit", YUAN, FEN}


@pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
def test_boards_lead_to_each_other_and_out_with_what_was_chosen(board: dict[str, Any]) -> None:
    beside, out = board["links"]
    assert (beside["type"], beside["tags"], beside["includeVars"], beside["keepTime"]) == (
        "dashboards", [TAG], True, True,
    )  # fmt: skip
    names = {one["name"] for one in board["templating"]["list"]}
    led = [out["url"], *(link["url"] for panel in board["panels"] for link in _links(panel))]
    assert len(led) > 1, "a panel leads there, too"
    used = {name for url in led for name in re.findall(r"\$\{(\w+):raw\}", url)}
    assert used <= names
    assert used & {REPORTS, RUNBOOKS}


def _links(panel: dict[str, Any]) -> list[dict[str, Any]]:
    config = panel.get("fieldConfig", {})
    found: list[dict[str, Any]] = list(config.get("defaults", {}).get("links") or [])
    for override in config.get("overrides") or ():
        found += [link for one in override["properties"] if one["id"] == "links" for link in one["value"]]
    return found


def test_each_alert_of_the_timeline_leads_to_the_heading_that_its_rule_names() -> None:
    docs = (Path(__file__).parents[4] / "docs" / "alerts.md").read_text(encoding="utf-8")
    headings = {line.removeprefix("## ").strip() for line in docs.splitlines() if line.startswith("## ")}
    panel = next(one for one in BOARDS["xiu-live"]["panels"] if one["title"] == "Alerts")
    overrides = panel["fieldConfig"]["overrides"]
    led = {one["matcher"]["options"]: one["properties"][0]["value"][0]["url"] for one in overrides}
    rules = yaml.safe_load(runbooks.RULES.read_text(encoding="utf-8"))
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    assert led == {alert: f"${{runbooks:raw}}/alerts.md#{alert.lower()}" for alert in alerts}
    assert alerts <= headings


def test_whatever_would_be_hidden_in_a_menu_is_shown() -> None:
    assert "inControlsMenu" not in "".join(render.file_of(board).read_text() for board in boards())
