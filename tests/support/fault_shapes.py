"""What the tests of fault kinds share: a toxiproxy without a server, and a fault file read as the kinds let it be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from chaos.errors import ChaosError
from chaos.library import fault
from chaos.toxiproxy import ProxyState, ToxicState
from harness.stack import Stack
from plans.models.fault import Fault

ENVELOPE = {
    "kind": "fault", "id": "X1", "title": {"zh": "测试", "en": "a test"}, "aims": ["L1"], "requires": [],
    "expires": "60s",
}  # fmt: skip


def as_file(**given: Any) -> Fault:
    """A fault file with this `inject`, these targets and probes. Raises pydantic's ValidationError."""
    return fault().model_validate({**ENVELOPE, **given})


def misused_on_a_valkey(kind: str) -> list[Any]:
    """(change of a good file, what its refusal says), for every kind that is done to a Valkey by a command."""
    blind = {"kind": "process_gone", "within": "1s"}
    return [
        pytest.param({"targets": ["postgres"]}, f"{kind} on postgres", id="another store"),
        pytest.param({"targets": ["front-valkey"]}, f"{kind} on front-valkey", id="a link"),
        pytest.param({"heal": {"kind": "restart"}}, f"restart does not undo {kind}", id="another kind's heal"),
        pytest.param({"effect_probe": blind}, f"cannot see {kind}", id="a blind probe"),
    ]


def refusal_on_a_valkey(file: Mapping[str, Any], change: Mapping[str, Any]) -> str:
    """What is said of the file with this change; as it is, it is good for any cell's Valkey."""
    assert as_file(**{**file, "targets": ["valkey", "valkey-1"]}).inject.kind == file["inject"]["kind"]
    with pytest.raises(ValidationError) as told:
        as_file(**{**file, **change})
    return str(told.value)


@dataclass
class FakeToxiproxy:
    """See `chaos.toxiproxy.SafeToxiproxy`. `stuck`: toxics that cannot be removed."""

    links: dict[str, ProxyState] = field(default_factory=dict)
    stuck: frozenset[str] = frozenset()
    calls: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, *links: str) -> FakeToxiproxy:
        """One with these proxies, clean and enabled."""
        return cls({name: ProxyState(name, "127.0.0.1:1", "127.0.0.1:2", True, ()) for name in links})

    def proxies(self) -> Mapping[str, ProxyState]:
        return dict(self.links)

    def proxy(self, name: str) -> ProxyState:
        return self.links[name]

    def add(self, link: str, toxic: ToxicState) -> None:
        self.calls.append(f"add {toxic.type} {toxic.stream}")
        self.links[link] = replace(self.links[link], toxics=(*self.links[link].toxics, toxic))

    def remove(self, link: str, name: str) -> None:
        self.calls.append("remove")
        if name in self.stuck:
            raise ChaosError(f"{name} hangs")
        left = tuple(toxic for toxic in self.links[link].toxics if toxic.name != name)
        self.links[link] = replace(self.links[link], toxics=left)

    def enable(self, link: str, on: bool = True) -> None:
        self.calls.append("enable" if on else "disable")
        self.links[link] = replace(self.links[link], enabled=on)

    def reset(self) -> None:
        self.calls.append("reset")
        self.links = {name: replace(proxy, toxics=(), enabled=True) for name, proxy in self.links.items()}


def stack(**more: Any) -> Stack:
    """As much of a stack as a kind asks for."""
    return cast(Any, SimpleNamespace(**{"externals": {}, **more}))
