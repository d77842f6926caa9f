"""Errors of the win log. No error of a driver leaves this package."""

from __future__ import annotations

from system.contract.errors import Effect, StoreRefused, StoreUnknown, XiuError


class DamagedEntry(XiuError):
    """Bytes that are not the entry they claim to be. Never skipped, never guessed at: a person decides."""

    code = "damaged_entry"
    effect: Effect = "none"


class AppendUnknown(StoreUnknown):
    """No answer to an append: it may be stored. Only the same bytes under the same id may be sent again."""

    code = "append_unknown"


class Fenced(StoreRefused):
    """The stream does not accept this epoch, or accepts none since its store restarted: a new epoch is needed."""

    code = "fenced"


class StaleEpoch(StoreRefused):
    """A fence of this epoch or a higher one was raised before; `known` is the highest the store knows."""

    code = "stale_epoch"

    def __init__(self, message: str, known: int) -> None:
        super().__init__(message)
        self.known = known
