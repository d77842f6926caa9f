"""What keeps the processes up: the supervisor starts a dead front again; a person starts a blocked one anew once that
can help.

Has no budget: without these steps a round could not close, and the protocol says that they come.
"""

from __future__ import annotations

from chaos.model import store
from chaos.model.front import Steps
from chaos.model.state import BLOCKED, CLOSED, DAMAGED, Config, Front, State


def steps(s: State, c: Config) -> Steps:
    """The supervisor, and the person on call."""
    if s.round == CLOSED:
        return
    newest = next((f for f in s.fronts if f.instance == s.newest), None)
    if newest is None:
        yield f"front {s.newest + 1} is started", _start(s, s.fronts)
    elif newest.phase == BLOCKED and c.rules.old_damage and not s.back and _sound(s):
        yield f"a person starts blocked front {newest.instance} anew", _start(s, s.fronts[:-1])


def _start(s: State, others: tuple[Front, ...]) -> State:
    return s._replace(newest=s.newest + 1, fronts=(*others, started(s)))


def started(s: State) -> Front:
    """A new instance. Where no epoch was ever granted nobody can have won: it answers taps before its rebuild."""
    return Front(s.newest + 1, known=not s.granted)


def _sound(s: State) -> bool:
    """No damage behind the offset: it was set aside, or is gone."""
    return not any(entry[2] & DAMAGED and entry[:2] > s.offset for entry in store.entries(s.ops))
