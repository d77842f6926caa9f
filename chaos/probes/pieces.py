"""Probe `in_pieces`: what Valkey answers in one piece arrives through the link in many."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from chaos.probing import NotSteady, Probe, ProbeReading, words
from harness.phrases import Sentence
from plans.models.fault import FaultSpec, ProbeSpec
from plans.models.partial import Contradiction
from system.contract.links import read_link

ANSWER = b"x" * 1024
QUESTION = b"*2\r\n$4\r\nPING\r\n$%d\r\n%s\r\n" % (len(ANSWER), ANSWER)
PIECES = 8
"""So many at least; without a fault an answer of this size comes in one or two."""
TIMEOUT_S = 2.0


class InPieces(ProbeSpec):
    """An answer of 1 KB arrives in eight pieces or more."""

    sees: ClassVar[tuple[str, ...]] = ("toxics",)
    kind: Literal["in_pieces"]

    def blind(self, inject: FaultSpec, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        for target in targets:
            if (link := read_link(target)) is None or link.upstream != "valkey":
                yield Contradiction((), f"in_pieces on {target}: it speaks with Valkey", "a link to Valkey")


class InPiecesProbe(Probe[InPieces]):
    """On a connection of its own."""

    kind = "in_pieces"
    Spec = InPieces

    def look(self) -> ProbeReading:
        pieces, whole = self._pieces()
        if not whole or pieces >= PIECES:
            raise NotSteady(f"{self.at.target} answers in {pieces} pieces, without any fault")
        return ProbeReading(True, self._says(pieces))

    def seen(self) -> ProbeReading:
        pieces, whole = self._pieces()
        return ProbeReading(whole and pieces >= PIECES, self._says(pieces))

    def _says(self, pieces: int) -> Sentence:
        target = self.at.target
        return words(f"an answer of {target} came in pieces: {pieces}", f"{target} 的一个应答分 {pieces} 段到达")

    def _pieces(self) -> tuple[int, bool]:
        """In how many reads an answer came, and whether it came whole."""
        parts, got, pieces = urlsplit(self.at.stack.addresses.links[self.at.target]), 0, 0
        until = time.monotonic() + TIMEOUT_S
        try:
            with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), TIMEOUT_S) as wire:
                wire.sendall(QUESTION)
                while got < len(ANSWER) and (left_s := until - time.monotonic()) > 0:
                    wire.settimeout(left_s)
                    if not (part := wire.recv(1 << 16)):
                        break
                    got, pieces = got + len(part), pieces + 1
        except OSError:
            pass
        return pieces, got >= len(ANSWER)
