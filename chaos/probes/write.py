"""Probes of a write to Valkey: refused with which error, kept waiting, or taken?

A key of its own that is gone after a millisecond; no part of the system reads it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import valkey
from pydantic import Field

from chaos import store
from chaos.errors import ChaosError
from chaos.probing import NotSteady, P, Probe, ProbeReading, words
from plans.models.fault import ProbeSpec

WRITE = ("SET", "xiu:probe", "1", "PX", 1)
WAITS_S = 0.5
"""A write that has no answer for so long is kept waiting."""


class WriteRefused(ProbeSpec):
    """A write is refused, with this first word of the error."""

    kind: Literal["write_refused"]
    error: Annotated[str, Field(pattern=r"^[A-Z]{2,20}$")]


class WriteWaits(ProbeSpec):
    """A write has no answer for half a second."""

    kind: Literal["write_waits"]


class WriteAccepted(ProbeSpec):
    """A write is done."""

    kind: Literal["write_accepted"]


class _WriteProbe(Probe[P]):
    """What they share: without a fault a write is done."""

    def look(self) -> ProbeReading:
        became = self.written()
        if became != "OK":
            raise NotSteady(f"{self.at.target} does not take a write, without any fault: {became}")
        return ProbeReading(True, words("a write is done", "写入成功"))

    def written(self) -> str:
        """What became of a write: OK, the error's own words, or `no answer`. Raises ChaosError."""
        try:
            with store.client(self.at.stack, self.at.target) as client:
                client.connection_pool.connection_kwargs["socket_timeout"] = WAITS_S
                client.execute_command(*WRITE)
        except valkey.TimeoutError:
            return "no answer"
        except valkey.ResponseError as exc:
            return _code(exc)
        except valkey.ValkeyError as exc:
            raise ChaosError(f"{self.at.target}: {exc}") from exc
        return "OK"

    def reading(self, became: str, wanted: str) -> ProbeReading:
        """Is it what is looked for?"""
        return ProbeReading(became == wanted, words(f"a write: {became}", f"写入：{became}"))


CODES = {valkey.exceptions.OutOfMemoryError: "OOM", valkey.ReadOnlyError: "READONLY"} | {
    valkey.exceptions.NoPermissionError: "NOPERM", valkey.BusyLoadingError: "LOADING",
}  # fmt: skip


def _code(error: Exception) -> str:
    """The first word of Valkey's error. The driver leaves it out where it has a class for it."""
    named = next((code for kind, code in CODES.items() if isinstance(error, kind)), None)
    return named or (str(error).split() or ["an error without words"])[0]


class WriteRefusedProbe(_WriteProbe[WriteRefused]):
    """By the error that is expected: another one is another trouble."""

    kind = "write_refused"
    Spec = WriteRefused

    def seen(self) -> ProbeReading:
        return self.reading(self.written(), self.spec.error)


class WriteWaitsProbe(_WriteProbe[WriteWaits]):
    """The write itself is done later, and leaves nothing."""

    kind = "write_waits"
    Spec = WriteWaits

    def seen(self) -> ProbeReading:
        return self.reading(self.written(), "no answer")


class WriteAcceptedProbe(_WriteProbe[WriteAccepted]):
    """As before the fault."""

    kind = "write_accepted"
    Spec = WriteAccepted

    def seen(self) -> ProbeReading:
        return self.reading(self.written(), "OK")
