"""An operator's part of a season, over HTTP at play: opens it, pays for shares, brings address books, ends it, reads
what came of it. Each order is safe to repeat, and repeated while nobody knows what became of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from harness import loopback
from harness.control_client import ControlAway, ControlClient, ControlError
from harness.forecast.season import SeasonShare
from harness.orchestrate.closing import insist
from harness.season.script import Pair
from system.contract.ids import TAG_HEADER, Lane

POLL_S = 0.1
PENDING = 202
LIFETIME_S = 3_600
"""Of a share: longer than the audit that looks at it is away."""
PAIRS_A_CALL = 20_000


@dataclass(frozen=True, slots=True)
class SeasonSums:
    """What play and the ledger tell of a lane at one moment. `cards`: drawn in the season; `ties`: of the lane."""

    ties: int
    cards: int


@dataclass(frozen=True, slots=True)
class SeasonOperator:
    """An operator of one lane. `within_s`: how long an order is repeated. Raises ControlError, ControlAway."""

    control: ControlClient
    lane: Lane
    within_s: float = 10.0

    def open(self, played: SeasonShare, sponsor: int, uid: int, tag: str | None) -> int:
        """A new season's number, opened with cards and pot. `uid`: of a user of the lane, to ask which there are.

        One season at a time: what a run that broke has left open is ended, and paid, before.
        """
        known, until = self._seasons(uid, tag), time.monotonic() + self.within_s
        for one in known:
            if one["state"] != "paid":
                self.end(int(one["season"]), lambda: time.monotonic() >= until)
        number = 1 + max((int(one["season"]) for one in known), default=0)
        order = {
            "season": number, "lane": self.lane, "cards": list(played.cards), "pot_fen": played.pot_fen,
            "sponsor": sponsor,
        }  # fmt: skip
        self._done("/v1/seasons", order)
        return number

    def fund(self, round_id: int, played: SeasonShare, sponsor: int) -> None:
        """A sponsor of the round pays for all shares that will be opened."""
        order = {
            "lane": self.lane, "key": f"r{round_id}", "sponsor": sponsor, "fen": played.fission_fen,
            "share_fen": played.share_fen, "parts": played.parts, "lifetime_s": LIFETIME_S,
        }  # fmt: skip
        self._done(f"/v1/rounds/{round_id}/fission", order)

    def bring(self, book: Sequence[Pair]) -> int:
        """Ties of address books; how many are new."""
        made = 0
        for first in range(0, len(book), PAIRS_A_CALL):
            order = {"lane": self.lane, "pairs": [list(pair) for pair in book[first : first + PAIRS_A_CALL]]}
            made += int(self._done("/v1/relations/import", order)["made"])
        return made

    def end(self, season: int, over: Callable[[], bool]) -> dict[str, Any]:
        """Ends the season, and waits until its pot is paid, or it is `over`; the season as it is then."""
        while True:
            document = self._done(f"/v1/seasons/{season}/end", {"lane": self.lane})
            if document.get("state") == "paid" or over():
                return document
            time.sleep(POLL_S)

    def sums(self, season: int, uid: int, tag: str | None) -> SeasonSums:
        """Ties of the lane, cards of the season."""
        ties = int(self._read(f"/v1/relations/growth?lane={self.lane}")["ties"])
        cards = [int(one["issued"]) for one in self._seasons(uid, tag) if one["season"] == season]
        return SeasonSums(ties, sum(cards))

    def claims(self, round_id: int) -> int:
        """Parts of the round's shares that were claimed."""
        return int(self._read(f"/v1/rounds/{round_id}/fission?lane={self.lane}")["claims"])

    def participants(self, round_id: int) -> int | None:
        """Distinct people who took part in the round until now, as fronts counted; None where some of it is uncounted,
        or a front has not reported that far when the patience is over. Fronts report once a second.
        """
        until_s = time.monotonic() + self.within_s
        now_us = insist(self.control.clock_us, until_s)
        while True:
            counted = insist(lambda: self.control.participation(self.lane, round_id), until_s)
            found = [one for one in counted.rounds if one.round == round_id]
            if not found or found[0].uncounted:
                return None
            if found[0].exact or (found[0].confirmed_us or 0) >= now_us:
                return found[0].people
            if time.monotonic() >= until_s:
                return None
            time.sleep(POLL_S)

    def _done(self, path: str, order: Mapping[str, Any]) -> dict[str, Any]:
        return insist(lambda: _settled(self.control.at_play("POST", path, order)), time.monotonic() + self.within_s)

    def _read(self, path: str) -> dict[str, Any]:
        return insist(lambda: _settled(self.control.at_play("GET", path)), time.monotonic() + self.within_s)

    def _seasons(self, uid: int, tag: str | None) -> list[dict[str, Any]]:
        """Every season of the lane; a user's question."""
        (token,) = self.control.tokens(self.lane, uid, 1)
        headers = {"Authorization": f"Bearer {token}", **({TAG_HEADER: tag} if tag else {})}
        url = f"{self.control.play_url}/v1/seasons"

        def ask() -> list[dict[str, Any]]:
            try:
                answer = loopback.get(url, headers=headers)
            except requests.RequestException as exc:
                raise ControlAway(f"GET {url} does not answer: {exc}") from exc
            if answer.status_code >= 400:
                raise ControlError(f"{answer.text[:300]} (GET /v1/seasons)", answer.status_code)
            return list(_settled(answer)["seasons"])

        return insist(ask, time.monotonic() + self.within_s)


def _settled(answer: requests.Response) -> dict[str, Any]:
    """The answer's object. Raises ControlAway for a *pending* one, and for one without sense."""
    if answer.status_code == PENDING:
        raise ControlAway(f"{answer.request.method} {answer.url} is pending; unknown whether it happened")
    try:
        document = answer.json()
    except ValueError as exc:
        raise ControlAway(f"{answer.request.method} {answer.url}: an answer without sense") from exc
    if not isinstance(document, dict):
        raise ControlAway(f"{answer.request.method} {answer.url}: an answer without sense")
    return document
