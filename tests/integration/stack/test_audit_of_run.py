"""`xiu audit --run` closes the books of the stack that run was played on, and of no other."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import valkey

from harness.errors import BadInput, EnvironmentNotReady
from harness.runs.folder import write_run
from harness.stack import Stack
from tests.support.sample_run import record, sponsors, timeline
from tests.support.stores import ValkeyServer
from xiu.cli import dispatch
from xiu.commands import audit

Make = Callable[..., Stack]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(stack, whose it is by the store itself) of each audit, which is not begun."""
    found: list[tuple[str, str]] = []

    def ask(stack: Stack, args: argparse.Namespace, history: Path | None) -> int:
        with valkey.Valkey.from_url(stack.addresses.valkey_url) as client:
            found.append((stack.folder.path.name, (client.get("name") or b"").decode()))
        return 0

    monkeypatch.setattr(audit, "_ask", ask)
    return found


def named(stack: Stack, name: str) -> str:
    with valkey.Valkey.from_url(stack.addresses.valkey_url) as client:
        client.set("name", name)
    return stack.folder.path.name


def run_on(runs: Path, run_id: str, **changes: Any) -> None:
    (runs / run_id / "history").mkdir(parents=True)
    write_run(runs / run_id, record(run_id=run_id, target="own stack", **changes), timeline(), sponsors())


def test_the_books_are_those_of_the_runs_stack(
    make: Make, var: Path, tmp_path: Path, asked: list[tuple[str, str]]
) -> None:
    runs = tmp_path / "runs"
    with make(parts="stores") as first:
        mine = named(first, "first")
    run_on(runs, "r1", stack=f"../../var/{mine}")
    where = ("--runs", str(runs), "--var", str(var))
    with make(parts="stores") as second:
        other = named(second, "second")
        assert dispatch(["audit", "--run", "r1", *where]) == 0  # beside one that runs
        with pytest.raises(BadInput, match=f"was on stack {mine}"):
            dispatch(["audit", "--run", "r1", "--stack", str(second.folder.path), *where])
        assert dispatch(["audit", "--stack", str(first.folder.path), *where]) == 0
        assert dispatch(["audit", *where]) == 0
    assert dispatch(["audit", "--run", "r1", *where]) == 0  # after a newer one
    assert dispatch(["audit", *where]) == 0
    assert asked == [(mine, "first"), (mine, "first"), (other, "second"), (mine, "first"), (other, "second")]


def test_a_run_whose_books_are_out_of_reach_is_refused_in_words(tmp_path: Path, asked: list[tuple[str, str]]) -> None:
    runs = tmp_path / "runs"
    run_on(runs, "gone", stack="../../var/20260101-000000-abcd")
    run_on(runs, "silent")
    (runs / "far" / "history").mkdir(parents=True)
    write_run(runs / "far", record(run_id="far", target="http://far:1"), timeline(), sponsors())
    where = ("--runs", str(runs), "--var", str(tmp_path / "var"))
    with pytest.raises(EnvironmentNotReady, match=r"20260101-000000-abcd, which is gone"):
        dispatch(["audit", "--run", "gone", *where])
    with pytest.raises(BadInput, match=r"does not say on which stack.*--stack DIR"):
        dispatch(["audit", "--run", "silent", *where])
    with pytest.raises(BadInput, match=r"was on http://far:1: its stores are out of reach"):
        dispatch(["audit", "--run", "far", *where])
    with pytest.raises(EnvironmentNotReady, match="no stack has run in"):
        dispatch(["audit", "--stack", str(tmp_path), *where])
    assert asked == []


def test_external_stores_of_a_stack_that_ended_are_asked_again(
    make: Make, var: Path, valkey_server: ValkeyServer, asked: list[tuple[str, str]], request: pytest.FixtureRequest
) -> None:
    url = f"valkey://127.0.0.1:{valkey_server.port}/3"
    with make(parts="stores", environment={"XIU_VALKEY_URL": url}) as stack:
        name = named(stack, "theirs")
    with valkey.Valkey.from_url(url) as client:
        before = client.config_get("appendfsync")["appendfsync"]
        client.config_set("appendfsync", "everysec")  # whoever only reads need not refuse it
        request.addfinalizer(lambda: client.config_set("appendfsync", before))
    assert dispatch(["audit", "--var", str(var)]) == 0
    assert asked == [(name, "theirs")]
