"""Probes of a link to Valkey on which questions have no answer: was the question lost, or the answer to it?

Valkey itself tells: it counts the calls of each command. What is asked, ECHO, nobody in the system uses.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from chaos import store
from chaos.probing import NotSteady, P, Probe, ProbeReading, words
from plans.models.fault import FaultSpec, ProbeSpec
from plans.models.partial import Contradiction
from system.contract.links import read_link

TEXT = b"xiu-probe"
QUESTION = b"*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n" % (len(TEXT), TEXT)
COUNTER = "cmdstat_echo"
TIMEOUT_S, STEADY_TIMEOUT_S = 0.5, 2.0


class _OnValkeyLink(ProbeSpec):
    sees: ClassVar[tuple[str, ...]] = ("toxics",)

    def blind(self, inject: FaultSpec, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        for target in targets:
            if (link := read_link(target)) is None or link.upstream != "valkey":
                yield Contradiction((), f"{self.kind} on {target}: it asks Valkey what came", "a link to Valkey")


class RequestLost(_OnValkeyLink):
    """No answer comes, and Valkey was asked nothing."""

    kind: Literal["request_lost"]


class AnswerLost(_OnValkeyLink):
    """No answer comes, though Valkey did what was asked."""

    kind: Literal["answer_lost"]


class _ArrivalProbe(Probe[P]):
    """What they share: without a fault a question arrives and is answered."""

    def look(self) -> ProbeReading:
        answered, came = self.asked(STEADY_TIMEOUT_S)
        if not (answered and came):
            raise NotSteady(f"{self.at.target} does not answer, without any fault")
        return ProbeReading(True, words(f"{self.at.target} answers", f"{self.at.target} 有应答"))

    def asked(self, timeout_s: float = TIMEOUT_S) -> tuple[bool, bool]:
        """Was a question answered, and did Valkey count it? Raises ChaosError where Valkey does not tell."""
        before = self._count()
        answered = self._answered(timeout_s)
        return answered, self._count() > before

    def reading(self, wanted: bool) -> ProbeReading:
        """Is there no answer, and was the question counted, or not, as `wanted`?"""
        answered, came = self.asked()
        en = "answered" if answered else "no answer, and the work was done" if came else "no answer, and nothing came"
        zh = "有应答" if answered else "没有应答，但已执行" if came else "没有应答，也没有收到"
        says = words(f"{self.at.target}: {en}", f"{self.at.target}：{zh}")
        return ProbeReading(not answered and came == wanted, says)

    def _count(self) -> int:
        link = read_link(self.at.target)
        assert link is not None, "the file was checked"
        told = store.command(self.at.stack, link.behind, "INFO", "commandstats")
        return int(told.get(COUNTER, {}).get("calls", 0))

    def _answered(self, timeout_s: float) -> bool:
        """On a connection of its own, that is closed afterwards."""
        parts, got, until = urlsplit(self.at.stack.addresses.links[self.at.target]), b"", time.monotonic() + timeout_s
        try:
            with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout_s) as wire:
                wire.sendall(QUESTION)
                while TEXT not in got and (left_s := until - time.monotonic()) > 0:
                    wire.settimeout(left_s)
                    if not (part := wire.recv(64)):
                        break
                    got += part
        except OSError:
            pass
        return TEXT in got


class RequestLostProbe(_ArrivalProbe[RequestLost]):
    """The way there is cut."""

    kind = "request_lost"
    Spec = RequestLost

    def seen(self) -> ProbeReading:
        return self.reading(wanted=False)


class AnswerLostProbe(_ArrivalProbe[AnswerLost]):
    """The way back is cut."""

    kind = "answer_lost"
    Spec = AnswerLost

    def seen(self) -> ProbeReading:
        return self.reading(wanted=True)
