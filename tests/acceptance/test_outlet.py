"""What a command says survives its outputs, typed in a shell: their encoding, their end, their absence; its exit code
stays its own.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from harness.children import for_children

XIU = f"{sys.executable} -m xiu.cli"


def shell(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A line of sh; `xiu` in it is this project's."""
    script = f'xiu() {{ {XIU} "$@"; }}; {script}'
    told = for_children({"PYTHONUTF8": "0", **env})
    return subprocess.run(["sh", "-c", script], env=told, capture_output=True, timeout=60, encoding="utf-8")


READERLESS = """
import os, sys
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
from xiu.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("words", "code"), [(["drill", "list"], 0), (["drill", "check", "kill9", "nothing.yaml"], 2)])
def test_a_reader_that_goes_away_changes_no_exit_code(words: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READERLESS, *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code, done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("xiu plan list >&-", 0),
        ("xiu plan show nothing >&-", 2),
        ("xiu plan show nothing 2>&-", 2),
        ("xiu plan show nothing 2>/dev/full", 2),
        ("xiu plan show smoke <&- >&- 2>&-", 0),
    ],
)
def test_an_output_that_is_closed_changes_no_exit_code(script: str, code: int) -> None:
    done = shell(script)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    ("words", "code"), [("plan list --json", 5), ("plan --help", 5), ("plan check smoke no.yaml", 2)]
)
def test_a_full_output_is_said_in_one_sentence_and_is_no_success(words: str, code: int) -> None:
    done = shell(f"xiu {words} >/dev/full")
    assert done.returncode == code
    said = [line for line in done.stderr.splitlines() if "no.yaml" not in line]
    assert said == ["xiu: standard output could not be written: No space left on device; what was done is done"]


@pytest.mark.parametrize(
    "env",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}],
    ids=lambda env: " ".join(env),
)
def test_an_output_of_another_encoding_gets_text_with_replacements(env: dict[str, str]) -> None:
    helped = shell("xiu --help", **env)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "usage: xiu COMMAND ?" in helped.stdout
    listed = shell("xiu plan list --json", **env)
    assert "全链路" in json.dumps(json.loads(listed.stdout), ensure_ascii=False)
    wrong = shell("xiu plan show 吉", **env)
    assert (wrong.returncode, "did you mean" in wrong.stderr or "no such file or id" in wrong.stderr) == (2, True)


def test_a_name_that_is_not_text_is_refused_in_words() -> None:
    done = shell("xiu plan show \"$(printf 'a\\377b')\"")
    assert done.returncode == 2
    assert done.stderr == "argument 3 is not UTF-8 text; expected text, or a file's name in UTF-8\n"
