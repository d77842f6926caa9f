"""A program that is asked: its answer, news of it, its deadline; killed, who asked takes it along, as all children."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness import asking
from harness.asking import NoAnswer, answer
from harness.children import ROOT, for_children
from harness.stack.spawn import lives
from tests.support.children import started
from tests.support.stores import wait_until

SLOW = "import os, signal\nopen({0!r}, 'w').write(f'{{os.getpid()}}\\n')\nsignal.pause()\n"


@pytest.fixture
def slow(tmp_path: Path) -> dict[str, str]:
    """Where a module `slow` is found, which never answers and leaves its pid in a file."""
    (tmp_path / "slow.py").write_text(SLOW.format(str(tmp_path / "pid")))
    return for_children({"PYTHONPATH": f"{tmp_path}:{ROOT}"})


def test_its_words_and_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "brief.py").write_text("import sys\nprint(sys.argv[1])\nsys.exit('no')\n")
    done = answer(["brief", "x"], for_children({"PYTHONPATH": str(tmp_path)}), "it")
    assert (done.stdout, done.stderr, done.returncode) == ("x\n", "no\n", 1)


def test_one_that_is_slow_is_told_of_and_ended_at_its_deadline(
    slow: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(asking, "NEWS_S", 0.1)
    with pytest.raises(NoAnswer, match="no answer from the audit within 2 s"):
        answer(["slow"], slow, "the audit", 2.0)
    assert capsys.readouterr().err.count("the audit: at work for") >= 2
    pid = tmp_path / "pid"
    if pid.exists() and (said := pid.read_text()).endswith("\n"):  # on a busy machine it may not have come so far
        assert not lives(int(said))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_who_asked_takes_it_along(slow: dict[str, str], tmp_path: Path, number: int) -> None:
    ask = f"import sys\nfrom harness.asking import answer\nanswer(['slow'], {slow!r}, 'it')"
    with started([sys.executable, "-c", ask], env=slow, stderr=subprocess.DEVNULL) as child:
        pid = tmp_path / "pid"
        wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"), 30, "it runs")
        os.kill(child.pid, number)
        wait_until(lambda: not lives(int(pid.read_text())), 30, "it is gone")


OTHERWISE = {
    "harness/engine/process.py": "the cannon watches its standard input",
    "harness/stack/spawn.py": "says it itself",
    "harness/stack/stack.py": "the supervisor outlives a command that detaches it, else says it itself",
    "harness/stack/tools.py": "a version, ten seconds at most",
    "harness/stack/ordinary.py": "a look, a few seconds at most",
    "harness/environment.py": "git, five seconds at most",
    "chaos/faults/cpu_hog.py": "a fault: healed by name, by a watchdog if need be",
    "chaos/watchdog.py": "heals what a killed drill left",
}


def test_every_child_ends_with_its_parent_or_has_a_reason() -> None:
    without: set[str] = set()
    for file in (path for part in ("harness", "chaos", "xiu") for path in (ROOT / part).rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "subprocess" in text else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) in STARTS and not _said(node):
                without.add(str(file.relative_to(ROOT)))
    assert without - OTHERWISE.keys() == set(), "preexec_fn=die_with_parent"


def _said(call: ast.Call) -> bool:
    return "preexec_fn" in {one.arg for one in call.keywords}


STARTS = {"subprocess.Popen", "subprocess.run", "asyncio.create_subprocess_exec", "subprocess.check_output"}
