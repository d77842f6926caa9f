"""S2, S4, S6, S9, S10, S11 and the amounts shown: the answers of the run against the content of the stores. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from system.audit.books import Books
from system.audit.judging import Judge
from system.audit.matching import NONE, Match, true_fen
from system.contract.history import NO_PACKET, Kind, Outcome

Ops = npt.NDArray[np.void]
Bools = npt.NDArray[np.bool_]
PROBES = (Kind.FORGED, Kind.EXPIRED, Kind.FOREIGN, Kind.REPLAYED)
_SHOWN = (Outcome.WIN, Outcome.REPEAT)
_MAY_AWARD = (Outcome.WIN, Outcome.PENDING, Outcome.UNKNOWN)


def samples(judge: Judge, rows: npt.NDArray[np.void], none: Sequence[str] = ()) -> None:
    """S2: credited ≤ awarded ≤ budget in every sample. `none`: why other readings are no samples; they prove
    nothing.
    """
    judge.look(len(rows))
    if none:
        judge.figure(samples=len(rows), looks_without_a_sample=len(none))
    if none and not len(rows):
        judge.doubt(f"no sample in {len(none)} looks: {none[0]}")
    credited, awarded, budget = rows["credited_fen"], rows["awarded_fen"], rows["budget_fen"]
    wrong = np.flatnonzero((credited > awarded) | (awarded > budget))
    if len(wrong):
        row = rows[wrong[0]]
        over = np.maximum(credited - awarded, awarded - budget)[wrong]
        judge.broken(
            f"sample at {row['t_ns']} ns: credited {row['credited_fen']}, awarded {row['awarded_fen']}, "
            f"budget {row['budget_fen']} fen",
            len(wrong),
            int(over.max()),
        )


def probes(judge: Judge, ops: Ops) -> None:
    """S11: no probe with a bad token won anything."""
    tried = ops[np.isin(ops["kind"], PROBES)]
    judge.look(len(tried))
    judge.figure(**{kind.name.lower(): int((tried["kind"] == kind).sum()) for kind in PROBES})
    won = tried[np.isin(tried["outcome"], (*_SHOWN, Outcome.PENDING))]
    if len(won):
        row = won[0]
        kind, outcome = Kind(row["kind"]).name.lower(), Outcome(row["outcome"]).name.lower()
        judge.broken(f"{kind} token of user {row['uid']}, round {row['round']}: {outcome}", len(won))


def of_round(judges: Mapping[str, Judge], books: Books, matched: Match, ops: Ops) -> None:
    """Everything that joins the operations of one round with its books."""
    # The answer to a probe is S11's business. It says nothing about the user whose name the probe used.
    chosen = ~np.isin(ops["kind"], PROBES)
    # Nearly all operations are lost taps of users who were never shown a win: nothing is asked of them.
    lost = chosen & (ops["outcome"] == Outcome.LOSE)
    winners = _users(ops, chosen & np.isin(ops["outcome"], _SHOWN) & (ops["packet"] != NO_PACKET))
    chosen[lost] = np.isin(ops["uid"][lost], winners)
    ops = ops[chosen]
    ops = ops[np.lexsort((ops["sent_ns"], ops["uid"]))]
    _shown_is_posted(judges["S4"], judges["S7"], books, matched, ops)
    _posted_has_cause(judges["S6"], judges["S9"], books, ops)
    _answers_stay(judges["S10"], books, ops)


def of_no_round(s4: Judge, lane: str, ops: Ops) -> None:
    """Operations on rounds that the lane does not have: nobody can have won there."""
    shown = _shown(ops)
    if len(shown):
        s4.look(len(shown))
        row = shown[0]
        what = f"user {row['uid']} was shown award {row['round']}-{row['packet']}, but lane {lane} has no such round"
        s4.broken(what, len(shown), int(shown["fen"].sum()))


def _shown(ops: Ops) -> Ops:
    shown: Ops = ops[np.isin(ops["outcome"], _SHOWN) & (ops["packet"] != NO_PACKET)]
    return shown


def _shown_is_posted(s4: Judge, s7: Judge, books: Books, matched: Match, ops: Ops) -> None:
    """Each distinct award shown is in the ledger in that user's name, posted or held in suspense, with that amount."""
    shown = _shown(ops)
    shown = shown[np.lexsort((shown["fen"], shown["uid"], shown["packet"]))]
    keep = np.ones(len(shown), dtype=np.bool_)
    for name in ("packet", "uid", "fen"):
        keep[1:] &= shown[name][1:] == shown[name][:-1]
    keep[1:] = ~keep[1:]
    shown = shown[keep]
    at = find(matched, shown["packet"].astype(np.int64), shown["uid"])
    there = at != NONE
    posted = there & (matched.posted[at] > 0) if len(matched.packet) else there
    held = there & ~posted & (matched.held[at] > 0) if len(matched.packet) else there
    s4.look(len(shown))
    if held.any():
        s4.figure(held_in_suspense=int(held.sum()))
    s7.look(len(shown))
    waits = there & ~posted
    if not books.closed and len(matched.packet):
        waits &= (matched.waiting[at] > 0) & (matched.suspended[at] == 0)
    else:
        waits[:] = False
    missing = np.flatnonzero(~posted & ~held & ~waits)
    if len(missing):
        row = shown[missing[0]]
        s4.broken(f"{books.name(row['packet'], row['uid'])}, {row['fen']} fen: acknowledged, not in the ledger",
                  len(missing), int(shown["fen"][missing].sum()))  # fmt: skip
    if waits.any():
        row = shown[np.flatnonzero(waits)[0]]
        s4.doubt(
            f"{books.name(row['packet'], row['uid'])}: acknowledged and logged, not credited yet", int(waits.sum())
        )
    _, fen = true_fen(books, shown["packet"].astype(np.int64))
    if posted.any():
        fen[posted] = books.postings["fen"][matched.posting[at[posted]]]
    wrong = np.flatnonzero(shown["fen"] != fen)
    if len(wrong):
        row = shown[wrong[0]]
        s7.broken(f"{books.name(row['packet'], row['uid'])}: {row['fen']} fen shown, {fen[wrong[0]]} due",
                  len(wrong), int(np.abs(shown["fen"].astype(np.int64) - fen)[wrong].sum()))  # fmt: skip


def find(matched: Match, packet: npt.NDArray[np.int64], uid: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """The row of each (packet, uid) in the match, or NONE."""
    found = np.full(len(packet), NONE, dtype=np.int64)
    if not len(matched.packet):
        return found
    at = np.searchsorted(matched.packet, packet, side="left")
    # A packet rarely has more than one user; walk on while the packet is right and the user is not.
    for _ in range(64):
        inside = np.minimum(at, len(matched.packet) - 1)
        same = (at < len(matched.packet)) & (matched.packet[inside] == packet) & (found == NONE)
        hit = same & (matched.uid[inside] == uid)
        found[hit] = at[hit]
        if not (same & ~hit).any():
            break
        at = at + 1
    return found


def _users(ops: Ops, chosen: Bools) -> npt.NDArray[np.uint64]:
    return np.unique(ops["uid"][chosen])


def _posted_has_cause(s6: Judge, s9: Judge, books: Books, ops: Ops) -> None:
    """S6: every posting has a tap answered *won* or *pending*, or with an unknown outcome. S9: a user who was only
    refused has no posting.
    """
    postings = books.postings
    s6.look(len(postings))
    outcome = ops["outcome"]
    answered = _users(ops, np.isin(outcome, (*_MAY_AWARD, Outcome.REPEAT)))
    refused = _users(ops, outcome == Outcome.REFUSED)
    caused = _users(ops, np.isin(outcome, _MAY_AWARD))
    s9.look(int((outcome == Outcome.REFUSED).sum()))
    nobody = np.flatnonzero(~np.isin(postings["uid"], answered))
    if len(nobody):
        row = postings[nobody[0]]
        s6.broken(f"posting of {books.name(row['packet'], row['uid'])}, {row['fen']} fen: nobody was told of a win, "
                  "nor left in doubt", len(nobody), int(postings["fen"][nobody].sum()))  # fmt: skip
    left = np.flatnonzero(np.isin(postings["uid"], refused) & ~np.isin(postings["uid"], caused))
    if len(left):
        row = postings[left[0]]
        mine = ops[(ops["uid"] == row["uid"]) & (outcome == Outcome.REFUSED)]
        s9.broken(f"posting of {books.name(row['packet'], row['uid'])}, {row['fen']} fen: its operations were refused "
                  f"({mine['http'][0]}), none could award it", len(left), int(postings["fen"][left].sum()))  # fmt: skip


def _answers_stay(s10: Judge, books: Books, ops: Ops) -> None:
    """Every win shown to a user is the same; after it, no tap of that user is answered *lost*."""
    shown = _shown(ops)
    s10.look(len(shown))
    if not len(shown):
        return
    users, first = np.unique(shown["uid"], return_index=True)
    base = first[np.searchsorted(users, shown["uid"])]
    differs = np.flatnonzero((shown["packet"] != shown["packet"][base]) | (shown["fen"] != shown["fen"][base]))
    if len(differs):
        one, two = shown[base[differs[0]]], shown[differs[0]]
        s10.broken(f"user {two['uid']}: told {books.round_id}-{one['packet']} of {one['fen']} fen, then "
                   f"{books.round_id}-{two['packet']} of {two['fen']} fen", len(differs))  # fmt: skip
    settled = np.full(len(users), np.iinfo(np.int64).max)
    np.minimum.at(settled, np.searchsorted(users, shown["uid"]), shown["done_ns"])
    lost = ops[(ops["outcome"] == Outcome.LOSE) & np.isin(ops["uid"], users)]
    late = np.flatnonzero(lost["sent_ns"] > settled[np.searchsorted(users, lost["uid"])])
    if len(late):
        row = lost[late[0]]
        s10.broken(f"user {row['uid']}, round {books.round_id}: told of a win, later told to have lost", len(late))
