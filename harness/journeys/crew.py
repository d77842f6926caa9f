"""The workers of one Locust run, as its master knows them: who proved the secret, who runs the same code, whose clock
is where, who has sent an account, who was lost. Owns no socket. A run that lacks a worker's account is never complete.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from harness.journeys.clocks import MOST_S, HostClock, wall_ns
from harness.journeys.edition import edition
from harness.journeys.joining import Secret, new_nonce

INCOMPLETE = 10
"""Exit code of a master that cannot say what was sent."""


@dataclass(slots=True)
class Crew:
    """One fire's. `ordered`: client → its place; `accounts`: place → the account that it sent, in short."""

    secret: Secret
    asked: dict[str, str] = field(default_factory=dict)
    answers: dict[str, object] = field(default_factory=dict)
    editions: dict[str, object] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)
    """Who was not forked by the run itself, and so may stand on another host."""
    clocks: dict[str, HostClock] = field(default_factory=dict)
    ordered: dict[str, int] = field(default_factory=dict)
    accounts: dict[int, dict[str, Any]] = field(default_factory=dict)

    def ask(self, clients: Collection[str]) -> dict[str, str]:
        """A question for each: client → nonce."""
        self.asked = {client: new_nonce() for client in clients}
        self.answers.clear()
        return self.asked

    def answered(self, client: str, proof: object) -> None:
        """A worker's answer. An answer without a question is ignored."""
        if client in self.asked:
            self.answers[client] = proof

    def introduced(self, client: str, data: object) -> None:
        """What else a worker's answer says: its edition and its clock."""
        if client in self.asked and isinstance(data, dict):
            self.editions[client] = data.get("edition")
            if not data.get("forked"):
                self.apart.add(client)
            self.timed(client, data)

    def timed(self, client: str, data: object) -> None:
        """A worker's clock in an answer of it."""
        try:
            asked_ns, told_ns = int(data["asked_ns"]), int(data["clock_ns"])  # type: ignore[index]
        except (KeyError, TypeError, ValueError):
            return
        if client in self.asked:
            self.clocks.setdefault(client, HostClock()).take(asked_ns, told_ns, wall_ns())

    @property
    def complete(self) -> bool:
        return self.answers.keys() == self.asked.keys()

    def proved(self) -> list[str]:
        """The workers that know the run's secret, in the order in which they were asked."""
        return [
            client for client, nonce in self.asked.items()
            if self.secret.proves(self.answers.get(client), nonce, client)
        ]  # fmt: skip

    def strangers(self) -> dict[str, str]:
        """Who is told nothing, and why."""
        proved, mine = self.proved(), edition() if self.apart else ""
        found = dict.fromkeys(self.asked.keys() - set(proved), "does not know the run's secret")
        return found | {
            client: f"runs other code ({self.editions.get(client)} instead of {mine}; expected the same commit and the "
            "same versions of Python and Locust)"
            for client in proved if client in self.apart and self.editions.get(client) != mine
        }  # fmt: skip

    def beyond(self, client: str) -> str:
        """What is wrong with a worker's clock, in words; empty where nothing is."""
        clock = self.clocks.get(client)
        if clock is None or not clock.beyond:
            return ""
        way = "ahead of" if clock.offset_s > 0 else "behind"
        return f"its clock is {clock.worst_s:.3f} s {way} the master's; at most {MOST_S:g} s"

    def members(self) -> list[str]:
        """The workers that may be told the order."""
        strangers = self.strangers()
        return [client for client in self.proved() if client not in strangers]

    def account(self, client: str, data: object) -> None:
        """A worker's account at its end; ignored from a worker that has no order."""
        place = self.ordered.get(client)
        if place is not None and isinstance(data, dict):
            self.accounts[place] = data

    def over(self, lost: Collection[str]) -> bool:
        """Have all sent their account that still can?"""
        return all(place in self.accounts or client in lost for client, place in self.ordered.items())

    def missing(self) -> str:
        """What is not known of the run, in words; empty where every account is there."""
        silent = sorted(set(self.ordered.values()) - self.accounts.keys())
        failed = {place: str(one["failed"]) for place, one in sorted(self.accounts.items()) if one.get("failed")}
        if not silent and not failed:
            return ""
        sent = sum(int(one.get("sent") or 0) for one in self.accounts.values())
        lost = [f"worker {place} was lost: it told no account" for place in silent]
        lost += [f"worker {place} failed: {text}" for place, text in failed.items()]
        return (
            f"{'; '.join(lost)}. What it sent is missing from every total: {sent:,} taps of "
            f"{len(self.ordered) - len(silent) - len(failed)} of {len(self.ordered)} workers are accounted for"
        )
