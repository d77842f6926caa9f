"""Probes of the win log: streams that lost their first entry, fronts that append again, of one cell alone.

Under load: plans/drills/flush.yaml, support/flush_frozen.py.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos import store
from chaos.faults.flush import Flush
from chaos.probes import make, probes, streams
from chaos.probing import NothingYet, ProbeAim
from harness.stack.places import Directory
from system.contract import places

TWO_CELLS = Directory((places.valkey(0), places.valkey(1), places.front(0, 2), places.front(1, 2)))
BEFORE = {"win:a": "1-0", "win:b": "1-0"}


def probe(kind: str, before: dict[str, str]) -> Any:
    spec = probes()[kind].Spec.model_validate({"kind": kind, "within": "1s"})
    detail = {"part": "valkey-1", "streams": before}
    stack = cast(Any, SimpleNamespace(places=TWO_CELLS))
    return make(spec, ProbeAim(stack, Flush(kind="flush"), "valkey-1", detail), "effect")


@pytest.mark.parametrize(
    ("now", "yes"),
    [
        pytest.param(BEFORE, False, id="all there"),
        pytest.param({"win:a": "1-0"}, True, id="a stream gone"),
        pytest.param({"win:a": "1-0", "win:b": "5-0"}, True, id="a stream that begins later"),
        pytest.param(BEFORE | {"win:c": "1-0"}, False, id="one more"),
    ],
)
def test_streams_are_gone(now: dict[str, str], yes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(store, "streams", lambda stack, part: asked.append(part) or now)
    assert probe("streams_gone", BEFORE).seen().yes is yes
    assert asked == ["valkey-1"]


def test_where_nothing_was_won_there_is_nothing_to_lose() -> None:
    with pytest.raises(NothingYet, match="no stream of wins"):
        probe("streams_gone", {}).look()


@pytest.mark.parametrize(
    ("ready", "now", "yes"),
    [
        pytest.param({"front-1"}, BEFORE, True, id="the cell's front serves, the other cell's is not asked"),
        pytest.param({"front-0"}, BEFORE, False, id="it does not serve"),
        pytest.param({"front-1"}, {}, False, id="it serves, and has appended nothing"),
    ],
)
def test_fronts_are_ready(ready: set[str], now: dict[str, str], yes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "part_ready", lambda stack, name: name in ready)
    monkeypatch.setattr(store, "streams", lambda stack, part: now if part == "valkey-1" else {})
    assert probe("fronts_ready", BEFORE).seen().yes is yes
