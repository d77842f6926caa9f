"""The scenarios: those that are exhausted, the larger ones that are walked, and one for each rule taken out.

Owns sizes and budgets, and the list of crash points.
"""

from __future__ import annotations

from typing import Final

from chaos.model.scenario import READY, Scenario

EXHAUSTED: Final = (
    Scenario("three packets, two a lease, Valkey dies", packets=3, lease=2, fine=True, crashes=1),
    Scenario("a damaged entry, the front dies", damage=1, deaths=1),
    Scenario("a front that works wrongly, Valkey dies", poison=1, crashes=1),
    Scenario("a damaged entry, Valkey dies", damage=1, crashes=1),
    Scenario("Valkey dies twice", crashes=2),
    Scenario("Valkey and the front die", crashes=1, deaths=1),
    Scenario("two instances, Valkey dies", users=1, crashes=1, starts=1),
    Scenario("two instances, late and repeated messages", starts=1, late=1),
    Scenario("two credit workers, Valkey and the front die", workers=2, crashes=1, deaths=1),
    Scenario("leases step by step; control and Valkey die, answers are lost", fine=True, control=1, crashes=1, late=1),
    Scenario("flush, undone, the front dies", flushes=1, undos=1, deaths=1),
    Scenario("start: control dies, Valkey dies, answers are lost", late=1, control=1, crashes=1, prefix=()),
    Scenario("flush, undone, two instances", users=1, flushes=1, undos=1, starts=1),
)
"""Every interleaving of each, to the end."""

BEYOND: Final = (
    Scenario("two instances, two users, Valkey dies", crashes=1, starts=1),
    Scenario("everything at once", crashes=1, deaths=1, starts=1, flushes=1, undos=1, late=1, control=1, workers=2),
)
"""Too large to end: explored as far as the number of states asked for allows."""

WALKED: Final = (
    Scenario("walk: three users, four packets", users=3, packets=4, lease=2, fine=True, workers=2, crashes=2,
             deaths=1, starts=2, flushes=1, undos=1, control=2, late=3, prefix=()),
    Scenario("walk: damage and poison", users=3, packets=3, workers=2, crashes=1, deaths=2, starts=1, late=2,
             poison=1, damage=1, prefix=()),
)  # fmt: skip

WEIGHTS: Final = {
    "the round ends: closing": 0.05,
    "front N hears that it is superseded, stops": 0.1,
    "front N is started beside the old one": 0.3,
}
"""Steps a walk takes more seldom than others, or it would be over before anything happened."""

_LATE_RAISE: Final = (*READY[:2], "fence 1: no answer, the message is on its way", *READY[2:])
_LEDGER_FIRST: Final = (READY[0], "front 1 reads the ledger", *READY[1:5], "front 1 reads its stream, rebuilds")

WITHOUT: Final = {
    "fence": Scenario("fence", starts=1),
    "superseded": Scenario("superseded", users=1, starts=1, crashes=1),
    "life": Scenario("life", users=1, starts=1, crashes=1),
    "fenced_read": Scenario("fenced_read", deaths=1, crashes=1),
    "ledger_read": Scenario("ledger_read", deaths=1, crashes=1),
    "granted": Scenario("granted", deaths=1, crashes=1),
    "fence_first": Scenario("fence_first", users=1, starts=1, flushes=1),
    "granted_first": Scenario("granted_first", users=1, starts=1, flushes=1),
    "one_raise": Scenario("one_raise", users=1, starts=1, crashes=1, late=1, prefix=_LATE_RAISE),
    "offset": Scenario("offset", workers=2),
    "reservation": Scenario("reservation", users=1),
    "after_ok": Scenario("after_ok", deaths=1),
    "confirmation": Scenario("confirmation"),
    "still_granted": Scenario("still_granted", crashes=1),
    "reached": Scenario("reached"),
    "stops": Scenario("stops", lease=2),
    "append_again": Scenario("append_again", crashes=1),
    "stream_first": Scenario("stream_first", flushes=1, undos=1, prefix=_LEDGER_FIRST),
    "behind_offset": Scenario("behind_offset", flushes=1, undos=1),
    "abandoned": Scenario("abandoned", deaths=1),
    "number_once": Scenario("number_once", late=1),
    "held_bit": Scenario("held_bit", poison=1),
    "closed_ledger": Scenario("closed_ledger", starts=1),
    "tail": Scenario("tail", crashes=1),
    "empty_epoch": Scenario("empty_epoch", crashes=1),
    "old_damage": Scenario("old_damage", damage=1, deaths=1),
}
"""For each rule the smallest instance in which its absence shows."""

ALSO_WITHOUT: Final = {"offset": ("bitmap",)}
"""Tripwires that would hide the absence of a rule."""

CRASH_POINTS: Final = (
    "Valkey dies at rest, loses nothing",
    "Valkey dies at rest, loses its last N writes",
    "Valkey dies during an append, loses nothing",
    "Valkey dies during an append, loses its last N writes",
    "Valkey dies during a rebuild, loses nothing",
    "Valkey dies during a rebuild, loses its last N writes",
    "Valkey dies after a confirmation, loses nothing",
    "Valkey dies after a confirmation, loses its last N writes",
    "Valkey is flushed at rest",
    "Valkey is flushed during an append",
    "Valkey is flushed during a rebuild",
    "Valkey is flushed after a confirmation",
    "the flush is undone at rest: an older file",
    "the flush is undone at rest: all but the flush",
    "the flush is undone during an append: an older file",
    "the flush is undone during a rebuild: an older file",
    "the flush is undone after a confirmation: an older file",
    "front N dies, asking",
    "front N dies, granted",
    "front N dies, stream read",
    "front N dies, appending again",
    "front N dies, ready",
    "front N dies, ready, appending",
    "front N dies, confirmed",
    "front N is started beside the old one",
    "front N hears that it is superseded, stops",
    "control dies, epoch: number taken",
    "control dies, epoch: fence raised",
    "control dies, epoch: granted",
    "control dies, the close read",
    "credit dies, the ledger read",
    "credit dies, the stream read",
    "credit commits up to N-N, the answer is lost",
    "front N's append N-N is stored, its answer is lost",
    "a late copy of append N-N: FENCED",
    "a late copy of append N-N: OK",
    "fence N is raised, the answer is lost",
    "fence N: no answer, the message is on its way",
    "a late message raises fence N",
    "a late message of fence N: STALE",
    "epoch N's answer is lost",
    "front N's lease N is granted, its answer is lost",
    "lease N's answer comes again: refused",
    "front N's confirmation is taken, the answer is lost",
    "entry N-N is damaged",
    "front N works wrongly: a wrong amount, twice",
)
"""Where something dies, is lost, comes late or twice. If one is never reached, the exploration proves less than it
says.
"""
