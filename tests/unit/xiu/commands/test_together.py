"""An option that another one leaves without effect is refused in one sentence, before anything is begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import EnvironmentNotReady
from harness.stack import Stack
from xiu.cli import main
from xiu.commands import up


class Begun(EnvironmentNotReady):
    """What the words below come to when nothing is refused."""


@pytest.fixture(autouse=True)
def nothing_begins(no_look: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def begin(*_: object, **__: object) -> None:
        raise Begun("begun")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(up, "last_stores", begin)
    for name in ("start", "attach"):
        monkeypatch.setattr(Stack, name, begin)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("up --stores last --fronts 2", "--fronts with --stores last"),
        ("up --stores last --fronts 1", "--fronts with --stores last"),
        ("up --stores last --cells 2 --no-prometheus", "--cells and --no-prometheus with --stores last"),
        ("up --stores last --playbooks .", "--playbooks with --stores last"),
        ("up --no-prometheus --playbooks .", "--playbooks with --no-prometheus"),
        ("up --playbooks nowhere", "--playbooks nowhere; expected a folder"),
        ("drill run kill9 --arms B", "--arms with kill9"),
        ("drill run credit-cut kill9 --arms AB", "--arms with kill9"),
        ("drill run kill9 --dry-run --resume x.jsonl", "--resume with --dry-run"),
        ("playbook run credit-stalled --no-wait --wait 5m", "--wait with --no-wait"),
    ],
)
def test_options_that_say_nothing_together(line: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    told = capsys.readouterr().err
    assert says in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "line",
    [
        "up --stores last",
        "up --fronts 2 --cells 2 --no-prometheus",
        "up --playbooks .",
        "drill run kill9 --short",
        "drill run kill9 --count 4 --short",
        "drill run kill9 --count 4",
        "drill run kill9 --resume x.jsonl",
        "playbook run credit-stalled --no-wait",
    ],
)
def test_each_alone_is_taken(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 5, capsys.readouterr().err
