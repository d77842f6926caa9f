"""What the relation chain answers, as models. Scores in hundredths of a point, 0 to 10,000; times in µs since 1970."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from system.contract.api import Model
from system.contract.fields import Whole
from system.contract.ids import Lane

Through = Literal["import", "contact", "transfer", "gift", "claim", "card"]
TermName = Literal["base", "contact", "transfer", "gift", "claim", "card", "book", "reciprocity", "mutual"]
TERMS: tuple[TermName, ...] = get_args(TermName)[1:]
"""What `strength.TERMS` are called, in their order."""
PAIRS_MAX = 20_000


class FriendRequest(Model):
    """Body of `POST /v1/friends`: whom the user adds. Asked in both directions, it is a tie."""

    friend: Whole


class FriendAnswer(Model):
    """`asked`: the other has not asked back yet. `tied`: there is a tie. `pending`: nobody knows yet; ask again."""

    friend: int
    state: Literal["asked", "tied", "pending"]


class Friend(Model):
    """One tie of the user. `book`: how many of the two have the other in their address book."""

    friend: int
    made_us: int
    made_by_me: bool
    through: Through
    book: int


class Friends(Model):
    """A page of friends in the order of their uids. `next` goes into `after` of the next request; null on the last."""

    uid: int
    lane: Lane
    friends: tuple[Friend, ...]
    next: str | None = None


class Asking(Model):
    """Somebody who asked, and waits for the user to ask back."""

    uid: int
    at_us: int


class Askings(Model):
    """Who waits for the user, the latest first, at most 200."""

    uid: int
    lane: Lane
    askings: tuple[Asking, ...]


class ScoreTerm(Model):
    """What a term adds to a score, in hundredths of a point; all of them add up to the score exactly. `value`: what
    was measured: a decayed counter, sides of the address book, a ratio, friends in common.
    """

    term: TermName
    adds: int
    value: float


class Relation(Model):
    """A tie's strength. `strong`: the two are more likely than not to have to do with each other within a week."""

    friend: int
    score: int
    strong: bool
    through: Through
    terms: tuple[ScoreTerm, ...] | None = None


class Relations(Model):
    """The user's strongest ties, or the one asked for. `looked_at`: how many were compared; `at_us`: when."""

    uid: int
    lane: Lane
    weights: int
    at_us: int
    looked_at: int
    relations: tuple[Relation, ...]


class GrowthLine(Model):
    """Ties by what made them."""

    through: Through
    ties: int


class Maker(Model):
    """A user who made many ties."""

    uid: int
    ties: int


class GrowthForecast(Model):
    """What the lane's last programme that says so forecasts for its evening, at its scale. `expected`: as forecast;
    `gained_2016`: as it came, in the evening that the programme follows.
    """

    programme: str
    expected: int
    gained_2016: int


class Growth(Model):
    """How the relation chain grew: by what until now, by whom until the last snapshot, and that day's figures.
    `forecast`: what it was to be, for all `ties`; null where no programme says.
    `psi`: shift of the scores against the day before; null without two days in a row.
    """

    lane: Lane
    ties: int
    forecast: GrowthForecast | None = None
    lines: tuple[GrowthLine, ...]
    day: int | None = None
    makers: tuple[Maker, ...] = ()
    psi: float | None = None
    jump_uid: int | None = None
    jump_points: float | None = None


Pair = Annotated[tuple[Whole, Whole], Field(json_schema_extra={"uniqueItems": True})]
"""Nobody stands in his own address book: 409 `self_tie`."""


class ImportRequest(Model):
    """Body of `POST /v1/relations/import`: (who, whom he has in his address book), at most 20,000."""

    lane: Lane = "live"
    pairs: tuple[Pair, ...] = Field(min_length=1, max_length=PAIRS_MAX)


class ImportAnswer(Model):
    """`made`: pairs that were no tie before. The same pairs again make none."""

    lane: Lane
    pairs: int
    made: int
