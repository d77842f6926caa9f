"""A friend's claim of a share. Links stand in the file that `XIU_LINKS` names, one a line, and are dealt out in turn.

Without that file each user claims a link that nobody made: play refuses it by its MAC, without a look-up. As a
follow-up of shares, friends of each owner claim through the link of the answer.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness.engine.answers import ParsedAnswer
from harness.engine.orders import meaning, posts
from harness.engine.shot import Aim, Following, People, Target

VARIABLE = "XIU_LINKS"
NOBODYS = "0-0.0." + "0" * 32


class ClaimShot:
    """*claimed*: a part is the user's. *again*: it was before. *late*: no part is left, or the time is over. *own*: the
    share is his own. *unnamed*: no real name. *forged*: nobody made this link. *pending*: it may have been claimed.
    """

    name = "claim"
    at: Target = "play"
    noted = True
    method, route = "POST", "/v1/shares/claim"
    outcomes = ("unknown", "claimed", "again", "late", "own", "unnamed", "forged", "pending", "refused")
    good = frozenset(("claimed", "again", "late", "own", "unnamed", "forged"))

    def requests(self, aim: Aim, tokens: Sequence[bytes]) -> list[bytes]:
        """Raises OSError for a file that cannot be read, before anything is sent."""
        links = links_of(os.environ.get(VARIABLE, ""))
        bodies = [{"link": links[place % len(links)]} for place in range(len(tokens))]
        return posts(aim, self.route, tokens, bodies)

    def follow(self, people: People, place: int, note: str, each: int) -> list[Following]:
        """The next `each` people after the owner, each once."""
        friends = [people.other(place, step) for step in range(1, min(each, len(people.tokens) - 1) + 1)]
        tokens = [people.tokens[who] for who in friends]
        made = posts(people.aim, self.route, tokens, [{"link": note}] * len(tokens)) if note else []
        return list(zip(friends, made, strict=False))

    def understand(self, status: int, body: bytes) -> ParsedAnswer:
        """As `POST /v1/shares/claim` answers."""
        codes = {
            "share_exhausted": "late", "share_expired": "late", "share_reversed": "late", "own_share": "own",
            "no_real_name": "unnamed", "no_such_link": "forged",
        }  # fmt: skip
        return meaning(self.outcomes, status, body, {"claimed": "claimed"}, codes)


def links_of(file: str) -> list[str]:
    """The links of a file, at least one; that of nobody where none is named."""
    found = Path(file).read_text(encoding="ascii").split() if file else []
    return found or [NOBODYS]


SHOT = ClaimShot()
