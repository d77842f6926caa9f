"""The journal: whole lines, in order, also behind a torn one and from several writers."""

from __future__ import annotations

import threading
from pathlib import Path

from chaos.playbook import journal
from chaos.playbook.journal import Journal, State, Transition


def line(run: str, state: State, at_s: float = 1.0, **data: object) -> Transition:
    return Transition(at_s, run, "slow", state, "why", data)


def begun(run: str, at_s: float) -> Transition:
    return line(run, "triggered", at_s, alert="Slow", lane="live", by="alert", sha256="s", episode=run, t2=at_s - 1)


def test_what_is_told_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    assert journal.read(path) == []
    told = [begun("r1", 1.0), line("r1", "refused"), line("", "halt")]
    for one in told:
        Journal(path).tell(one)
    assert journal.read(path) == told
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_torn_line_counts_as_not_written_and_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    Journal(path).tell(begun("r1", 1.0))
    with path.open("ab") as out:
        out.write(b'{"at_s": 2.0, "run": "r1", "pl')
    assert journal.read(path) == [begun("r1", 1.0)]
    Journal(path).tell(line("r1", "refused"))
    assert [one.state for one in journal.read(path)] == ["triggered", "refused"]


def test_lines_that_say_too_little_spoil_no_other_run(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    path.write_text(
        '{}\n[]\n{"at_s": 1, "run": "r0", "playbook": "slow", "state": "triggered"}\n'
        '{"at_s": 1, "run": "r0", "playbook": "slow", "state": "read_back", "data": {"action": "no such"}}\n'
        '{"at_s": 1, "run": "r0", "playbook": "slow", "state": "read_back", "data": 5}\n'
        '{"at_s": 1, "run": ["r0"], "playbook": "slow", "state": "held"}\n'
    )
    Journal(path).tell(begun("r1", 1.0))
    runs = journal.fold(journal.read(path))
    assert runs["r1"].alert == "Slow"


def test_several_writers_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE

    def write(name: str) -> None:
        for number in range(20):
            Journal(path).tell(line(f"{name}{number}", "halted"))

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert len(journal.read(path)) == 40


def test_items_have_what_run_json_promises(tmp_path: Path) -> None:
    path = tmp_path / journal.FILE
    action = {"action": "a", "key": "draw.release_percent", "to": 25, "before": 100, "undo": None, "baseline": [None]}
    for one in (
        begun("old", 5.0), line("old", "refused", 6.0), begun("new", 20.0), line("new", "executing", 21.0, **action),
        line("new", "read_back", 22.0, action="a"), line("new", "verified", 23.0), line("new", "held", 24.0),
        line("new", "undone", 25.0, action="a"), line("new", "closed", 26.0, rolled_back=True),
    ):  # fmt: skip
        Journal(path).tell(one)
    (item,) = journal.items(path)
    assert (item["id"], item["run"], item["alert"], item["state"]) == ("slow", "new", "Slow", "closed")
    assert item["times"] == {"t2": 19.0, "t3": 20.0, "t4": 22.0, "t5": 23.0, "t6": 24.0, "t7": 26.0}
    assert [(one["id"], one["key"], one["to"], one["before"]) for one in item["actions"]] == [
        ("a", "draw.release_percent", 25, 100)
    ]
    assert journal.items(path, since_s=20.5) == []
