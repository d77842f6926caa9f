"""Probes of a write: what Valkey's errors are called. With a real Valkey: integration/chaos/test_valkey_faults.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import valkey

from chaos import store
from chaos.errors import ChaosError
from chaos.faults.valkey_replica import Replica
from chaos.probes import make, probes
from chaos.probing import ProbeAim


class Store:
    """Answers a write with this error; None: it is done."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error
        self.connection_pool = SimpleNamespace(connection_kwargs={})

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def execute_command(self, *words: object) -> None:
        if self._error is not None:
            raise self._error


def probe(kind: str, **more: str) -> Any:
    spec = probes()[kind].Spec.model_validate({"kind": kind, "within": "1s", **more})
    return make(spec, ProbeAim(cast(Any, None), Replica(kind="valkey_replica"), "valkey", {"part": "valkey"}), "effect")


@pytest.mark.parametrize(
    ("error", "refused", "waits", "accepted"),
    [
        pytest.param(None, False, False, True, id="done"),
        pytest.param(valkey.ReadOnlyError("You can't write"), True, False, False, id="an error with a class"),
        pytest.param(valkey.ResponseError("READONLY no"), True, False, False, id="an error without one"),
        pytest.param(valkey.ResponseError("MISCONF no"), False, False, False, id="another trouble"),
        pytest.param(valkey.TimeoutError("late"), False, True, False, id="no answer"),
    ],
)
def test_what_became_of_a_write(
    error: Exception | None, refused: bool, waits: bool, accepted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "client", lambda stack, part: Store(error))
    kinds = (probe("write_refused", error="READONLY"), probe("write_waits"), probe("write_accepted"))
    assert tuple(one.seen().yes for one in kinds) == (refused, waits, accepted)


def test_whether_it_holds_is_not_known_where_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "client", lambda stack, part: Store(valkey.ConnectionError("refused")))
    with pytest.raises(ChaosError, match="valkey: refused"):
        probe("write_accepted").seen()
