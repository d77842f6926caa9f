"""Kind `valkey_settings`: settings of a running Valkey changed, as somebody might by mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.errors import ChaosError
from chaos.kinds import Detail
from chaos.store import StoreKind, StoreSpec, command
from harness.stack import Stack
from plans.models.fault import Fits
from plans.models.partial import Contradiction, check

KNOWN = {
    "maxmemory": re.compile(r"0|[1-9][0-9]{0,17}"),
    "maxmemory-policy": re.compile(r"noeviction|(allkeys|volatile)-(lru|lfu|random)|volatile-ttl"),
}
"""What may be changed, to what, written as Valkey itself tells it: nothing that would keep the healer out."""


class Settings(StoreSpec):
    """`settings` of Valkey, `maxmemory` in bytes; what `CONFIG GET` would tell of them."""

    FITS: ClassVar = {"valkey_settings": Fits(("set_back",), ("write_refused",), ("write_accepted",))}
    kind: Literal["valkey_settings"]
    settings: dict[str, Annotated[str, Field(min_length=1)]] = Field(min_length=1)

    @check
    def _known(self) -> Iterator[Contradiction]:
        for name, value in self.settings.items():
            if name not in KNOWN:
                yield Contradiction(("settings", name), f"{name} is not changed by a fault", ", ".join(KNOWN))
            elif not KNOWN[name].fullmatch(value):
                wanted = "bytes, digits alone" if name == "maxmemory" else "a policy of Valkey in small letters"
                yield Contradiction(("settings", name), f"{name} {value} is not what Valkey tells", wanted)

    @property
    def in_words(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in self.settings.items())


class SettingsKind(StoreKind[Settings]):
    """What was set before is in the ledger's line."""

    kind = "valkey_settings"
    Spec = Settings

    def prepare(self, stack: Stack, spec: Settings, target: str) -> Detail:
        was = {name: setting(stack, target, name) for name in spec.settings}
        if equal := [name for name, value in spec.settings.items() if was[name] == value]:
            raise ChaosError(f"{target}: {equal[0]} is {was[equal[0]]} already")
        return {"part": target, "was": was, "set": dict(spec.settings)}

    def inject(self, stack: Stack, detail: Detail) -> None:
        _set(stack, detail["part"], detail["set"])

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        return all(setting(stack, detail["part"], name) == value for name, value in detail["set"].items())

    def undo(self, stack: Stack, detail: Detail) -> None:
        _set(stack, detail["part"], detail["was"])

    def undone(self, stack: Stack, detail: Detail) -> bool:
        return all(setting(stack, detail["part"], name) == value for name, value in detail["was"].items())


def setting(stack: Stack, part: str, name: str) -> str:
    """One setting as Valkey has it now. Raises ChaosError."""
    found = command(stack, part, "CONFIG", "GET", name)
    if len(found) != 2:
        raise ChaosError(f"{part}: no setting {name}")
    value = found[1]
    return value.decode() if isinstance(value, bytes) else str(value)


def _set(stack: Stack, part: str, settings: dict[str, str]) -> None:
    words = [word for pair in settings.items() for word in pair]
    command(stack, part, "CONFIG", "SET", *words)
