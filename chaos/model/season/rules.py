"""The rules of docs/season.md that can be taken out of the model, with what the page says breaks without each.

Owns their names. An unknown name raises UnknownRule.
"""

from __future__ import annotations

from typing import Final

from chaos.model.rules import Rule, UnknownRule

TOLD: Final = "told"
"""Somebody was told what is not so."""

SPENDING: Final = (
    Rule("key_lock", "the key locked before it is looked up, and unique", ("once",)),
    Rule("look_under_lock", "the key looked up under its lock", ("once",)),
    Rule("account_lock", "the account locked before what it holds is read", ("S18",)),
    Rule("floor", "the floor in the statement that moves", ("S18",)),
    Rule("same_key", "sent again under the same key", ("once",)),
    Rule("not_found", "*not found* decides nothing", (TOLD,)),
    Rule("request", "the stored request compared", (TOLD,)),
    Rule("reverse_once", "a transfer reversed once", ("S18",)),
)
SHARES: Final = (
    Rule("share_lock", "the share locked before it is read", ("S13",)),
    Rule("clock_under_lock", "expiry read under the share's lock", ("S13",)),
    Rule("one_claim", "one claim a user", ("S13",)),
    Rule("not_the_owner", "never the owner", ("S13",)),
    Rule("refund_once", "one refund a share", ("S13",)),
    Rule("own_first", "one's own key first", (TOLD,)),
)
RETURNS: Final = (
    Rule("return_alone", "a return alone, openings and fundings together", ("S13",)),
    Rule("over_under_lock", "the end of the time for shares read under that lock", ("S13",)),
    Rule("all_settled", "no return while a share is open", ("S13",)),
    Rule("return_floor", "no more returned than is there, in the statement that moves", ("S13",)),
    Rule("as_paid", "to each sponsor as he has in it, what he got back taken off", ("S13",)),
    Rule("next_number", "the next return under the next number", (TOLD,)),
)
DRAWING: Final = (
    Rule("counter_locked", "the season's counter locked until the commit", ("S14",)),
    Rule("counter_row", "the counter a row, not a sequence", ("S14",)),
    Rule("as_minted", "no card beyond those that were minted", ("S14",)),
    Rule("no_key_id", "a ticket's key without the number of the key that signed it", ("once",)),
)
CARDS: Final = (
    Rule("season_shared", "gift and combine hold the season, and need it open", ("S15",)),
    Rule("list_after_lock", "the end lists after its lock", ("S15",)),
    Rule("cards_locked", "cards locked before they are counted", ("S14",)),
    Rule("all_or_none", "all kinds at once or none", ("S15",)),
)
POT: Final = (
    Rule("frozen", "list and amounts frozen before the first payment", ("S15",)),
    Rule("batch_key", "a key for each batch", ("S15",)),
    Rule("one_transfer", "blessing and money in one transfer", ("S15",)),
)

MACHINES: Final = {
    "spending": SPENDING, "shares": SHARES, "returns": RETURNS, "drawing": DRAWING, "cards": CARDS, "pot": POT,
}  # fmt: skip
TABLE: Final = tuple(rule for rules in MACHINES.values() for rule in rules)
BY_NAME: Final = {rule.name: rule for rule in TABLE}


class RulesInForce:
    """Which rules hold: all but those taken out. Raises UnknownRule."""

    __slots__ = ("_without",)

    def __init__(self, without: tuple[str, ...] = ()) -> None:
        for name in without:
            if name not in BY_NAME:
                raise UnknownRule(f"no rule {name!r}; there are {', '.join(BY_NAME)}")
        self._without = frozenset(without)

    def __getattr__(self, name: str) -> bool:
        return name not in self._without
