"""What a file may say of connections that are ended, and what its ledger's line is. With a real PostgreSQL:
integration/chaos/test_terminate_backend.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from chaos.errors import ChaosError
from chaos.faults import terminate_backend
from chaos.faults.terminate_backend import Backend, BackendKind, alive
from tests.support.fault_shapes import as_file, stack

FILE = {
    "targets": ["postgres"], "inject": {"kind": "terminate_backend", "application": "xiu-credit-live"},
    "heal": {"kind": "reconnects"}, "effect_probe": {"kind": "backends_gone", "within": "2s"},
    "heal_probe": {"kind": "part_ready", "within": "10s"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"targets": ["valkey"]}, "terminate_backend on valkey", id="another store"),
        pytest.param({"inject": {"kind": "terminate_backend", "application": ""}}, "at least 1", id="nobody's name"),
        pytest.param({"heal": {"kind": "restart"}}, "does not undo terminate_backend", id="another kind's heal"),
        pytest.param({"inject": {"kind": "terminate_backend", "pid": 1}}, "pid", id="an unknown key"),
    ],
)
def test_bad_input_is_told(change: dict[str, object], says: str) -> None:
    assert isinstance(as_file(**FILE).inject, Backend)
    with pytest.raises(ValidationError) as told:
        as_file(**(FILE | change))
    assert says in str(told.value)


def test_a_pid_that_was_given_to_another_connection_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[tuple[int, str]] = [(7, "10:00"), (8, "10:01")]
    asked: list[dict[str, Any]] = []

    def ask(stack: object, question: str, values: dict[str, Any]) -> list[tuple[int, str]]:
        asked.append(values)
        return list(there)

    monkeypatch.setattr(terminate_backend, "_ask", ask)
    kind, spec = BackendKind(), Backend(kind="terminate_backend", application="xiu-credit-live")
    assert kind.touches(spec, "postgres") == ("postgres",)
    detail = json.loads(json.dumps(kind.prepare(stack(), spec, "postgres")))
    assert (kind.part(detail), alive(stack(), detail), kind.in_force(stack(), detail)) == ("postgres", 2, False)
    kind.inject(stack(), detail)
    assert asked[-1] == {"pids": [7, 8]}
    there[:] = [(7, "10:05")]
    assert alive(stack(), detail) == 0
    assert BackendKind().in_force(stack(), detail)
    assert kind.momentary(detail)
    ((_, climb),) = kind.rungs(stack(), detail)
    climb()
    assert kind.undone(stack(), detail)


def test_a_postgresql_that_is_away_is_told() -> None:
    away = stack(addresses=stack(postgres_url="postgresql://127.0.0.1:1/xiu"))
    with pytest.raises(ChaosError, match="postgres: "):
        BackendKind().inject(away, {"backends": [[1, "x"]], "application": None})
