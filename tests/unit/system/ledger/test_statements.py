"""Every statement is asked by the module whose file it stands in, and whatever a module asks for is there."""

from __future__ import annotations

import ast
import asyncio
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Counter

from system.contract.errors import SettingsError
from system.contract.parties import BANK
from system.ledger.access import lane_role
from system.ledger.statements import QUERIES, statement, statements
from system.outside.caller import OutsideCaller
from system.settings import PartyAddress
from system.winlog import WinLogStore

SYSTEM = Path(__file__).parents[4] / "system"
NOT_THE_SYSTEM = "benching"
"""Synthetic data goes the same way as real: its modules own no statement."""


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def words() -> dict[str, set[str]]:
    """Module, as `control/epochs`, → the names of statements written in it."""
    found = {}
    for path in sorted(SYSTEM.rglob("*.py")):
        texts = {node.value for node in nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        found[str(path.relative_to(SYSTEM).with_suffix(""))] = texts & set(statements())
    return found


def test_every_statement_is_asked_by_the_module_of_its_file() -> None:
    asked = words()
    lost = [
        f"{one.place}: {name} is not asked by system/{home}.py"
        for name, one in statements().items()
        if (home := str(one.file.relative_to(QUERIES).with_suffix(""))) != "shared" and name not in asked.get(home, ())
    ]
    assert lost == []


def test_what_two_packages_ask_and_nothing_else_is_shared() -> None:
    packages = defaultdict(set)
    for module, names in words().items():
        for name in names:
            packages[name].add(module.split("/")[0])
    shared = {name for name, users in packages.items() if len(users - {NOT_THE_SYSTEM}) > 1}
    assert shared == {name for name, one in statements().items() if one.file == QUERIES / "shared.sql"}


def test_every_name_asked_for_is_there() -> None:
    """Names written where they are asked; a name in a variable is one of `words`, or fails as it is asked."""
    unknown = [
        f"{path}:{node.lineno}: {node.args[0].value}"
        for path in sorted(SYSTEM.rglob("*.py"))
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "statement" and node.args
        if isinstance(node.args[0], ast.Constant) and node.args[0].value not in statements()
    ]
    assert unknown == []


def test_a_lane_is_put_where_its_schema_stands_and_nowhere_else() -> None:
    assert b"stress.round" in statement("control_closing", "stress")
    assert all(b"{schema}" not in statement(name, "live") for name in statements())


@pytest.mark.parametrize("lane", [None, "", "public", "LIVE", "stress ", "live, stress"])
def test_what_does_not_say_whose_traffic_it_is_reaches_no_store(lane: Any) -> None:
    outside = OutsideCaller(
        BANK, PartyAddress("http://127.0.0.1:9", "http://127.0.0.1:9"),
        Counter("calls", "Of a test.", ["party", "lane", "outcome"], registry=None), timeout_s=1,
    )  # fmt: skip
    store = WinLogStore("redis://127.0.0.1:9", timeout_s=1)
    for reach in (
        lambda: statement("transfer_write", lane),
        lambda: statement("batch_insert", lane),
        lambda: lane_role(lane),
        lambda: store.stream(0, lane, 1, 0),
        lambda: asyncio.run(outside.call(lane, "PUT", "/v1/payouts/a", {})),
    ):
        with pytest.raises(ValueError, match="expected one of live, stress"):
            reach()  # type: ignore[no-untyped-call]


def test_an_unknown_name_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="no statement nothing; expected one of system/ledger/queries"):
        statement("nothing", "live")
