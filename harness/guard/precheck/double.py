"""Item *double*: whoever the system calls outside is stood in for by his double, see `system.contract.parties`. Of a
system elsewhere whose doubles nobody named nothing is known: its own processes deny the stress lane what is no double.
"""

from __future__ import annotations

from collections.abc import Iterator

import requests

from harness import loopback
from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated
from system.contract.parties import DOUBLE_HEADER, PART, PATH, Party

TIMEOUT_S = 3.0


def look(ask: StartRequest) -> Iterator[Checked]:
    place = ask.addresses.places.find(PART)
    for party in ask.parties:
        if place is None and ask.elsewhere:
            yield not_evaluated("nobody named the doubles of this system", party.name)
            continue
        wrong = _wrong(ask, party, None if place is None else place.url)
        yield checked(not wrong, wrong or "its double answers", party.name)


def _wrong(ask: StartRequest, party: Party, url: str | None) -> str:
    """Why nobody is known to stand in for the party, in words; empty if its double does."""
    if not url:
        return f"this system has no part {PART}"
    if not ask.may_ask(url):
        return f"{url} does not stand in the allow-list"
    at = f"{url.rstrip('/')}/{party.name}{PATH}"
    try:
        answer = loopback.get(at, TIMEOUT_S)
        body = answer.json()
    except (requests.RequestException, ValueError) as exc:
        return f"{at} does not answer as a double: {type(exc).__name__}"
    says = body.get("double") if isinstance(body, dict) else None
    is_double = (says, answer.headers.get(DOUBLE_HEADER)) == (party.name, party.name)
    return "" if is_double else f"{url} does not say that it is the double of {party.name}"


ITEM = PrecheckItem(
    11, "double", "each party outside that the system calls (a bank, an SMS gateway): its double is in place, and says "
    "that it is one",
    "a party outside has no double, and would get calls of the run", look,
)  # fmt: skip
