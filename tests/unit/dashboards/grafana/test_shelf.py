"""A file in `boards/` is a dashboard everywhere; one that cannot be meant is a sentence with file and line."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from dashboards.grafana import check, lint, render, shelf
from dashboards.grafana.errors import BoardError
from tests.support.made_up_answers import SPAN, Fake
from xiu.cli import dispatch

BEFORE = render.rendered()
QUEUE = """from dashboards.grafana.board import Board, LintExcuse, MayBeEmpty, other_boards
from dashboards.grafana.pieces import YUAN, PanelQuery, Tile, datasource_variable, lines, scope_variables


def panels():
    yield lines(Tile("Backlog", "Awards that are not posted yet.", YUAN), PanelQuery("sum(hongbao_stream_lag_entries)"))


BOARD = Board(
    uid="xiu-queue",
    title="Queue",
    description="What waits.",
    panels=panels,
    excuses=(LintExcuse("panel-units-rule", ("Backlog",), "an award counts as its money"),),
    variables=lambda: [datasource_variable(), *scope_variables()],
    drawn_over=lambda: [],
    links=lambda: [other_boards("xiu")],
)
"""
NUMBERS = itertools.count()
"""A module is imported once, so each has a name of its own."""


class Shelf:
    """Files of dashboards beside those there are."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch
        self._there = shelf.boards()
        monkeypatch.syspath_prepend(folder)

    def put(self, text: str) -> Path:
        """A file with a name of its own; on the shelf from now on. Raises BoardError."""
        file = self.folder / f"board_{next(NUMBERS)}.py"
        file.write_text(text, encoding="utf-8")
        found = shelf.checked([*self._there, shelf.loaded(file.stem, file)])
        self._monkeypatch.setattr(shelf, "boards", lambda: found)
        self._monkeypatch.setattr(render, "boards", lambda: found)
        return file


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    (tmp_path / "boards").mkdir()
    return Shelf(tmp_path / "boards", monkeypatch)


def test_a_file_put_there_is_rendered_linted_checked_and_excused(files: Shelf, tmp_path: Path) -> None:
    files.put(QUEUE)
    out = tmp_path / "out"
    written = {path.name for path in render.write(out)}
    assert written == {"xiu-live.json", "xiu-forecast.json", "xiu-queue.json", ".lint"}
    assert render.stale(out) == []
    documents = render.rendered(out)
    assert list(documents) == ["xiu-live", "xiu-forecast", "xiu-queue"]
    assert lint.lint_all(documents.values(), out / ".lint") == [], "the official rules let pass what its file excuses"
    assert {uid: documents[uid] for uid in BEFORE} == BEFORE, "those there were stay as they are"
    (answer,) = check.check(Fake(), [documents["xiu-queue"]], SPAN)
    assert (answer.state, answer.red) == ("empty", True)


def test_nothing_is_written_of_dashboards_with_something_wrong(
    files: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = files.put(QUEUE.replace("excuses=(", 'excuses=(MayBeEmpty("Backlag", "nothing waits"), '))
    out = tmp_path / "out"
    assert dispatch(["dash", "build", "--out", str(out)]) == 99
    told = capsys.readouterr()
    assert f"{bad}:" in told.out
    assert "Backlag: excused, and there is no such panel" in told.out
    assert "nothing was written" in told.err
    assert not out.exists()


def test_what_an_older_dashboard_left_behind_is_stale(files: Shelf, tmp_path: Path) -> None:
    render.write(tmp_path)
    (tmp_path / "xiu-gone.json").write_text("{}")
    assert render.stale(tmp_path) == [str(tmp_path / "xiu-gone.json")]


@pytest.mark.parametrize(
    ("excuse", "disturbed", "run", "state"),
    [
        pytest.param('MayBeEmpty("Backlog", "nothing waits yet")', True, "", "excused", id="always"),
        pytest.param('MayBeEmpty("Backlog", "nothing waits", query="B")', False, "", "empty", id="another query"),
        pytest.param('MayBeEmpty("Backlog", "no fault here", undisturbed=True)', False, "", "excused", id="quiet"),
        pytest.param('MayBeEmpty("Backlog", "no fault here", undisturbed=True)', True, "", "empty", id="disturbed"),
        pytest.param('MayBeEmpty("Backlog", "not judged yet", under_way=True)', False, "r", "empty", id="over"),
    ],
)
def test_an_excuse_holds_where_its_conditions_do(
    files: Shelf, excuse: str, disturbed: bool, run: str, state: str
) -> None:
    files.put(QUEUE.replace("excuses=(", f"excuses=({excuse}, "))
    document: dict[str, Any] = render.built(shelf.boards()[-1])
    (answer,) = check.check(Fake(), [document], SPAN, run, disturbed=disturbed)
    assert answer.state == state


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        pytest.param('uid="xiu-queue",', "", 9, "TypeError: Board.__init__() missing 1 required", id="no uid"),
        pytest.param('"xiu-queue"', '""', 9, "uid ''; expected 1 to 40 characters", id="an empty uid"),
        pytest.param('"xiu-queue"', '"a/b"', 9, "uid 'a/b'; expected letters, digits, - and _", id="a path"),
        pytest.param('title="Queue",', "", 9, "TypeError: Board.__init__() missing 1 required", id="no title"),
        pytest.param('"Queue"', '" "', 9, "no title; expected the words above the dashboard", id="an empty title"),
        pytest.param('"xiu-queue"', '"xiu-live"', 10, "uid 'xiu-live' is that of dashboards/", id="uid twice"),
        pytest.param('"Queue"', '"xiu · SRE live"', 11, "title 'xiu · SRE live' is that of", id="title twice"),
        pytest.param("excuses=", "#", 9, "TypeError: Board.__init__() missing 1 required", id="no excuses"),
        pytest.param("money\"),),", "money\")),", 9, "TypeError: its excuses are no tuple", id="an excuse, no tuple"),
        pytest.param("panels=panels", "panels=[]", 9, "TypeError: its panels cannot be called", id="panels as a list"),
        pytest.param("an award counts as its money", "so", 6, "the excuse of 'Backlog' has no reason", id="no reason"),
        pytest.param("BOARD =", "OTHER =", 1, "no BOARD; expected BOARD = Board(uid=…", id="no board"),
        pytest.param("def panels():", "def panels(:", 5, "no Python:", id="no Python"),
        pytest.param("lines(Tile", "nothing(Tile", 0, "", id="seen when it is built"),
        pytest.param("Query, Tile", "Query, Tiles", 2, "ImportError: cannot import name 'Tiles'", id="no such name"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_meant_is_one_sentence(files: Shelf, old: str, new: str, line: int, told: str) -> None:
    text = QUEUE.replace(old, new)
    assert text != QUEUE
    if not told:
        files.put(text)
        with pytest.raises(BoardError, match=r"board_\w+\.py:6: NameError: name 'nothing' is not defined"):
            render.built(shelf.boards()[-1])
        return
    with pytest.raises(BoardError) as caught:
        files.put(text)
    file = max(files.folder.glob("*.py"), key=lambda path: path.stat().st_mtime_ns)
    assert str(caught.value).startswith(f"{file}:{line}: {told}"), caught.value
    assert caught.value.exit_code == 2


def test_a_panels_line_is_known_and_another_text_leads_to_its_board(files: Shelf) -> None:
    file = files.put(QUEUE)
    assert shelf.where(shelf.boards()[-1], "Backlog") == f"{file}:6"
    assert shelf.where(shelf.boards()[-1], "Nowhere") == f"{file}:9"
