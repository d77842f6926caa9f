"""Steps of the credit workers: ledger, stream, one transaction. As in system/credit/{worker,reading,post}.py.

Owns postings, suspense, bitmaps and the offset. Stops at a gap or damage; refuses a batch whose offset or epoch moved.
"""

from __future__ import annotations

from chaos.model import store
from chaos.model.front import Steps
from chaos.model.state import BAD, CLOSED, DAMAGED, WINS, Config, Entry, Id, State, bits, packets_in

Worker = tuple[object, ...]
"""() between passes; (offset, granted) the ledger read; (offset, granted, entries) the stream read, too."""


def steps(s: State, c: Config) -> Steps:
    """All next steps of the workers, and where they may die. Workers are interchangeable: of equal ones only one
    moves.
    """
    if s.round == CLOSED and c.rules.closed_refuses:
        return
    moved: set[Worker] = set()
    for at, w in enumerate(s.workers):
        if w in moved:
            continue
        moved.add(w)
        if not w:
            # A reading before that, with nothing behind the offset, would give the same, or be refused.
            if s.granted and s.round != CLOSED and behind(s, s.offset, c):
                yield "credit reads the ledger", _put(s, at, (s.offset, s.granted))
            continue
        if len(w) == 2:
            found = behind(s, w[0], c)  # type: ignore[arg-type]
            yield "credit reads the stream", _put(s, at, (*w, found) if found else ())
            if len(found) > 1:
                yield "credit reads one entry of the stream", _put(s, at, (*w, found[:1]))
            yield "credit dies, the ledger read", _put(s, at, ())
            continue
        yield from _commit(s, c, at, w)
        yield "credit dies, the stream read", _put(s, at, ())
    yield from _set_aside(s, c)


def _put(s: State, at: int, worker: Worker) -> State:
    return s._replace(workers=tuple(sorted((*s.workers[:at], worker, *s.workers[at + 1 :]), key=repr)))


def forget_stale(s: State, c: Config) -> State:
    """A worker whose batch will certainly be refused counts as one that reads again: offset and epoch only grow."""
    if not (c.rules.offset and c.rules.granted):
        return s
    here = (s.offset, s.granted)
    for w in s.workers:
        if w and w[:2] != here:
            break
    else:
        return s
    return s._replace(workers=tuple(sorted((w if w[:2] == here else () for w in s.workers), key=repr)))


def behind(s: State, offset: Id, c: Config) -> tuple[Entry, ...]:
    """What follows without a gap, and is sound."""
    out: list[Entry] = []
    at = offset
    for entry in store.entries(s.ops):
        if entry[:2] <= offset:
            continue
        if entry[2] & DAMAGED or (c.rules.no_gaps and not _follows(at, entry)):
            break
        out.append(entry)
        at = entry[:2]
    return tuple(out)


def _follows(at: Id, entry: Entry) -> bool:
    return entry[:2] == (at[0], at[1] + 1) or (entry[0] > at[0] and entry[1] == 1)


def _commit(s: State, c: Config, at: int, w: Worker) -> Steps:
    offset, granted, batch = w
    assert isinstance(batch, tuple)
    if (offset != s.offset and c.rules.offset) or (granted != s.granted and c.rules.granted):
        yield "credit's batch is refused", _put(s, at, ())
        return
    after = s
    for entry in batch:
        after = _post(after, c, entry)
    after = forget_stale(_put(after, at, ())._replace(offset=max(batch[-1][:2], s.offset)), c)
    upto = f"{batch[-1][0]}-{batch[-1][1]}"
    yield f"credit commits up to {upto}", after
    # The connection is dropped and the offset read again: the worker stands where it stood after the answer.
    yield f"credit commits up to {upto}, the answer is lost", after


def _post(s: State, c: Config, entry: Entry) -> State:
    for win in bits(entry[2] & WINS):
        packet = packets_in(win, c)
        for bad in (True, True) if entry[2] & BAD else (False,):
            free = not s.used & packet or not c.rules.bitmap
            if bad:
                if not free:
                    s = s._replace(suspended=s.suspended | win)
                    continue
                broken = s.broken | {"S1"} if s.held & packet else s.broken
                used = s.used | packet if c.rules.held_bit else s.used
                s = s._replace(suspended=s.suspended | win, held=s.held | packet, used=used, broken=broken)
            elif free:
                broken = s.broken | {"S5"} if s.posted & win else s.broken
                s = s._replace(posted=s.posted | win, used=s.used | packet, broken=broken)
            elif not s.posted & win:
                s = s._replace(suspended=s.suspended | win)
    return s


def _set_aside(s: State, c: Config) -> Steps:
    """By hand: the damaged entry credit stopped at is held in suspense, as far as it can be read."""
    if s.round == CLOSED or behind(s, s.offset, c):
        return
    for entry in store.entries(s.ops):
        if entry[:2] > s.offset:
            if entry[2] & DAMAGED and _follows(s.offset, entry):
                after = s
                for win in bits(entry[2] & WINS & ~s.posted):
                    packet = packets_in(win, c)
                    if not s.used & packet:
                        after = after._replace(
                            suspended=after.suspended | win, held=after.held | packet, used=after.used | packet
                        )
                yield f"entry {entry[0]}-{entry[1]} is set aside", forget_stale(after._replace(offset=entry[:2]), c)
            return
