"""What goes wrong: crashes with lost tails, flushes and their undoing, deaths, second starts, late messages.

Owns the budgets: each fault has a number of times that it may occur in one history.
"""

from __future__ import annotations

from chaos.model import store
from chaos.model.front import Steps, put
from chaos.model.ghosts import lose
from chaos.model.people import started
from chaos.model.state import AGAIN, BAD, BLOCKED, DAMAGED, LEDGER, PHASES, READ, Config, State

OP_STAGES = ("number taken", "fence raised", "granted")


def steps(s: State, c: Config) -> Steps:
    """Every fault there is a budget for."""
    yield from _valkey(s)
    yield from _processes(s)
    if s.late or s.raises:
        yield from _late(s, c)
    yield from _madness(s)


def _where(s: State) -> str:
    """What is going on while Valkey dies, as far as it concerns Valkey."""
    if any(f.phase in (READ, LEDGER, AGAIN) for f in s.fronts):
        return "during a rebuild"
    if any(f.sending for f in s.fronts):
        return "during an append"
    if s.closing or s.confirmed:
        return "after a confirmation"
    return "at rest"


def _valkey(s: State) -> Steps:
    where = _where(s)
    if s.crashes:
        for kept in range(len(s.ops), -1, -1):
            gone = len(s.ops) - kept
            what = f"loses its last {gone} writes" if gone else "loses nothing"
            yield f"Valkey dies {where}, {what}", lose(s, s.ops[:kept], 0)._replace(crashes=s.crashes - 1)
    if s.flushes and s.ops:
        yield f"Valkey is flushed {where}", lose(s, (), s.var)._replace(flushes=s.flushes - 1, backup=s.ops)
    if s.undos and s.backup:
        # By hand, with a restart: an older file put back, or the flush cut out of the file.
        for ops, how in ((s.backup, "an older file"), ((*s.backup, *s.ops), "all but the flush")):
            undone = lose(s, ops, 0)._replace(undos=s.undos - 1, backup=())
            yield f"the flush is undone {where}: {how}", undone
            if not s.ops:
                break
    if s.damage:
        for at, op in enumerate(s.ops):
            if isinstance(op, tuple) and not op[2] & DAMAGED and op[:2] > s.offset:
                hurt = (*s.ops[:at], (*op[:2], op[2] | DAMAGED), *s.ops[at + 1 :])
                yield f"entry {op[0]}-{op[1]} is damaged", s._replace(ops=hurt, damage=s.damage - 1)


def _processes(s: State) -> Steps:
    for at, f in enumerate(s.fronts):
        if s.deaths and f.phase != BLOCKED:
            phase = f"{PHASES[f.phase]}, appending" if f.sending and f.phase != AGAIN else PHASES[f.phase]
            after = put(s, at, None)._replace(deaths=s.deaths - 1)
            yield f"front {f.instance} dies, {'confirmed' if f.confirmed else phase}", after
    if s.starts and any(f.instance == s.newest for f in s.fronts):
        start = s._replace(newest=s.newest + 1, fronts=(*s.fronts, started(s)))
        yield f"front {s.newest + 1} is started beside the old one", start._replace(starts=s.starts - 1)
    if s.control and s.op:
        yield f"control dies, epoch: {OP_STAGES[s.op[2]]}", s._replace(op=(), control=s.control - 1)
    if s.control and s.closing:
        yield "control dies, the close read", s._replace(closing=(), control=s.control - 1)


def _late(s: State, c: Config) -> Steps:
    """A copy that changes nothing costs nothing, and is counted all the same."""
    for entry in s.sent if s.late else ():
        verdict, ops = store.append(s.ops, s.var, entry, c.rules)
        what = f"a late copy of append {entry[0]}-{entry[1]}"
        if ops is s.ops:
            yield f"{what}: {verdict}", s
        else:
            yield f"{what} is stored", s._replace(ops=ops, vanished=s.vanished & ~entry[2], late=s.late - 1)
    for at, epoch in enumerate(s.raises):
        raised = store.raise_fence(s.ops, s.var, epoch)
        rest = s._replace(raises=(*s.raises[:at], *s.raises[at + 1 :]))
        if raised is None:
            yield f"a late message of fence {epoch}: STALE", rest
        else:
            yield f"a late message raises fence {epoch}", rest._replace(ops=raised[0], var=raised[1])


def _madness(s: State) -> Steps:
    if s.poison:
        for at, f in enumerate(s.fronts):
            if f.sending and not f.sending & BAD:
                mad = f._replace(sending=f.sending | BAD)
                yield (
                    f"front {f.instance} works wrongly: a wrong amount, twice",
                    put(s, at, mad)._replace(poison=s.poison - 1),
                )
