"""A scenario: sizes, budgets of what may go wrong, rules. Owns how actors, ghosts and invariants become a machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chaos.model import control, credit, faults, front, ghosts, invariants, people
from chaos.model.explore import Machine, replay
from chaos.model.rules import Rules
from chaos.model.state import Config, State, config

READY = (
    "front 1 is started",
    "control takes epoch 1 for front 1",
    "fence 1 is raised",
    "epoch 1 is granted",
    "front 1 is given epoch 1",
    "front 1 reads its stream",
    "front 1 reads the ledger, rebuilds",
)
"""The history every scenario but the one of the start itself begins with."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One instance of the model. Budgets are of the whole history."""

    name: str
    users: int = 2
    packets: int = 2
    lease: int = 1
    fine: bool = False
    workers: int = 1
    crashes: int = 0
    flushes: int = 0
    undos: int = 0
    deaths: int = 0
    starts: int = 0
    control: int = 0
    late: int = 0
    poison: int = 0
    damage: int = 0
    prefix: tuple[str, ...] = READY

    def machine(self, without: tuple[str, ...] = ()) -> Machine[State]:
        """The scenario as something to explore, without these rules."""
        c = config(self.users, self.packets, Rules(without), self.lease, self.fine)
        start = State(
            workers=((),) * self.workers, crashes=self.crashes, flushes=self.flushes, undos=self.undos,
            deaths=self.deaths, starts=self.starts, control=self.control, late=self.late, poison=self.poison,
            damage=self.damage,
        )  # fmt: skip
        machine = _machine(start, c)
        # A rule that reorders the prefix itself begins at the beginning.
        try:
            return _machine(replay(machine, self.prefix), c)
        except KeyError:
            return machine


def _machine(start: State, c: Config) -> Machine[State]:
    note, forget = ghosts.note, credit.forget_stale

    def acts(s: State) -> Iterator[tuple[str, State]]:
        for source in (front.steps, control.steps, credit.steps, people.steps):
            for label, after in source(s, c):
                yield label, note(forget(after, c), c)

    def wrong(s: State) -> Iterator[tuple[str, State]]:
        for label, after in faults.steps(s, c):
            yield label, note(after if after.late else after._replace(sent=()), c)

    return Machine(start, acts, wrong, lambda s: invariants.broken(s, c), invariants.hangs)
