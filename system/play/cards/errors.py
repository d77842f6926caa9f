"""What the cards refuse, each with a code of its own. Nothing has changed after any of them."""

from __future__ import annotations

from system.contract.errors import Conflict, NotFound, Refused


class SeasonTaken(Conflict):
    """The number stands for another season."""

    code = "season_taken"


class SeasonUnpaid(Conflict):
    """One season at a time: blessings of two could not be told apart."""

    code = "season_unpaid"


class TicketForeign(Refused):
    """A ticket is its user's."""

    status, code = 403, "ticket_of_another_user"


class TicketOtherLane(Refused):
    """Lanes never meet."""

    status, code = 403, "ticket_of_another_lane"


class NoCardsLeft(Conflict):
    """A ticket is a right to a card as long as there are cards."""

    code = "no_cards_left"


class TieMissing(Conflict):
    """Cards for a tie are for those who have it."""

    code = "no_tie"


class CardNotOwned(Conflict):
    """The user has no card of that kind."""

    code = "card_not_owned"


class GiftToOneself(Conflict):
    """A gift is to somebody else."""

    code = "gift_to_oneself"


class AskedOneself(Conflict):
    """A friend is somebody else."""

    code = "asked_oneself"


class UnknownAsk(NotFound):
    """No such request to this user."""

    code = "unknown_ask"


class AskAnswered(Conflict):
    """A request is fulfilled once."""

    code = "ask_answered"


class AskMismatch(Conflict):
    """The gift is not what the friend asked for."""

    code = "ask_mismatch"


class KindsMissing(Conflict):
    """Five kinds at once, or nothing."""

    code = "kinds_missing"


class CombinedAlready(Conflict):
    """Once a season."""

    code = "combined_already"
