"""Steps of control: an epoch (number, fence, granted, answer), the close. As in system/control/{epochs,closing}.py.

Owns PostgreSQL's rows of rounds and streams. Older instances are refused, and no number is raised twice.
"""

from __future__ import annotations

from chaos.model import store
from chaos.model.front import Steps, put
from chaos.model.state import ARMED, ASK, CLOSED, CLOSING, GRANTED, READ, TAKEN, Config, Id, State


def steps(s: State, c: Config) -> Steps:
    """Everything control may do next."""
    if s.op:
        yield from _epoch(s, c)
    elif s.round != CLOSED:
        for f in s.fronts:
            if f.phase != ASK or (not c.rules.stream_first and not f.seen):
                continue
            if f.instance == s.newest or not c.rules.superseded:
                yield f"control takes epoch {s.epoch + 1} for front {f.instance}", _take(s, c, f.instance)
    if s.round == ARMED and s.granted:
        yield "the round ends: closing", s._replace(round=CLOSING)
    if s.round == CLOSING:
        yield from _close(s, c)


def _take(s: State, c: Config, instance: int) -> State:
    """Number taken, older leases abandoned, confirmation cancelled: one transaction."""
    after = s._replace(epoch=s.epoch + 1, op=(instance, s.epoch + 1, TAKEN), leases=())
    if c.rules.still_granted:
        after = after._replace(confirmed=())
    if not c.rules.abandoned and s.leases:
        after = after._replace(next_packet=s.leases[0])
    return after


def _epoch(s: State, c: Config) -> Steps:
    """taken → fence raised → granted → answered. Without a rule, the two steps it orders change places."""
    instance, epoch, stage = s.op
    order = ("raise", "grant", "answer")
    if not c.rules.fence_first:
        order = ("grant", "raise", "answer")
    elif not c.rules.granted_first:
        order = ("raise", "answer", "grant")
    what = order[stage]
    following = (instance, epoch, stage + 1) if stage < GRANTED else ()
    if what == "raise":
        yield from _raise(s, c, epoch, following)
    elif what == "grant":
        if instance < s.newest and c.rules.superseded:
            yield f"epoch {epoch} is not granted: front {instance} is superseded", s._replace(op=())
        elif s.round == CLOSED:
            yield f"epoch {epoch} is not granted: the round is closed", s._replace(op=())
        else:
            yield f"epoch {epoch} is granted", s._replace(granted=epoch, op=following)
    else:
        yield from _answer(s, c, instance, epoch, following)


def _raise(s: State, c: Config, epoch: int, following: tuple[int, ...]) -> Steps:
    raised = store.raise_fence(s.ops, s.var, epoch)
    if raised is None:
        # Without `one_raise` the first copy of this very number may have arrived: that is taken for its answer.
        known = store.key(s.ops) == epoch == s.var and not c.rules.one_raise
        yield f"fence {epoch}: STALE", s._replace(op=following if known else ())
        return
    ops, var = raised
    yield f"fence {epoch} is raised", s._replace(ops=ops, var=var, op=following)
    if s.late:
        spent = s._replace(late=s.late - 1)
        # No answer: this number is spent, the front is given the next; without the rule the same is sent again.
        op = () if c.rules.one_raise else s.op
        yield f"fence {epoch} is raised, the answer is lost", spent._replace(ops=ops, var=var, op=op)
        yield f"fence {epoch}: no answer, the message is on its way", spent._replace(raises=(*s.raises, epoch), op=op)


def _answer(s: State, c: Config, instance: int, epoch: int, following: tuple[int, ...]) -> Steps:
    after = s._replace(op=following)
    for at, f in enumerate(s.fronts):
        if f.instance == instance and f.phase == ASK:
            yield f"front {instance} is given epoch {epoch}", put(after, at, f._replace(phase=READ, epoch=epoch))
            if s.late:
                yield f"epoch {epoch}'s answer is lost", after._replace(late=s.late - 1)
            return
    yield f"nobody waits for epoch {epoch}", after


def _close(s: State, c: Config) -> Steps:
    if not s.closing:
        end = _end(s, c)
        if end is not None and (s.offset >= end or not c.rules.reached):
            yield "the close reads: all confirmed, credit is there", s._replace(closing=(*s.confirmed, *end))
        return
    confirmed, reach = s.closing[:-2], s.closing[-2:]
    if _valid(s, c) and confirmed == s.confirmed and (s.offset >= reach or not c.rules.reached):
        yield "the close commits", s._replace(round=CLOSED, closing=())
    else:
        yield "the close is refused: confirmed again, or no more", s._replace(closing=())


def _valid(s: State, c: Config) -> bool:
    """The newest instance's confirmation, for the epoch that is granted."""
    if not c.rules.confirmation:
        return True
    if not s.confirmed:
        return False
    return not c.rules.still_granted or (
        (s.confirmed[0] == s.newest or not c.rules.superseded) and s.confirmed[1] == s.granted == s.epoch
    )


def _end(s: State, c: Config) -> Id | None:
    """How far credit must have come; None while it cannot be known."""
    if not _valid(s, c):
        return None
    if not s.confirmed:
        return (0, 0)
    _, epoch, sequence = s.confirmed
    if sequence == 0 and s.offset < (epoch, 0) and c.rules.empty_epoch:
        # Nothing appended in this epoch: older entries count. Read under its fence, which proves that none was lost.
        return store.last(s.ops) if store.accepted(s.ops, s.var, epoch, c.rules) else None
    return (epoch, sequence) if sequence else (0, 0)
