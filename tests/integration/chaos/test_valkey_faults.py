"""What is done to a real Valkey by a command: its effect on a write, and that it is taken back by who never saw it."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos.errors import ChaosError
from chaos.faults import kinds
from chaos.probes import make
from chaos.probing import NotSteady, Probe, ProbeAim, Use
from chaos.store import command
from harness.stack.places import Directory
from plans.models.fault import Fault, ProbeSpec
from system.contract import places
from tests.support.disturbed import FAULTS
from tests.support.stores import ValkeyServer

BY_COMMAND = ("V1", "V2", "V8", "V18")


@pytest.fixture
def stack(fresh_valkey: ValkeyServer) -> Any:
    place = replace(places.valkey(), url=fresh_valkey.url)
    return cast(Any, SimpleNamespace(places=Directory((place,))))


def looking(stack: Any, fault: Fault, detail: dict[str, Any], spec: ProbeSpec, use: Use) -> Probe[Any]:
    return make(spec, ProbeAim(stack, fault.inject, "valkey", detail), use)


@pytest.mark.parametrize("name", BY_COMMAND)
def test_a_write_shows_it_and_shows_its_end(name: str, stack: Any) -> None:
    fault = FAULTS[name]
    kind = kinds()[fault.inject.kind]
    before = command(stack, "valkey", "CONFIG", "GET", "*"), command(stack, "valkey", "ACL", "LIST")
    detail = json.loads(json.dumps(kind.prepare(stack, fault.inject, "valkey")))
    effect = looking(stack, fault, detail, fault.effect_probe, "effect")
    healed = looking(stack, fault, detail, fault.heal_probe, "healed")
    assert effect.look() is not None
    assert not effect.seen().yes
    assert (kind.in_force(stack, detail), kind.undone(stack, detail)) == (False, True)
    kind.inject(stack, detail)
    try:
        assert effect.seen().yes, effect.seen().says
        assert not healed.seen().yes
        assert (kind.in_force(stack, detail), kind.undone(stack, detail)) == (True, False)
        with pytest.raises(NotSteady, match="does not take a write, without any fault"):
            looking(stack, fault, detail, fault.effect_probe, "effect").look()
    finally:
        other = type(kind)()
        other.undo(stack, detail)
    other.undo(stack, detail)  # a ladder may climb a rung twice
    assert (other.in_force(stack, detail), other.undone(stack, detail)) == (False, True)
    assert healed.seen().yes
    assert not effect.seen().yes
    assert (command(stack, "valkey", "CONFIG", "GET", "*"), command(stack, "valkey", "ACL", "LIST")) == before


def test_a_setting_that_is_so_already_is_no_fault(stack: Any) -> None:
    fault = FAULTS["V1"]
    kind = kinds()["valkey_settings"]
    spec = kind.Spec.model_validate({"kind": "valkey_settings", "settings": {"maxmemory-policy": "noeviction"}})
    with pytest.raises(ChaosError, match="valkey: maxmemory-policy is noeviction already"):
        kind.prepare(stack, spec, "valkey")
    assert fault.inject.in_words == "maxmemory = 1"


def test_a_valkey_that_is_gone_is_told(stack: Any) -> None:
    gone = cast(Any, SimpleNamespace(places=Directory((replace(places.valkey(), url="valkey://127.0.0.1:1/0"),))))
    with pytest.raises(ChaosError, match="valkey: ROLE: "):
        kinds()["valkey_replica"].in_force(gone, {"part": "valkey"})
