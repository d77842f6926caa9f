"""The rules of docs/money.md that can be taken out of the model, with what the page says breaks without each.

Owns their names. An unknown name raises UnknownRule.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """One row, or part of a row, of the page's table. `words`: the rule in words; `breaks`: at least one of these
    invariants is broken without the rule; `page`: what the page says, where two rules share one phrase.
    """

    name: str
    words: str
    breaks: tuple[str, ...]
    page: str = ""

    @property
    def phrase(self) -> str:
        """The rule's phrase on the page."""
        return self.page or self.words


WIN_TWICE: Final = ("S3", "S10")
HANG: Final = "hang"

TABLE: Final = (
    Rule("fence", "fence", WIN_TWICE),
    Rule("superseded", "an older instance is *superseded*", WIN_TWICE),
    Rule("life", "a fence is valid only until the Valkey process that set it restarts", WIN_TWICE),
    Rule("fenced_read", "stream read under the fence", WIN_TWICE),
    Rule("ledger_read", "ledger read at rebuild", WIN_TWICE),
    Rule("granted", "`granted` checked by credit", WIN_TWICE),
    Rule("fence_first", "fence before `granted`", ("S10",), "fence before `granted` before the answer"),
    Rule("granted_first", "`granted` before the answer", ("S10",), "fence before `granted` before the answer"),
    Rule("one_raise", "one raise for each epoch number", ("S10",)),
    Rule("offset", "offset compared in the transaction", ("S5",)),
    Rule("reservation", "reservation before the append", ("S3",)),
    Rule("after_ok", "200 only after OK", ("S10",)),
    Rule("confirmation", "confirmation by every front", ("S4",)),
    Rule("still_granted", "the confirmation's epoch still granted", ("S4",)),
    Rule("reached", "offset ≥ the confirmed id", ("S4",)),
    Rule("stops", "no award after the confirmation", ("S4",)),
    Rule("append_again", "a missing win appended again", ("S4",)),
    Rule("stream_first", "rebuild reads the stream before the ledger", ("S4",)),
    Rule("behind_offset", "an entry counts as stored only behind the offset", ("S4",)),
    Rule("abandoned", "abandoned leases never issued again", ("S12",)),
    Rule("number_once", "a lease number accepted once", ("S12",)),
    Rule("held_bit", "money held in suspense sets the packet's bit", ("S1",)),
    Rule("closed_ledger", "in-doubt appends settled from the closed ledger", ("S9",)),
    Rule("tail", "a front reads its stream's last id once a second", (HANG,)),
    Rule("empty_epoch", "nothing appended in an epoch: the close reads the last id under its fence", ("S4",)),
    Rule("old_damage", "damage at or below the offset stops no rebuild", (HANG,)),
)
"""Every rule of the table, one row each."""

TRIPWIRES: Final = ("no_gaps", "bitmap", "closed_refuses")
"""Not needed for safety: the model is sound without them, too. They show a mistake early."""

BY_NAME: Final = {rule.name: rule for rule in TABLE}
NAMES: Final = (*BY_NAME, *TRIPWIRES)


class UnknownRule(ValueError):
    """No rule of that name."""


class Rules:
    """Which rules hold: one attribute each, True unless removed. Raises UnknownRule."""

    __slots__ = NAMES

    fence: bool
    superseded: bool
    life: bool
    fenced_read: bool
    ledger_read: bool
    granted: bool
    fence_first: bool
    granted_first: bool
    one_raise: bool
    offset: bool
    reservation: bool
    after_ok: bool
    confirmation: bool
    still_granted: bool
    reached: bool
    stops: bool
    append_again: bool
    stream_first: bool
    behind_offset: bool
    abandoned: bool
    number_once: bool
    held_bit: bool
    closed_ledger: bool
    tail: bool
    empty_epoch: bool
    old_damage: bool
    no_gaps: bool
    bitmap: bool
    closed_refuses: bool

    def __init__(self, without: tuple[str, ...] = ()) -> None:
        for name in without:
            if name not in NAMES:
                raise UnknownRule(f"no rule {name!r}; there are {', '.join(NAMES)}")
        for name in NAMES:
            setattr(self, name, name not in without)
