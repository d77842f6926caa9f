"""The workers of one Locust run, as its master knows them: who proved the secret, who has sent an account, who was
lost. Owns no socket and no clock. A run that lacks a worker's account is never complete.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from harness.journeys.joining import Secret, new_nonce

INCOMPLETE = 10
"""Exit code of a master that cannot say what was sent."""


@dataclass(slots=True)
class Crew:
    """One fire's. `ordered`: client → its place; `accounts`: place → the account that it sent, in short."""

    secret: Secret
    asked: dict[str, str] = field(default_factory=dict)
    answers: dict[str, object] = field(default_factory=dict)
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

    @property
    def complete(self) -> bool:
        return self.answers.keys() == self.asked.keys()

    def proved(self) -> list[str]:
        """The workers that know the run's secret, in the order in which they were asked."""
        return [
            client for client, nonce in self.asked.items()
            if self.secret.proves(self.answers.get(client), nonce, client)
        ]  # fmt: skip

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
