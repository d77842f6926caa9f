"""Item *double*: whoever the system calls outside is stood in for by his double. A party that `system.contract.parties`
lists is looked for from then on.
"""

from __future__ import annotations

from collections.abc import Iterator

import requests

from harness import loopback
from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated
from system.contract.parties import PATH, Party

TIMEOUT_S = 3.0


def look(ask: StartRequest) -> Iterator[Checked]:
    if not ask.parties:
        yield not_evaluated("the system calls nobody outside")
    for party in ask.parties:
        wrong = _wrong(ask, party)
        yield checked(not wrong, wrong or "its double answers", party.name)


def _wrong(ask: StartRequest, party: Party) -> str:
    """Why nobody is known to stand in for the party, in words; empty if its double does."""
    place = ask.addresses.places.find(party.part)
    if place is None or not place.url:
        return f"this system has no part {party.part}"
    if not ask.may_ask(place.url):
        return f"{place.url} does not stand in the allow-list"
    try:
        answer = loopback.get(place.url.rstrip("/") + PATH, TIMEOUT_S).json()
    except (requests.RequestException, ValueError) as exc:
        return f"{place.url}{PATH} does not answer as a double: {type(exc).__name__}"
    is_double = isinstance(answer, dict) and answer.get("double") == party.name
    return "" if is_double else f"{place.url} does not say that it is the double of {party.name}"


ITEM = PrecheckItem(
    11, "double", "each party outside that the system calls: its double is in place, and says that it is one",
    "a party outside has no double, and would get calls of the run", look,
)  # fmt: skip
