"""docs/extending.md is true: its files, put into a copy of the project, are found and used; no other is changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from harness.children import for_children
from tests.house import FILES, ROOT

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
FILE = re.compile(r"^`([\w./-]+)`\n```(?:python|yaml|sql)\n(.*?)^```", re.M | re.S)
COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
SECTIONS = [
    "Fault kind", "Probe", "Action", "Switch", "Signal", "Pre-check item", "Shot", "Journey", "Board",
    "Play", "Migration", "Command",
]  # fmt: skip
LOOK = """
import json
from chaos.faults import kinds
from chaos.playbook.actions import kinds as actions
from chaos.probes import probes
from dashboards.grafana.shelf import by_uid
from harness.engine import shots
from harness.guard.precheck import ITEMS
from plans.signals import SIGNALS
from system.contract.switches import SWITCHES
from system.ledger.statements import statement
from system.ledger.steps import steps
from system.play.plays import plays
print(json.dumps({
    "kinds": [*kinds()], "actions": [*actions()], "probes": [*probes()], "boards": [*by_uid()],
    "items": [item.name for item in ITEMS],
    "shots": [*shots.files()], "signals": [*SIGNALS], "switches": [s.key for s in SWITCHES],
    "plays": [p.name for p in plays()], "steps": [s.name for s in steps()],
    "sql": statement("play_biggest", "stress").decode(),
}))
"""


def copied(file: Path, to: Path) -> None:
    """With its time: what Python has compiled of it stays good, or the first command would compile the project anew."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, to)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with the page's files in it."""
    root = tmp_path_factory.mktemp("extending") / "xiu"
    for name in FILES:
        if not name.startswith("tests/"):
            copied(ROOT / name, root / name)
            if name.endswith(".py") and Path(compiled := cache_from_source(ROOT / name)).exists():
                copied(Path(compiled), Path(cache_from_source(root / name)))
    number = 1 + max(int(step.name[:4]) for step in (root / "system/ledger/migrations").glob("*.sql"))
    for given, text in FILE.findall(PAGE):
        name = given.replace("NNNN", f"{number:04}")
        assert not (root / name).exists(), f"{name} is there already: the page adds files"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    bin_ = root / "bin"
    bin_.mkdir()
    for word, line in (("xiu", "-m xiu.cli"), ("python", "")):
        (bin_ / word).write_text(f'#!/bin/sh\nexec {sys.executable} {line} "$@"\n')
        (bin_ / word).chmod(0o755)
    return root


def run(copy: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    env = for_children({"PYTHONPATH": str(copy), "PATH": f"{copy / 'bin'}:{os.environ['PATH']}", "XIU_COMPILED": "0"})
    return subprocess.run(argv, cwd=copy, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)


def test_the_page_has_each_kind() -> None:
    assert re.findall(r"^## (.+)$", PAGE, re.M) == SECTIONS
    assert len(FILE.findall(PAGE)) >= len(SECTIONS)


def test_what_the_page_adds_is_found(copy: Path) -> None:
    done = run(copy, "python", "-c", LOOK)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for where, name in (
        ("kinds", "pinned"), ("probes", "on_one_core"), ("actions", "note"), ("switches", "draw.hush_ms"),
        ("signals", "refused_503"), ("items", "two fronts"), ("shots", "statement"), ("boards", "xiu-queue"),
        ("plays", "biggest"),
    ):  # fmt: skip
        assert name in found[where], where
    assert any("round_note" in step for step in found["steps"])
    assert "FROM stress.posting" in found["sql"]


@pytest.mark.parametrize("command", [line for block in COMMANDS.findall(PAGE) for line in block.splitlines()])
def test_each_command_of_the_page_runs(copy: Path, command: str) -> None:
    done = run(copy, "sh", "-c", command)
    assert done.returncode == 0, done.stdout + done.stderr


HEAL = """
import sys
from importlib.util import cache_from_source
from pathlib import Path
from chaos import fault_ledger
from chaos.heal import heal
folder = Path("stack")
folder.mkdir()
detail = {"part": "play"}
entry = fault_ledger.FaultLedgerEntry("X1", "play", "pinned", 5.0, 60.0, detail, home=sys.argv[1])
fault_ledger.enter(folder, entry)
print(*heal(folder), sep="\\n")
"""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder outside the checkout with the page's fault kind, probe, action, fault and playbook."""
    for given, text in FILE.findall(PAGE):
        if given.startswith(("chaos/", "plans/faults/", "plans/playbooks/")):
            path = tmp_path / Path(given).parent.name / Path(given).name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return tmp_path


def run_outside(
    outside: Path, *argv: str, faults: str = "faults", probes: str = "probes", actions: str = "actions"
) -> subprocess.CompletedProcess[str]:
    own = {"XIU_FAULT_KINDS": faults, "XIU_PROBES": probes, "XIU_ACTIONS": actions}
    return subprocess.run(
        [sys.executable, *argv], cwd=outside, env=for_children(own), capture_output=True, encoding="utf-8", timeout=60
    )


@pytest.mark.parametrize(
    "words",
    [
        ("fault", "check", "faults/x1-pinned.yaml"),
        ("fault", "show", "X1", "--faults", "faults"),
        ("playbook", "check", "playbooks/noted.yaml"),
    ],
    ids=" ".join,
)
def test_pieces_of_ones_own_may_stand_outside_the_checkout(outside: Path, words: tuple[str, ...]) -> None:
    done = run_outside(outside, "-m", "xiu.cli", *words)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_kind_of_ones_own_is_healed_by_a_shell_that_was_not_given_its_folder(outside: Path) -> None:
    done = run_outside(outside, "-c", HEAL, str(outside / "faults"), faults="", probes="")
    assert done.stdout == "X1 on play: the stack is gone, and the fault with it\n", done.stderr
    shutil.rmtree(outside / "stack")
    done = run_outside(outside, "-c", HEAL, "", faults="", probes="")
    assert "no kind of fault `pinned` is known here" in done.stderr


def test_a_folder_that_is_none_and_a_name_of_the_projects_are_told(outside: Path) -> None:
    done = run_outside(outside, "-m", "xiu.cli", "fault", "list", faults="nowhere")
    assert (done.returncode, done.stderr.splitlines()) == (2, [f"{outside}/nowhere:1: no folder; expected a folder"])
    (outside / "faults" / "term.py").write_text(TERM, encoding="utf-8")
    done = run_outside(outside, "-m", "xiu.cli", "fault", "list")
    assert done.returncode == 2
    assert f"{outside}/faults/term.py:1: the name term stands in " in done.stderr


TERM = (ROOT / "chaos/faults/term.py").read_text(encoding="utf-8")
SWITCH = "from system.contract.switches.declared import Switch\n\nSWITCHES = (\n    {},\n)\n"
WIDE = SWITCH.format('Switch("draw.x", "ms", 50, 0, 10, ("front",), "x")')
TWICE = SWITCH.format('Switch("draw.award", "bool", 1, 0, 1, ("front",), "x")')
BROKEN = "def broken(:\n"
KIND, DO, SIGN = "chaos/faults/wrong.py", "chaos/playbook/actions/wrong.py", "plans/signals/wrong.py"
SET, WORD = "system/contract/switches/wrong.py", "xiu/commands/wrong.py"
STEP, SQL = "system/ledger/migrations/9999_gap.sql", "system/ledger/queries/wrong.sql"
PLAY = "system/play/wrong/__init__.py"
SELECT = "-- name: play_biggest\n-- Twice.\nSELECT 1\n"


@pytest.mark.parametrize(
    ("file", "text", "command", "says"),
    [
        pytest.param(KIND, TERM, "xiu fault list", ":20: kind `term` stands in ", id="a kind twice"),
        pytest.param(DO, BROKEN, "xiu playbook check plans/playbooks/noted.yaml", ":1: no Python", id="no action"),
        pytest.param(DO, BROKEN, "xiu up --detach", ":1: no Python", id="no action, before anything starts"),
        pytest.param(SET, WIDE, "xiu switch list", ":4: ", id="a switch out of its range"),
        pytest.param(SET, TWICE, "xiu up --detach", ":4: switch draw.award stands in ", id="a switch twice"),
        pytest.param(SIGN, "", "xiu halt", ":1: no SIGNAL", id="no signal"),
        pytest.param(STEP, SELECT, "xiu up --detach", ":1: out of order; expected ", id="a migration out of order"),
        pytest.param(SQL, SELECT, "xiu up --detach", ":1: play_biggest stands in ", id="a statement twice"),
        pytest.param(PLAY, "", "xiu up --detach", ":1: no PLAY; expected ", id="no play"),
        pytest.param(WORD, BROKEN, "xiu wrong", ":1: no Python", id="no command"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_with_its_place(
    copy: Path, file: str, text: str, command: str, says: str
) -> None:
    path = copy / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    try:
        done = run(copy, "sh", "-c", command)
    finally:
        path.unlink()
    (line,) = done.stderr.splitlines()
    assert line.startswith((f"{path}:", f"{file}:"))
    assert says in line
    assert done.returncode == 2
