"""S14: each card is in one place, and as the permutation says. Of each kind: minted = held + combined + left with the
issuer; the n-th card drawn is the one that the committed seed gives, without a gap.
"""

from __future__ import annotations

from collections.abc import Mapping

from system.audit.judging import Judge
from system.audit.snapshot import SnapshotRows
from system.lottery.deck import Deck, wrong_cards

CODES = ("S14",)
_SAYS = {
    "legs": "its transfer does not move that card from the issuer to a user, once",
    "no_card": "drawn, and no card of the season stands under it",
    "late": "a card moved after the season's end",
}


async def judge(judges: Mapping[str, Judge], rows: SnapshotRows) -> None:
    """Looks at every card of the lane."""
    mine = judges["S14"]
    decks = await rows("season_decks")
    if not decks:
        return
    for season, cards, seed, commitment, following in decks:
        deck = Deck(season, tuple(cards), bytes(seed))
        issued = await rows("season_deck_cards", season=season)
        mine.look(1 + len(issued))
        mine.figure(seasons=1, drawn=len(issued))
        wrong = wrong_cards(deck, commitment, issued)
        if following != len(issued):
            wrong.append(f"season {season}: {len(issued)} cards, its counter says {following}")
        mine.broken(wrong[0] if wrong else "", len(wrong))
        kinds = {kind: rest for number, kind, *rest in await rows("season_card_kinds") if number == season}
        for kind, (minted, drawn, left) in kinds.items():
            mine.look(1)
            if (minted, left) != (cards[kind - 1], minted - drawn):
                counts = f"{minted} minted of {cards[kind - 1]}, {drawn} drawn, {left} left with the issuer"
                mine.broken(f"season {season}, kind {kind}: {counts}")
    for kind, minted, held, combined, left in await rows("season_card_places"):
        mine.look(1)
        mine.figure(minted=minted, held=held, combined=combined, left=left)
        if minted != held + combined + left:
            mine.broken(f"kind {kind}: {minted} minted, but held {held}, combined {combined}, left {left}")
    for what, count, key in await rows("season_card_moves"):
        mine.broken(f"{key}: {_SAYS[what]}", count)
