"""PostgreSQL ends the connections of one application, and of nobody else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from chaos.faults.terminate_backend import Backend, BackendKind, BackendsGoneProbe
from chaos.probing import NotSteady, ProbeAim
from tests.support.stores import wait_until


def test_the_connections_of_one_application_are_ended(postgres_dsn: str) -> None:
    stack = cast(Any, SimpleNamespace(addresses=SimpleNamespace(postgres_url=postgres_dsn)))
    kind, spec = BackendKind(), Backend(kind="terminate_backend", application="credit-test")
    with pytest.raises(NotSteady, match="nobody is connected to PostgreSQL as credit-test"):
        BackendsGoneProbe(
            None, ProbeAim(stack, spec, "postgres", kind.prepare(stack, spec, "postgres")), "effect"
        ).look()  # type: ignore[arg-type]
    with (
        psycopg.connect(postgres_dsn, application_name="credit-test", autocommit=True) as mine,
        psycopg.connect(postgres_dsn, application_name="another", autocommit=True) as other,
    ):
        detail = kind.prepare(stack, spec, "postgres")
        probe = BackendsGoneProbe(None, ProbeAim(stack, spec, "postgres", detail), "effect")  # type: ignore[arg-type]
        assert not probe.look().yes
        assert not kind.in_force(stack, detail)
        kind.inject(stack, detail)
        with pytest.raises(psycopg.OperationalError):
            mine.execute("select 1")
        assert other.execute("select 1").fetchone() == (1,)
        # A back end says that it ends, and is gone from the list a moment later.
        wait_until(lambda: probe.seen().yes, 20, "nobody is connected any more")
        assert kind.in_force(stack, detail)
        assert kind.momentary(detail)
