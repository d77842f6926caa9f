"""A run as its phases know it, that keeps what it is told."""

from __future__ import annotations


class Run:
    """A run that was stopped for `why`; keeps what it is told."""

    def __init__(self, why: str | None) -> None:
        self.why, self.told, self.phases = why, [], []  # type: ignore[var-annotated]

    def stopped(self) -> str | None:
        return self.why

    def tell(self, kind: str, text: str) -> None:
        self.told.append((kind, text))

    def phase(self, name: str) -> None:
        self.phases.append(name)
