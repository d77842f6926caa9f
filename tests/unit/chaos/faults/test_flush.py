"""FLUSHALL: on a Valkey alone; nothing takes it back, and it is known by the streams that the ledger's line has.

Under load, with what the fronts append again: plans/drills/flush.yaml, support/flush_frozen.py.
"""

from __future__ import annotations

import json
from types import TracebackType

import pytest
import valkey
from pydantic import ValidationError

from chaos.errors import ChaosError
from chaos.faults import flush
from chaos.faults.flush import Flush, FlushKind
from harness.stack import Stack
from tests.support.fault_shapes import as_file, stack

FILE = {
    "targets": ["valkey"], "inject": {"kind": "flush"}, "heal": {"kind": "appended_again"},
    "effect_probe": {"kind": "streams_gone", "within": "2s"}, "heal_probe": {"kind": "fronts_ready", "within": "10s"},
}  # fmt: skip


class Store:
    """A Valkey with streams; one that is gone refuses."""

    def __init__(self, streams: dict[str, str], gone: bool = False) -> None:
        self.streams, self.gone = streams, gone

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        """Nothing to close."""

    def flushall(self) -> None:
        if self.gone:
            raise valkey.ConnectionError("refused")
        self.streams.clear()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"targets": ["postgres"]}, "flush on postgres", id="another store"),
        pytest.param({"targets": ["front-valkey"]}, "flush on front-valkey", id="a link"),
        pytest.param({"heal": {"kind": "restart"}}, "restart does not undo flush", id="a restart brings nothing back"),
        pytest.param({"inject": {"kind": "flush", "db": 1}}, "db", id="an unknown key"),
    ],
)
def test_bad_input_is_told(change: dict[str, object], says: str) -> None:
    assert as_file(**FILE | {"targets": ["valkey", "valkey-1"]}).inject == Flush(kind="flush")
    with pytest.raises(ValidationError) as told:
        as_file(**(FILE | change))
    assert says in str(told.value)


def test_the_streams_of_one_cell_are_taken_and_it_is_known_by_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stores = {"valkey": Store({"win:a": "1-0"}), "valkey-1": Store({"win:b": "1-0"})}
    monkeypatch.setattr(flush, "streams", lambda stack, part: dict(stores[part].streams))
    monkeypatch.setattr(flush, "client", lambda stack, part: stores[part])
    kind, spec, where = FlushKind(), Flush(kind="flush"), stack()
    assert kind.touches(spec, "valkey-1") == ("valkey-1",)
    assert kind.flushes
    detail = json.loads(json.dumps(kind.prepare(where, spec, "valkey-1")))
    assert (detail, kind.part(detail)) == ({"part": "valkey-1", "streams": {"win:b": "1-0"}}, "valkey-1")
    assert not kind.in_force(where, detail)
    kind.inject(where, detail)
    assert FlushKind().in_force(where, detail)
    assert stores["valkey"].streams == {"win:a": "1-0"}
    stores["valkey-1"].streams["win:b"] = "2-0"
    assert kind.in_force(where, detail), "what was appended again is another stream"
    assert kind.momentary(detail)
    ((name, climb),) = kind.rungs(where, detail)
    climb()
    assert (name, kind.undone(where, detail)) == ("remove", True)


def test_of_a_ledger_from_before_cells_it_is_the_only_valkey() -> None:
    assert FlushKind().part({"streams": {}}) == "valkey"


def test_a_valkey_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(stack: Stack, part: str) -> Store:
        return Store({}, gone=True)

    monkeypatch.setattr(flush, "client", gone)
    with pytest.raises(ChaosError, match="valkey: FLUSHALL: refused"):
        FlushKind().inject(stack(), {"part": "valkey", "streams": {}})
