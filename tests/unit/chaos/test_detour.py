"""The way through the second toxiproxy: in the ledger like a fault, left alone while its drill lives, then ended."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos import edge, fault_ledger, heal
from chaos.detour import DetourKind, led
from chaos.edge import of_the_edge, through_the_edge
from chaos.errors import ChaosError, NotHealed
from chaos.fault_ledger import FaultLedgerEntry, injected
from harness.errors import EnvironmentNotReady
from harness.stack import Stack


class Led:
    """A stack whose links can be led; `stuck`: so often they cannot be led back."""

    def __init__(self, folder: Path, stuck: int = 0, away: bool = False) -> None:
        self.folder, self.stuck, self.away = SimpleNamespace(path=folder), stuck, away
        self.detours: tuple[str, ...] = ()
        self.calls: list[str] = []

    def detour(self, *links: str) -> None:
        self.calls.append("lead " + (", ".join(links) or "back"))
        if self.away:
            raise EnvironmentNotReady("the stack's supervisor does not answer")
        if not links and self.stuck:
            self.stuck -= 1
            raise EnvironmentNotReady("prometheus: its targets are not as configured")
        self.detours = links

    def restart(self, part: str) -> None:
        self.calls.append(f"restart {part}")

    def pids(self) -> dict[str, int]:
        return {"toxiproxy-edge": 7} if self.detours else {}

    def state(self) -> dict[str, Any]:
        return {"parts": {"toxiproxy-edge": "ready"}}


def on(stack: Led, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setattr(heal, "_attached", lambda folder, outlives: stack)
    monkeypatch.setattr(heal.Folder, "locked", True)
    return cast(Any, stack)


def test_only_a_drill_that_is_aimed_at_the_edge_leads_anything_there(tmp_path: Path) -> None:
    assert of_the_edge(["front-valkey", "prometheus-targets", "client-front", "client-front"]) == (
        "client-front", "prometheus-targets",
    )  # fmt: skip
    stack = Led(tmp_path)
    with through_the_edge(cast(Any, stack), "valkey-slow", ["front-valkey", "play"]):
        assert (stack.calls, injected(tmp_path)) == ([], [])


def test_led_there_while_the_block_lasts_and_back_whatever_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Led(tmp_path)

    def broken() -> None:
        with through_the_edge(on(stack, monkeypatch), "client-slow", ["client-front"]):
            (one,) = injected(tmp_path)
            assert (one.fault, one.target, one.drill, stack.detours) == (
                "detour", "client-front", "client-slow", ("client-front",),
            )  # fmt: skip
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert (injected(tmp_path), stack.detours) == ([], ())
    assert stack.calls == ["lead client-front", "lead back"]


def test_xiu_heal_leaves_the_way_of_a_drill_that_lives_and_ends_one_that_is_overdue_or_orphaned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Led(tmp_path)
    on(stack, monkeypatch)
    stack.detour("client-front")
    entry = FaultLedgerEntry("detour", "client-front", "detour", 60.0, 60.0, {"links": ["client-front"]}, "client-slow")
    mine = fault_ledger.enter(tmp_path, entry)
    assert led(mine)
    assert heal.heal(tmp_path) == []
    assert stack.detours == ("client-front",)
    monkeypatch.setattr(fault_ledger.Injected, "owner_lives", lambda self: self.owner_pid != os.getpid())
    assert not led(mine)
    assert "lead back held" in heal.heal(tmp_path)[0]
    assert stack.detours == ()
    monkeypatch.undo()
    on(stack, monkeypatch)
    old = fault_ledger.enter(tmp_path, FaultLedgerEntry("detour", "client-front", "detour", 60.0, -1.0, entry.detail))
    assert old.owner_lives()
    assert (led(old), time.time() > old.expires) == (False, True)


def test_a_prometheus_that_does_not_follow_is_restarted_and_one_that_never_does_is_not_healed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Led(tmp_path, stuck=1)
    with through_the_edge(on(stack, monkeypatch), "scrape-cut", ["prometheus-targets"]):
        pass
    assert stack.calls == ["lead prometheus-targets", "lead back", "restart prometheus", "lead back"]
    stack.stuck = 9

    def never() -> None:
        with through_the_edge(on(stack, monkeypatch), "scrape-cut", ["prometheus-targets"]):
            pass

    with pytest.raises(NotHealed, match="detour on prometheus-targets"):
        never()
    assert len(injected(tmp_path)) == 1, "a watchdog tries on"


def test_a_way_that_does_not_come_about_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Led(tmp_path)
    monkeypatch.setattr(edge, "READY_S", 0.1)
    monkeypatch.setattr(DetourKind, "in_force", lambda self, stack, detail: False)

    def never() -> None:
        with through_the_edge(on(stack, monkeypatch), "client-slow", ["client-front"]):
            pytest.fail("nothing is played")

    with pytest.raises(ChaosError, match="client-front led through toxiproxy-edge: not within"):
        never()
    assert (injected(tmp_path), stack.detours) == ([], ())
