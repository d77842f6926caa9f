"""Probes of a part's process: gone, frozen, ready. On real parts: integration/chaos/test_faults.py."""

from __future__ import annotations

from typing import Any, cast

import pytest

from chaos import processes
from chaos.faults.signal import SignalFault
from chaos.probes import make, part, probes
from chaos.probing import NotSteady, ProbeAim

DETAIL = {"part": "play", "pid": 7, "created": 1.0}


def probe(kind: str) -> Any:
    spec = probes()[kind].Spec.model_validate({"kind": kind, "within": "1s"})
    at = ProbeAim(cast(Any, None), SignalFault(kind="signal", signal="STOP"), "play", DETAIL)
    return make(spec, at, "effect")


@pytest.mark.parametrize(
    ("kind", "ready", "lives", "frozen", "yes"),
    [
        pytest.param("process_gone", True, True, False, False, id="it is there"),
        pytest.param("process_gone", True, False, False, True, id="gone, though a new one is ready by now"),
        pytest.param("process_frozen", True, True, False, False, id="it runs"),
        pytest.param("process_frozen", True, True, True, True, id="it stands still"),
        pytest.param("part_ready", True, True, False, True, id="ready"),
        pytest.param("part_ready", False, True, False, False, id="it runs, and is not ready"),
    ],
)
def test_what_is_seen(
    kind: str, ready: bool, lives: bool, frozen: bool, yes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "part_ready", lambda stack, name: ready)
    monkeypatch.setattr(processes, "lives", lambda detail: lives and detail is DETAIL)
    monkeypatch.setattr(processes, "frozen", lambda detail: frozen and detail is DETAIL)
    assert probe(kind).seen().yes is yes


@pytest.mark.parametrize("kind", ["process_gone", "process_frozen", "part_ready"])
def test_a_part_that_is_not_ready_is_no_steady_state(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "part_ready", lambda stack, name: True)
    assert "7" in probe(kind).look().says, "its pid is told"
    monkeypatch.setattr(part, "part_ready", lambda stack, name: False)
    with pytest.raises(NotSteady, match="play is not ready, without any fault"):
        probe(kind).look()
