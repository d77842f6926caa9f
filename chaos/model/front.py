"""Steps of a front's instance: rebuild, award, append, tail, close. Mirrors system/front/{stream,rebuild,rounds}.py.

Owns an instance's memory. Trusts no answer but OK, and never chooses between two wins of one user.
"""

from __future__ import annotations

from collections.abc import Iterator

from chaos.model import store
from chaos.model.state import (
    AGAIN,
    ARMED,
    ASK,
    BLOCKED,
    CLOSED,
    DAMAGED,
    LEDGER,
    READ,
    READY,
    WINS,
    Config,
    Front,
    State,
    bits,
    kept,
    packets_in,
)

Steps = Iterator[tuple[str, State]]


def steps(s: State, c: Config) -> Steps:
    """All next steps of an instance."""
    for at, f in enumerate(s.fronts):
        who = f"front {f.instance}"
        if f.instance < s.newest and c.rules.superseded:
            yield f"{who} hears that it is superseded, stops", put(s, at, None)
        if f.heard < s.round:
            yield from _hear(s, c, at, f)
        if f.sending:
            yield from _deliver(s, c, at, f)
        if f.phase == ASK and not c.rules.stream_first and not f.seen:
            # The ledger first, and the stream only once there is an epoch to read it under.
            yield f"{who} reads the ledger", put(s, at, f._replace(seen=(ledger_now(s),)))
        elif f.phase in (READ, LEDGER):
            yield from _rebuild(s, c, at, f)
        elif f.phase == READY:
            yield from _award(s, c, at, f)
            yield from _lease(s, c, at, f)
            yield from _tail(s, c, at, f)
            yield from _confirm(s, c, at, f)


def put(s: State, at: int, f: Front | None) -> State:
    """The state with the instance at that place changed, or gone."""
    return s._replace(fronts=(*s.fronts[:at], *((f,) if f is not None else ()), *s.fronts[at + 1 :]))


def lose_epoch(f: Front) -> Front:
    """NewEpoch: nothing held, nothing on its way; pending wins wait for the rebuild."""
    return Front(f.instance, settled=f.settled, pending=f.pending, heard=f.heard, known=f.known)


def pump(s: State, c: Config, at: int, f: Front) -> State:
    """The next entry (wins of one lease) out of the queue, if none is on its way. Ready once nothing is missing."""
    if not f.sending:
        if f.queue:
            lease = _lease_of(f.queue[0], c)
            batch, rest = 0, list(f.queue)
            while rest and _lease_of(rest[0], c) == lease:
                batch |= rest.pop(0)
            f = f._replace(queue=tuple(rest), sending=batch, seq=f.seq + 1)
        elif f.phase == AGAIN:
            f = f._replace(phase=READY)
    return put(s, at, f)


def _lease_of(win: int, c: Config) -> int:
    return (packets_in(win, c).bit_length() - 1) // c.lease


def _hear(s: State, c: Config, at: int, f: Front) -> Steps:
    if s.round != CLOSED:
        yield f"front {f.instance} hears that the round is closing", put(s, at, f._replace(heard=s.round))
        return
    # The closed ledger decides what is pending; without the rule all of it is called not awarded.
    won = kept(s, c)
    refused = f.pending & ~won if c.rules.closed_ledger else f.pending
    broken = s.broken | {"S9"} if refused & won else s.broken
    yield f"front {f.instance} hears that the round is closed, settles", put(s, at, None)._replace(broken=broken)


def _deliver(s: State, c: Config, at: int, f: Front) -> Steps:
    """Sent again and again until there is an answer; each time the store acts, whether or not the answer arrives."""
    entry = (f.epoch, f.seq, f.sending)
    verdict, ops = store.append(s.ops, s.var, entry, c.rules)
    after = s if ops is s.ops else s._replace(ops=ops, vanished=s.vanished & ~f.sending)
    if s.late and entry not in after.sent:
        after = after._replace(sent=tuple(sorted({*after.sent, entry})))
    what = f"front {f.instance}'s append {f.epoch}-{f.seq}"
    if ops is not s.ops:
        yield f"{what} is stored, its answer is lost", after
    if verdict != store.OK:
        yield f"{what}: {verdict}", put(after, at, lose_epoch(f))
        return
    wins = f.sending & WINS
    done = f._replace(settled=f.settled | wins, pending=f.pending & ~wins, sending=0, acked=(f.epoch, f.seq))
    yield f"{what}: OK", pump(after, c, at, done)


def _rebuild(s: State, c: Config, at: int, f: Front) -> Steps:
    """Stream under the fence, then the ledger."""
    who = f"front {f.instance}"
    if f.phase == LEDGER:
        yield f"{who} reads the ledger, rebuilds", _union(s, c, at, f, f.seen, ledger_now(s))
    elif c.rules.fenced_read and not store.accepted(s.ops, s.var, f.epoch, c.rules):
        yield f"{who} reads its stream: FENCED", put(s, at, lose_epoch(f))
    elif c.rules.stream_first:
        yield f"{who} reads its stream", put(s, at, f._replace(phase=LEDGER, seen=store.entries(s.ops)))
    else:
        yield f"{who} reads its stream, rebuilds", _union(s, c, at, f, store.entries(s.ops), f.seen[0])


def ledger_now(s: State) -> tuple[int, ...]:
    """What the ledger holds of the stream, and how far credit has come."""
    return (s.posted | s.suspended, *s.offset)


def _union(
    s: State, c: Config, at: int, f: Front, stream: tuple[tuple[int, ...], ...], ledger: tuple[int, ...]
) -> State:
    """Winners = memory ∪ stream ∪ ledger; missing = neither in the ledger nor in the stream behind the offset."""
    in_ledger, offset = (ledger[0], ledger[1:]) if c.rules.ledger_read else (0, (0, 0))
    winners, waiting = f.wins | in_ledger, 0
    for entry in stream:
        behind = entry[:2] > offset
        if entry[2] & DAMAGED:
            if behind or not c.rules.old_damage:
                return put(s, at, lose_epoch(f)._replace(phase=BLOCKED))
            continue
        wins = entry[2] & WINS
        winners |= wins
        if behind or not c.rules.behind_offset:
            waiting |= wins
    if c.users_clash[winners]:
        # An older instance may have lost touch: it is superseded. Data that came back is for a person to judge.
        broken = s.broken if winners & s.back or f.instance < s.newest else s.broken | {"S3"}
        return put(s, at, lose_epoch(f)._replace(phase=BLOCKED))._replace(broken=broken)
    missing = winners & ~waiting & ~in_ledger if c.rules.append_again else 0
    known = f._replace(
        phase=AGAIN,
        seen=(),
        settled=f.settled | (winners & ~missing),
        pending=missing & ~f.settled,
        queue=tuple(sorted(bits(missing), key=lambda win: (packets_in(win, c), win))),
        acked=(stream[-1][0], stream[-1][1]) if stream else (0, 0),
        known=True,
    )
    return pump(s, c, at, known)


def _award(s: State, c: Config, at: int, f: Front) -> Steps:
    if (f.heard != ARMED and (c.rules.stops or not f.confirmed)) or (f.confirmed and c.rules.stops):
        return
    packet, after = (f.held[0], s) if f.held else (-1, s)
    top = f.top
    if packet < 0 and not c.fine:
        granted = _grant(s, c, f)
        if granted is None:
            return
        after, held = granted
        f, top = f._replace(held=held, top=f.top + 1), f.top + 1
        packet = held[0]
    if packet < 0:
        return
    fresh = True
    for user in range(c.users):
        mine = c.users_of[user]
        if mine & (f.settled if not c.rules.reservation else f.wins):
            continue
        if not mine & s.awarded:
            # Users for whom nothing was drawn are interchangeable: the first stands for all.
            if not fresh:
                continue
            fresh = False
        win = mine & c.packets_of[packet]
        broken = after.broken | {"S12"} if packets_in(s.awarded, c) >> packet & 1 else after.broken
        told = f._replace(held=f.held[1:], top=top, pending=f.pending | win, queue=(*f.queue, win))
        yield (
            f"front {f.instance} awards packet {packet} to user {user}",
            pump(after._replace(awarded=s.awarded | win, broken=broken), c, at, told),
        )


def _grant(s: State, c: Config, f: Front) -> tuple[State, tuple[int, ...]] | None:
    """Control's transaction: the lease of that number; the same again when asked again."""
    if f.instance < s.newest and c.rules.superseded:
        return None
    if s.round != ARMED or f.epoch != s.granted or s.granted != s.epoch:
        return None
    number = f.top  # counted from 0 here
    if number < len(s.leases):
        lo = s.leases[number]
        return s, tuple(range(lo, min(c.packets, lo + c.lease)))
    lo, hi = s.next_packet, min(c.packets, s.next_packet + c.lease)
    if lo >= hi:
        return None
    mask = ((1 << hi) - 1) & ~((1 << lo) - 1)
    broken = s.broken | {"S12"} if s.leased & mask else s.broken
    after = s._replace(next_packet=hi, leases=(*s.leases, lo), leased=s.leased | mask, broken=broken)
    return after, tuple(range(lo, hi))


def _lease(s: State, c: Config, at: int, f: Front) -> Steps:
    if s.late and f.top and f.heard == ARMED:
        yield from _lease_again(s, c, at, f)
    granted = _grant(s, c, f) if c.fine and not f.held and f.heard == ARMED else None
    if granted is None:
        return
    after, held = granted
    yield f"front {f.instance} takes lease {f.top + 1}", put(after, at, f._replace(top=f.top + 1, held=held))
    if after is not s and s.late:
        yield f"front {f.instance}'s lease {f.top + 1} is granted, its answer is lost", after._replace(late=s.late - 1)


def _lease_again(s: State, c: Config, at: int, f: Front) -> Steps:
    """The answer comes a second time."""
    what = f"lease {f.top}'s answer comes again"
    if c.rules.number_once or len(s.leases) < f.top:
        yield f"{what}: refused", s
    elif len(f.held) < c.lease:
        lo = s.leases[f.top - 1]
        held = tuple(range(lo, min(c.packets, lo + c.lease)))
        yield f"{what}: taken", put(s, at, f._replace(held=(*f.held, *held)))._replace(late=s.late - 1)


def _tail(s: State, c: Config, at: int, f: Front) -> Steps:
    """Once a second: is what was acknowledged still there, under this fence?"""
    if not c.rules.tail:
        return
    lost = not store.accepted(s.ops, s.var, f.epoch, c.rules)
    if lost or not f.acked <= store.last(s.ops) <= (f.epoch, f.seq):
        why = "FENCED" if lost else "shorter than acknowledged"
        yield f"front {f.instance} looks at its stream's end: {why}", put(s, at, lose_epoch(f))


def _confirm(s: State, c: Config, at: int, f: Front) -> Steps:
    if f.heard != 1 or f.confirmed or f.pending or f.queue or f.sending:
        return
    if f.instance < s.newest and c.rules.superseded:
        return
    if s.round == CLOSED or f.epoch != s.granted or s.granted != s.epoch:
        return
    # Safe to repeat; a stream does not get shorter within an epoch, and each epoch begins unconfirmed.
    said = s._replace(confirmed=(f.instance, f.epoch, f.seq))
    yield f"front {f.instance} confirms {f.epoch}-{f.seq}", put(said, at, f._replace(confirmed=True))
    if s.late and said != s:
        yield f"front {f.instance}'s confirmation is taken, the answer is lost", said._replace(late=s.late - 1)
