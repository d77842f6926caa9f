"""What the dashboards' panels must show of a run, from its record."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.grafana.words import INVARIANT_STATES, STATES, VERDICTS


def agrees_with(record: dict[str, Any], panels: list[dict[str, Any]]) -> None:
    """What the panels show of money, wins and people is what the run found out."""
    assert {row["state"] for row in panels} <= {"value", "excused"}
    value = {(row["panel"].split(" · ")[-1], row["ref"]): row["value"] for row in panels}
    awarded, credited = record["money"]["awarded_fen"] / 100, record["money"]["credited_fen"] / 100
    assert value["Money awarded and credited", "A"] == value["Money won and money in accounts", "A"] == awarded
    assert value["Money awarded and credited", "B"] == value["Money won and money in accounts", "B"] == credited
    budget = record["money"]["budget_fen"] / 100
    assert value["Money awarded and credited", "D"] == value["Money won and money in accounts", "C"] == budget
    assert value["Money on its way", "A"] == value["Money unaccounted for", "A"] == record["money"]["residue_fen"] == 0
    assert value["Packets won", "A"] == record["wins"]["posted"]
    assert value["Verdict", "A"] == VERDICTS[record["verdict"]][0]
    assert value["Invariants", "A"] == INVARIANT_STATES["holds"][0], "each one that had something to look at"
    assert value["Did the forecast hold?", "A"] == max(STATES[row["state"]][0] for row in record["forecast"])
    by_name = {row["indicator"]: row for row in record["forecast"]}
    assert value["Taps per second: forecast band and actual", "B"] == pytest.approx(by_name["offered_rps"]["expected"])
