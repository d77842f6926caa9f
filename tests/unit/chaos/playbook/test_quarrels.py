"""Two playbooks that one alert may start to set one switch: neither is used; matchers tell them apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.playbook import library, quarrels
from chaos.playbook.library import Library
from tests.support.playbook_world import ALERTS, text


def survey(folder: Path, *matchers: str) -> Library:
    """A library of playbooks of one alert and one switch, one for each matchers."""
    folder.mkdir(exist_ok=True)
    for number, each in enumerate(matchers):
        content = text(id=f"p{number}").replace("cooldown", f"matchers: [{each}], cooldown")
        (folder / f"{number}.yaml").write_text(content, encoding="utf-8")
    return library.survey(sorted(folder.glob("*.yaml")), ALERTS)


@pytest.mark.parametrize(
    ("matchers", "used"),
    [
        pytest.param(("'lane=\"live\"'", "'lane=\"stress\"'"), ["p0", "p1"], id="told apart"),
        pytest.param(("'lane=\"live\"'", ""), [], id="one of them takes every alert"),
        pytest.param(("'lane=\"live\"'", "'lane=~\"live|stress\"'"), [], id="a list with the other's"),
        pytest.param(("'a=\"1\"'", "'a=\"2\"'", "'a=\"1\"'"), ["p1"], id="the third is the first's"),
        pytest.param(("'lane=\"a\"'", "'cell=\"0\"'"), [], id="an alert may have both labels"),
    ],
)
def test_who_quarrels(tmp_path: Path, matchers: tuple[str, ...], used: list[str]) -> None:
    found = survey(tmp_path, *matchers)
    assert list(found.entries) == used
    assert all("draw.release_percent" in str(one) or "draw.shed_percent" in str(one) for one in found.problems)


def test_many_that_quarrel_are_told_once_each_with_the_first(tmp_path: Path) -> None:
    found = survey(tmp_path, *[""] * 6)
    assert found.entries == {}
    assert len(found.refused) == 6
    assert any("p0 as well, which sets draw.shed_percent, too" in str(one) and "and 4 more" in str(one)
               for one in found.problems)  # fmt: skip


def test_those_a_label_tells_apart_cost_a_look_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty of one alert and one switch, and one pair among them that quarrels: no look at each of 820 pairs."""
    looked: list[int] = []
    apart = quarrels.apart
    monkeypatch.setattr(quarrels, "apart", lambda one, other: looked.append(1) or apart(one, other))
    found = survey(tmp_path, *(f"'team=\"t{number}\"'" for number in range(40)), "'team=\"t7\"'")
    assert len(found.entries) == 39
    assert {file.name for file in found.refused} == {"7.yaml", "40.yaml"}
    assert len(looked) <= 4
