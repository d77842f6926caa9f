"""The `xiu` command: words, global options, help, exit codes, errors in one line."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.children import for_children
from harness.errors import Aborted, BadInput, EnvironmentNotReady, HarnessError, closest
from xiu import cli
from xiu.commands import GLOBALS_READ, heeds, words

ROOT = Path(__file__).parents[3]
SEEN: list[argparse.Namespace] = []


def _configure(parser: argparse.ArgumentParser) -> None:
    subwords = parser.add_subparsers(dest="sub", required=True, parser_class=cli.Parser)
    run = cli.add_word(subwords, "run", "run it", "xiu try run x.yaml --seed 1")
    run.add_argument("file")
    run.add_argument("--seed", type=int, default=7)
    cli.add_word(subwords, "list", "list them", "xiu try list")


def _run(args: argparse.Namespace) -> int:
    SEEN.append(args)
    outcome = {
        "bad.yaml": BadInput("no such key: sead", file="bad.yaml", line=3, expected="a number", did_you_mean="seed"),
        "missing.yaml": EnvironmentNotReady("valkey is missing; get it with: make setup"),
        "stopped.yaml": Aborted("stopped"),
        "crash.yaml": ZeroDivisionError("oh"),
        "ctrl-c.yaml": KeyboardInterrupt(),
        "theirs.yaml": type("PlanError", (Exception,), {"exit_code": 2})("theirs.yaml:1: wrong"),
    }.get(getattr(args, "file", ""))
    if outcome is not None:
        raise outcome
    return 0


@pytest.fixture(autouse=True)
def _a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    SEEN.clear()
    module = types.SimpleNamespace(configure=_configure, run=_run, EXAMPLE="xiu try run x.yaml")
    monkeypatch.setitem(sys.modules, "xiu.commands.try", module)  # type: ignore[arg-type]
    monkeypatch.setattr(cli, "words", lambda: {**words(), "try": "try things"})
    for option in ("strict", "runs"):
        monkeypatch.setitem(GLOBALS_READ, option, (*GLOBALS_READ[option], "try run"))


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param(["--json", "--strict", "--runs", "here", "try", "run", "x.yaml"], id="before the word"),
        pytest.param(["try", "run", "x.yaml", "--json", "--strict", "--runs", "here"], id="after everything"),
        pytest.param(["try", "--json", "run", "--strict", "--runs=here", "x.yaml"], id="in between"),
    ],
)
def test_global_options_stand_anywhere(argv: list[str]) -> None:
    assert cli.main(argv) == 0
    (args,) = SEEN
    assert (args.json, args.strict, args.runs, args.progress, args.verbose) == (True, True, "here", "auto", False)
    assert (args.sub, args.file, args.seed) == ("run", "x.yaml", 7)


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        pytest.param(["tri", "run"], 2, "did you mean try?", id="a word nearly right"),
        pytest.param(["try", "rum", "x"], 2, "did you mean run?", id="a sub-word nearly right"),
        pytest.param(["try", "run", "x", "--sead", "1"], 2, "did you mean --seed?", id="an option nearly right"),
        pytest.param(["try", "list", "--seed", "1"], 2, "expected --seed with xiu try run\n", id="other word's"),
        pytest.param(["try", "run", "x", "--seed", "one"], 2, "is no whole number", id="a value of the wrong kind"),
        pytest.param(["try"], 2, "required", id="a sub-word missing"),
        pytest.param(["--progress", "loud", "try", "list"], 2, "auto", id="a global option's value"),
        pytest.param(
            ["try", "run", "bad.yaml"],
            2,
            "bad.yaml:3: no such key: sead; expected a number; did you mean seed?",
            id="file and line",
        ),
        pytest.param(["try", "run", "missing.yaml"], 5, "make setup", id="environment not ready"),
        pytest.param(["try", "run", "stopped.yaml"], 3, "stopped", id="aborted"),
        pytest.param(["try", "run", "ctrl-c.yaml"], 3, "interrupted", id="Ctrl-C"),
        pytest.param(["try", "run", "theirs.yaml"], 2, "theirs.yaml:1: wrong", id="an error tree of another package"),
        pytest.param(["try", "run", "crash.yaml"], 1, "ZeroDivisionError: oh", id="internal error"),
    ],
)
def test_errors_are_one_line_on_stderr(
    argv: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "argv", [["--strict", "plan", "list"], ["plan", "list", "--runs", "here", "--progress", "plain"]]
)
def test_every_word_takes_every_global_option_and_its_help_lists_those_it_heeds(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 0
    assert cli.main(["plan", "list", "--help"]) == 0
    assert "--strict" not in capsys.readouterr().out
    assert SEEN == []


def test_help_tells_the_global_options_that_are_heeded(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["try", "run", "--help"]) == 0
    assert "--strict" in (out := capsys.readouterr().out)
    assert "--progress" not in out
    assert cli.main(["try", "list", "--help"]) == 0
    assert "--strict" not in capsys.readouterr().out


COMMANDS = Path(cli.__file__).with_name("commands")


def sources(word: str) -> tuple[str, str]:
    """Of a word's module, and of it with what it takes from its neighbours, and they from theirs."""
    name = word.replace("-", "_")
    texts: dict[str, str] = {}
    wanted = [name]
    while wanted:
        file = COMMANDS / f"{(one := wanted.pop())}.py"
        if one not in texts and file.exists():
            texts[one] = file.read_text(encoding="utf-8")
            found = re.findall(r"from xiu\.commands\.(\w+) import|\b(_[a-z]\w*)\b", texts[one])
            wanted += [other for pair in found for other in pair if other]
    return texts[name], "".join(texts.values())


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from options(each)
        elif action.dest not in ("help", "sub"):
            yield action.dest


@pytest.mark.parametrize("word", words())
def test_each_option_of_a_word_is_read(word: str) -> None:
    parser = cli.Parser(prog=f"xiu {word}")
    importlib.import_module(f"xiu.commands.{word.replace('-', '_')}").configure(parser)
    _, text = sources(word)
    by_name = {"dash": {"reports", "runbooks"}}.get(word, set())  # in a loop over their names
    unread = {name for name in options(parser) if f"args.{name}" not in text and f'args, "{name}"' not in text}
    assert unread == by_name


@pytest.mark.parametrize("option", GLOBALS_READ)
@pytest.mark.parametrize("word", words())
def test_who_heeds_a_global_option_reads_it_and_nobody_else(word: str, option: str) -> None:
    own, text = sources(word)
    assert (f"args.{option}" in text) or not heeds(word, option)
    assert (f"args.{option}" not in own) or heeds(word, option)


def test_a_traceback_is_shown_with_v_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["try", "run", "crash.yaml", "-v"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["help"]])
def test_help_lists_the_words_in_80_columns(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in words())
    assert max(map(len, out.splitlines())) <= 80


def test_no_word_at_all_is_help_and_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "commands:" in capsys.readouterr().out


@pytest.mark.parametrize("word", [*words(), "try"])
def test_every_word_shows_one_worked_example(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([word, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"example:\n  xiu {word}" in out
    assert "--json" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_sub_word_shows_its_own_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["try", "run", "--help"]) == 0
    assert "xiu try run x.yaml --seed 1" in capsys.readouterr().out


def test_a_module_is_a_word_as_soon_as_it_is_there() -> None:
    here = {p.stem for p in Path(cli.__file__).with_name("commands").glob("*.py") if not p.stem.startswith("_")}
    assert {word.replace("-", "_") for word in words()} == here
    assert all(line and len(line) <= 68 for line in words().values())


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [("plann", ["plan", "play"], "plan"), ("xyzzy", ["plan"], None), ("--jsn", ["--json"], "--json")],
)
def test_closest(word: str, known: list[str], near: str | None) -> None:
    assert closest(word, known) == near


def test_exit_codes_are_the_contract() -> None:
    codes = {kind: kind.exit_code for kind in (HarnessError, BadInput, Aborted, EnvironmentNotReady)}
    assert list(codes.values()) == [1, 2, 3, 5]


@pytest.mark.parametrize("text", ["1_0", "１０", " 10", "+10", "010", "1e3", "²", "9" * 5_000])
def test_a_number_is_plain_digits_and_a_refusal_repeats_little_of_it(text: str) -> None:
    with pytest.raises(BadInput, match="whole number") as refused:
        cli.dispatch(["try", "run", "good.yaml", "--seed", text])
    assert len(str(refused.value)) < 400
    with pytest.raises(BadInput) as refused:
        cli.dispatch(["up", "--fronts", text])
    assert len(str(refused.value)) < 400
    assert SEEN == []


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("10", 10), ("-3", -3)])
def test_a_number_may_be_negative(text: str, number: int) -> None:
    assert cli.dispatch(["try", "run", "good.yaml", f"--seed={text}"]) == 0
    assert SEEN[0].seed == number


HEAVY = (
    "numpy", "psycopg", "valkey", "jinja2", "rich", "prometheus_client", "aiohttp", "locust", "grafana_foundation_sdk",
)  # fmt: skip
"""Libraries that cost a tenth of a second each to import: who types a word that needs none waits for none."""
LIGHT = (
    "plan --help", "plan list", "plan check smoke", "forecast --help", "run list", "fault --help", "status --help",
    "doctor --help", "token --help", "switch --help",
)  # fmt: skip
READ_BY = """
import json, sys
from xiu.cli import main
heavy, read = sys.argv[1].split(), {}
for word in sys.argv[2:]:
    before = set(sys.modules)
    code = main(word.split())
    read[word] = [code, [name for name in heavy if name in sys.modules and name not in before]]
print("\\n" + json.dumps(read))
"""


def test_a_word_that_needs_no_heavy_library_imports_none(tmp_path: Path) -> None:
    """In one process, the words one after the other: each shows what it alone brought."""
    argv = [sys.executable, "-c", READ_BY, " ".join(HEAVY), *LIGHT]
    env = for_children({"PYTHONPATH": str(ROOT)})
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout.splitlines()[-1])
    assert read == {word: [0, []] for word in LIGHT}
