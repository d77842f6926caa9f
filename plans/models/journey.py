"""A journey file: what some users do one thing after the other, as rows of a plan's traffic. Plans share it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from plans.models.forecast import Id, Words
from plans.models.partial import Contradiction, PlanModel, check
from plans.models.traffic import TAP, TAPS, Journey, named_well


class JourneyFile(PlanModel):
    """The whole file. Its first rows may follow the plan's taps, `after: tap`."""

    kind: Literal["journey"]
    id: Id
    title: Words
    about: str = ""
    rows: tuple[Journey, ...] = Field(min_length=1)

    @check
    def _no_taps(self) -> Iterator[Contradiction]:
        for number, one in enumerate(self.rows):
            if one.shot == TAP:
                yield Contradiction(("rows", number, "shot"), "taps", "what comes after them; the plan itself taps")

    @check
    def _named(self) -> Iterator[Contradiction]:
        for found in named_well((TAPS, *self.rows)):
            _, number, key = found.loc
            yield found._replace(loc=("rows", int(number) - 1, key))
