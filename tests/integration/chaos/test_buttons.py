"""`xiu halt`, `kill`, `heal`, `status` on a whole stack: what they say is what was reached and read back."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos import links
from chaos.playbook import resume
from chaos.toxiproxy import ToxicState
from harness.control_client import ControlClient
from harness.guard.kill import SWITCH, front_shows
from harness.stack import Stack
from tests.support.disturbed import toxics
from tests.support.stores import wait_until
from xiu.cli import main

BY_HAND = ToxicState("by-hand", "latency", "downstream", 1.0, {"latency": 1})


@pytest.fixture
def where(stack: Stack, tmp_path: Path) -> Iterator[list[str]]:
    """The options that lead to the stack; stress traffic is accepted before, and again afterwards."""

    def accept() -> None:
        with ControlClient.of(stack) as control:
            control.set_switch(SWITCH, 1, "test", "before and after a button")
        fronts = stack.addresses.front_metrics_urls
        wait_until(lambda: all(front_shows(url) == 1 for url in fronts), 10, "stress traffic accepted")

    accept()
    yield ["--var", str(stack.folder.path.parent), "--runs", str(tmp_path / "runs")]
    accept()
    resume(stack.folder.path)


def refused(stack: Stack) -> bool:
    with ControlClient.of(stack) as control:
        return control.switches()[SWITCH] == 0 and all(
            front_shows(url) == 0 for url in stack.addresses.front_metrics_urls
        )


@pytest.mark.parametrize("word", ["halt", "kill"])
def test_a_proxy_and_a_netrc_of_the_shell_keep_no_button_from_the_system(
    stack: Stack, where: list[str], word: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    for name, value in (("http_proxy", "http://127.0.0.1:9"), ("ALL_PROXY", "http://127.0.0.1:9"), ("NETRC", netrc)):
        monkeypatch.setenv(name, str(value))
    assert main([word, *where]) == 0
    told = capsys.readouterr()
    assert "read back, on 1 of 1 running systems" in told.out
    assert "stays refused" in told.out
    assert refused(stack)


@pytest.mark.parametrize("word", ["halt", "kill"])
def test_what_could_not_be_told_is_said_and_not_claimed(
    stack: Stack, where: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    links.api(stack).add("play-postgres", BY_HAND)
    control = stack.pid("control")
    os.kill(control, signal.SIGSTOP)
    try:
        assert main([word, *where, "--json"]) == 5
    finally:
        os.kill(control, signal.SIGCONT)
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["ways"][2]["done"] == 0
    assert "control was not told that stress.accept is 0" in document["undone"][0]
    assert "not done: " in told.err
    # The rest is done all the same.
    assert (toxics(stack) == []) is (word == "halt")
    links.api(stack).reset()


def test_from_another_folder_a_button_says_where_it_looked(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    links.api(stack).add("play-postgres", BY_HAND)
    monkeypatch.chdir(tmp_path)
    for word in ("heal", "halt", "kill", "down"):
        assert main([word]) == 5
        assert f"no stack runs under {tmp_path / 'var'}" in capsys.readouterr().err
    assert toxics(stack) == ["by-hand"]
    assert main(["heal", "--var", str(stack.folder.path.parent)]) == 0
    assert "by-hand: in no ledger; reset" in capsys.readouterr().out
    assert toxics(stack) == []


def test_status_names_what_no_ledger_knows_and_hides_passwords(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    links.api(stack).add("play-postgres", BY_HAND)
    secret = (stack.folder.secret / "postgres").read_text().strip()
    where = ["--stack", str(stack.folder.path)]
    try:
        assert main(["status", *where]) == 0
        plain = capsys.readouterr().out
        assert main(["status", "--json", *where]) == 0
        data = capsys.readouterr().out
    finally:
        links.api(stack).reset()
    assert "play-postgres: by-hand: in no ledger; away with: xiu heal" in plain
    assert json.loads(data)["in_no_ledger"] == ["play-postgres: by-hand"]
    assert secret not in plain + data
    assert main(["status", "--show-secrets", *where]) == 0
    assert secret in capsys.readouterr().out


def test_a_part_is_started_again_by_its_name(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    old = stack.pid("credit-stress")
    assert main(["restart", "credit-stress", "--json", "--stack", str(stack.folder.path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["part"], told["was"]) == ("credit-stress", "ready")
    assert told["pid"] == stack.pid("credit-stress") != old
