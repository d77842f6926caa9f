"""Kind `terminate_backend`: PostgreSQL ends connections of an application, as an administrator does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import psycopg
from pydantic import Field

from chaos.errors import ChaosError
from chaos.kinds import Detail, FaultKind
from chaos.probing import NotSteady, Probe, ProbeReading, words
from harness.stack import Stack
from plans.models.fault import FaultSpec, Fits, ProbeSpec
from plans.models.partial import Contradiction

TIMEOUT_S = 3
FIND = """select pid, backend_start::text from pg_stat_activity
where backend_type = 'client backend' and pid <> pg_backend_pid() and datname = current_database()
and (%(application)s::text is null or application_name = %(application)s) order by backend_start"""


class Backend(FaultSpec):
    """The connections of `application` (its application_name; left out: all of them) to the ledger's database."""

    FITS: ClassVar = {"terminate_backend": Fits(("reconnects",), ("backends_gone",), ("part_ready",))}
    kind: Literal["terminate_backend"]
    application: str | None = Field(default=None, min_length=1)

    def misplaced(self, targets: tuple[str, ...]) -> Iterator[Contradiction]:
        if targets != ("postgres",):
            yield Contradiction(("targets",), f"terminate_backend on {', '.join(targets)}", "postgres alone")


class BackendKind(FaultKind[Backend]):
    """Over at once: a client that lost its connection makes a new one."""

    kind = "terminate_backend"
    Spec = Backend

    def touches(self, spec: Backend, target: str) -> tuple[str, ...]:
        return ("postgres",)

    def part(self, detail: Detail) -> str:
        return "postgres"

    def prepare(self, stack: Stack, spec: Backend, target: str) -> Detail:
        found = _ask(stack, FIND, {"application": spec.application})
        return {"backends": [[pid, began] for pid, began in found], "application": spec.application}

    def inject(self, stack: Stack, detail: Detail) -> None:
        pids = [pid for pid, _ in detail["backends"]]
        _ask(stack, "select pg_terminate_backend(pid) from unnest(%(pids)s::int[]) pid", {"pids": pids})

    def momentary(self, detail: Detail) -> bool:
        return True

    def in_force(self, stack: Stack, detail: Detail) -> bool:
        return not alive(stack, detail)

    def undo(self, stack: Stack, detail: Detail) -> None:
        """Nothing: the clients connect again."""

    def undone(self, stack: Stack, detail: Detail) -> bool:
        return True


def alive(stack: Stack, detail: Detail) -> int:
    """How many of the very connections are still there: a pid that was given to another one does not count."""
    now = {(pid, began) for pid, began in _ask(stack, FIND, {"application": detail["application"]})}
    return sum((pid, began) in now for pid, began in detail["backends"])


def _ask(stack: Stack, question: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    try:
        with psycopg.connect(stack.addresses.postgres_url, connect_timeout=TIMEOUT_S, autocommit=True) as ledger:
            ledger.execute(f"set statement_timeout = '{TIMEOUT_S}s'")
            return ledger.execute(question.encode(), values).fetchall()
    except psycopg.Error as exc:
        raise ChaosError(f"postgres: {exc}") from exc


class BackendsGone(ProbeSpec):
    """None of the very connections is left."""

    kind: Literal["backends_gone"]


class BackendsGoneProbe(Probe[BackendsGone]):
    """By pid and start."""

    kind = "backends_gone"
    Spec = BackendsGone

    def look(self) -> ProbeReading:
        count = len(self.at.detail["backends"])
        if not count:
            raise NotSteady(f"nobody is connected to PostgreSQL as {self.at.detail['application'] or 'a client'}")
        return self._seen(count)

    def seen(self) -> ProbeReading:
        return self._seen(alive(self.at.stack, self.at.detail))

    def _seen(self, left: int) -> ProbeReading:
        count = len(self.at.detail["backends"])
        text = f"{left} of {count} connections are left"
        return ProbeReading(not left, words(text, f"{count} 条连接中还剩 {left} 条"))
