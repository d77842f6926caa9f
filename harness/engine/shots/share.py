"""A winner opens a share of the award that he was shown: its parts are for friends, its money is a sponsor's.

Alone each user shares an award that nobody has; as a follow-up of taps, the one of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.engine.answers import ParsedAnswer, json_object
from harness.engine.orders import meaning, posts
from harness.engine.shot import Aim, Following, People, Target
from system.contract.ids import award_id

STATES = {"open": "opened", "settled": "opened"}


class ShareShot:
    """*opened*: there is a link. *early*: the award is not in the ledger yet. *unpaid*: no sponsor has paid, or the
    money is used up. *foreign*: not the user's award, or no award. *pending*: the COMMIT was not answered.
    """

    name = "share"
    at: Target = "play"
    noted = True
    plays = "shares"
    method, route = "POST", "/v1/shares"
    outcomes = ("unknown", "opened", "early", "unpaid", "foreign", "pending", "refused")
    good = frozenset(("opened", "early"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """The last packet that a round can have: nobody won it."""
        return posts(aim, self.route, tokens, [{"award": award_id(aim.round, (1 << 31) - 1)}] * len(tokens))

    def follow(self, people: People, place: int, note: str, each: int) -> list[Following]:
        """The winner's own; asked again it is the same share."""
        token = [people.tokens[place]]
        return [(place, posts(people.aim, self.route, token, [{"award": note}])[0])] if note else []

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """As `POST /v1/shares` answers; a follow-up needs the link."""
        codes = {
            "award_processing": "early", "fission_not_funded": "unpaid", "fission_spent": "unpaid",
            "fission_over": "unpaid", "no_award": "foreign", "foreign_award": "foreign",
        }  # fmt: skip
        answer = meaning(self.outcomes, status, body, STATES, codes)
        link = json_object(body).get("link")
        return replace(answer, note=link) if status == 200 and isinstance(link, str) else answer


SHOT = ShareShot()
