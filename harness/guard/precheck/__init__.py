"""The pre-check: before the first request, each thing that a run needs is looked at; what is broken is refused by name.

One file an item, found by being there: `ITEM`, a PrecheckItem (`shape.py`), listed with its number in docs/plans.md.
Sends no load and changes nothing but its own rehearsals. Finds all that is wrong, not only the first.
"""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, cast

from harness.errors import EnvironmentNotReady, HarnessError
from harness.guard.precheck.shape import Checked, LoadItem, LoadRequest, PrecheckItem, StartRequest, State
from system.contract import found
from system.contract.errors import SettingsError

__all__ = [
    "GUARD", "ITEMS", "Checked", "LoadItem", "LoadRequest", "PrecheckItem", "StartRequest", "State", "precheck",
    "refuse", "report", "table",
]  # fmt: skip

FILE = "precheck.json"
"""In a run's folder: what was found before it started."""
BESIDE = ("shape", "tagging")
_OWN = {*dir(builtins), *globals()}
"""Names of this module: a file of its folder becomes a name of it when it is imported."""


def table(pieces: Iterable[found.Piece]) -> tuple[PrecheckItem, ...]:
    """The items of these files by number. Raises SettingsError: a file without one, another name than its file's, a
    number that stands twice or leaves a gap.
    """
    known: dict[int, tuple[PrecheckItem, found.Piece]] = {}
    for piece in pieces:
        item, stem = getattr(piece.module, "ITEM", None), piece.file.stem.replace("_", " ")
        if not isinstance(item, PrecheckItem):
            raise SettingsError(f"{piece.place()}: no ITEM; expected ITEM = PrecheckItem(…)")
        if stem in _OWN:
            raise SettingsError(f"{piece.place()}: a file named {stem}.py would hide that name here; expected another")
        if item.name != stem:
            raise SettingsError(f"{piece.place(item.name)}: item {item.name!r}; expected {stem!r}, as its file is")
        if item.number in known:
            other = known[item.number][1].place()
            raise SettingsError(f"{piece.place()}: number {item.number} stands in {other} as well; expected the next")
        known[item.number] = item, piece
    for number, (_, piece) in sorted(known.items()):
        if number > len(known):
            raise SettingsError(f"{piece.place()}: number {number} leaves a gap; expected 1 to {len(known)}, each once")
    return tuple(known[number][0] for number in sorted(known))


ITEMS = table(found.pieces(__name__, __path__, beside=BESIDE))


GUARD = tuple(item for item in ITEMS if item.name in ("target", "limit", "approval"))
"""What the guard's allow-list says of a load."""


def precheck(ask: LoadRequest, items: Iterable[PrecheckItem] = ITEMS) -> list[Checked]:
    """Every item that this kind of plan needs, in the order of their numbers. Never raises for what it finds."""
    needed = [item for item in items if isinstance(ask, StartRequest) or isinstance(item, LoadItem)]
    return [each for item in needed if not (ask.burst and item.run_alone) for each in _looked(item, ask)]


def _looked(item: PrecheckItem, ask: LoadRequest) -> Iterator[Checked]:
    """Each thing an item finds, with the time since the one before; nothing found is told as such."""
    since, count = time.monotonic(), 0
    for each in _whole(item, ask):
        now = time.monotonic()
        took_ms = round((now - since) * 1000, 3)
        yield replace(each, number=item.number, item=item.name, broken=item.broken, took_ms=took_ms)
        since, count = now, count + 1
    if not count:
        yield Checked("not_evaluated", "nothing of the kind is there", "", item.number, item.name, item.broken)


def _whole(item: PrecheckItem, ask: LoadRequest) -> Iterator[Checked]:
    try:
        yield from item.look(ask) if isinstance(item, LoadItem) else item.look(cast(StartRequest, ask))
    except HarnessError as exc:
        yield Checked("refused", str(exc).splitlines()[0])


def refuse(found: Iterable[Checked]) -> None:
    """Raises EnvironmentNotReady that names each broken item; does nothing where all is well."""
    broken = [one for one in found if one.state == "refused"]
    if broken:
        lines = "".join(f"\n  {one.name}: {one.why}" for one in broken)
        raise EnvironmentNotReady(f"the pre-check refuses the start, nothing was sent:{lines}")


def report(found: Sequence[Checked]) -> dict[str, Any]:
    """What was found as plain JSON data, for the run's folder."""
    rows = [{key: value for key, value in asdict(one).items() if key != "broken"} for one in found]
    states = [one.state for one in found]
    return {
        "refused": "refused" in states,
        "looked_at": len(states) - states.count("not_evaluated"),
        "took_ms": round(sum(one.took_ms for one in found), 3),
        "items": rows,
    }
