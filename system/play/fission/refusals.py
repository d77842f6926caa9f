"""Why a share is not funded, not opened, or not claimed. Each is a definite refusal: nothing changed."""

from __future__ import annotations

from system.contract.errors import Conflict, NotFound, Refused


class ShareTooSmall(Conflict):
    """A share of less than a fen for each of its parts."""

    code = "share_too_small"


class NotASponsor(Conflict):
    """Who is to pay is no sponsor of that round."""

    code = "not_a_sponsor"


class TermsDiffer(Conflict):
    """The shares of a round are all alike; its first funding said what they are."""

    code = "terms_differ"


class NoAward(NotFound):
    """Nobody can have been shown that award."""

    code = "no_award"


class ForeignAward(Conflict):
    """The award is another user's."""

    code = "foreign_award"


class AwardProcessing(Conflict):
    """The award's posting is not there yet. Ask again."""

    code = "award_processing"


class AwardHeld(Conflict):
    """The award's money was set aside, and a person decides."""

    code = "award_held"


class NotFunded(Conflict):
    """Nobody has paid for shares of that round."""

    code = "fission_not_funded"


class BudgetSpent(Conflict):
    """What was paid in for shares of that round is in shares already."""

    code = "fission_spent"


class FissionOver(Conflict):
    """The time in which shares of that round may be paid for and opened is over; what is left returns."""

    code = "fission_over"


class NoSuchLink(NotFound):
    """The link was not made by this system."""

    code = "no_such_link"


class OwnShare(Conflict):
    """The owner claims of his own share."""

    code = "own_share"


class ShareExhausted(Conflict):
    """Every part has been claimed."""

    code = "share_exhausted"


class ShareReversed(Conflict):
    """An operator has taken the share's money back before anybody claimed."""

    code = "share_reversed"


class ShareExpired(Refused):
    """The share's time is over; what nobody claimed goes back."""

    status, code = 410, "share_expired"
