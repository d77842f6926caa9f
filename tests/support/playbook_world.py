"""A world without processes: figures by query, switches that every process takes over at once, a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chaos.playbook.entry import LibraryEntry
from chaos.playbook.library import load
from chaos.playbook.world import Away
from plans.models.alerts import Alerts

ALERTS = Alerts({"Slow": "x > 1", "Other": "y > 1"}, frozenset(("Slow", "Other")))
PLAYBOOK = """\
kind: playbook
id: {id}
title: {{zh: 慢, en: slow}}
owner: nobody
meaning: a thing is slow here
impact: people wait longer
trigger: {{alert: {alert}, cooldown: 10s}}
preconditions: [{{what: fronts that report, query: fronts, op: ">=", value: 1}}]
actions:
  - id: slow-down
    set: {{switch: draw.release_percent, to: 25}}
    read_back: 2s
    undo: {{restore: before{catch_up}}}
  - id: shed
    set: {{switch: draw.shed_percent, to: 10}}
    read_back: 2s
    undo: {shed_undo}
verify:
  within: 5s
  hold: 1s
  all: [{{what: awards a second, query: 'awards{{lane="$lane"}}', op: "<=", of_baseline: 0.7}}]
healed:
  hold: 1s
  all: [{{what: age, query: age, op: "<", value: 1}}]
rollback: {{within: 5s, all: [{{what: age, query: age, op: "<", value: 1}}]}}
"""


def text(id: str = "slow", alert: str = "Slow", catch_up: str = "", shed_undo: str = "{restore: before}") -> str:
    return PLAYBOOK.format(id=id, alert=alert, catch_up=catch_up, shed_undo=shed_undo)


def entries(folder: Path, *texts: str) -> dict[str, LibraryEntry]:
    """A library of these files."""
    folder.mkdir(exist_ok=True)
    files = [folder / f"{number}.yaml" for number in range(len(texts))]
    for file, content in zip(files, texts, strict=True):
        file.write_text(content, encoding="utf-8")
    return load(files, ALERTS)


@dataclass
class FakeWorld:
    """See `chaos.playbook.world.World`. `age` is the fault: it is there while it is 1 or more."""

    age: float | None = 5.0
    fronts: float | None = 2.0
    effect: float = 0.25
    """What is left of the awards while the release is slow."""
    no_data: bool = False
    away: bool = False
    deaf: frozenset[str] = frozenset()
    """Processes that take no switch over."""
    switches: dict[str, int] = field(default_factory=lambda: {"draw.release_percent": 100, "draw.shed_percent": 0})
    """The live lane's."""
    stress: dict[str, int] = field(default_factory=lambda: {"draw.release_percent": 100, "draw.shed_percent": 0})
    own: dict[tuple[str, str, int | None], int] = field(default_factory=dict)
    """Values that a cell has of its own, by switch, lane and cell."""
    orders: list[tuple[str, int]] = field(default_factory=list)
    shown: dict[str, dict[str, int]] = field(default_factory=dict)
    on_order: Callable[[], None] = lambda: None

    def known(self, name: str) -> tuple[str, ...]:
        return {"lane": ("live", "stress"), "cell": ("0", "1"), "front": ("front-0", "front-1")}[name]

    async def figure(self, query: str) -> float | None:
        if self.no_data:
            return None
        if query.startswith("awards"):
            lane = query.removeprefix('awards{lane="').removesuffix('"}')
            paces = [value for (key, of, _), value in self.own.items() if (key, of) == ("draw.release_percent", lane)]
            return 20.0 * (self.effect if min(self.of(lane)["draw.release_percent"], *paces, 100) < 100 else 1.0)
        return {"age": self.age, "fronts": self.fronts}[query]

    def of(self, lane: str | None) -> dict[str, int]:
        """The switches of a lane. One that has lanes is never set without."""
        return {"live": self.switches, "stress": self.stress}[str(lane)]

    def _at(self, key: str, lane: str | None, cell: int | None) -> int:
        return self.own.get((key, str(lane), cell), self.of(lane)[key])

    async def control_value(self, key: str, lane: str | None, cell: int | None = None) -> int | None:
        return None if self.away else self._at(key, lane, cell)

    async def seen(self, key: str, lane: str | None, cell: int | None = None) -> Mapping[str, int | None]:
        """Front k is of cell k."""
        values = self.shown.setdefault(f"{key} {lane}", {"front-0": 100, "front-1": 100})
        for number, name in enumerate(values):
            if name not in self.deaf:
                values[name] = self._at(key, lane, number)
        return {name: value for number, (name, value) in enumerate(values.items()) if cell in (None, number)}

    async def set(self, key: str, lane: str | None, value: int, why: str, cell: int | None = None) -> None:
        self.on_order()
        if self.away:
            raise Away("control is away")
        assert "run" in why
        self.orders.append((key, value))
        if cell is None:
            self.of(lane)[key] = value
        elif value == self.of(lane)[key]:
            self.own.pop((key, str(lane), cell), None)
        else:
            self.own[key, str(lane), cell] = value
