"""What a file may say of a Valkey made a replica. With a real Valkey: integration/chaos/test_valkey_faults.py."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from chaos.faults.valkey_replica import Replica, ReplicaKind
from tests.support.fault_shapes import as_file, stack

FILE = {
    "targets": ["valkey"], "inject": {"kind": "valkey_replica"}, "heal": {"kind": "master_again"},
    "effect_probe": {"kind": "write_refused", "error": "READONLY", "within": "3s"},
    "heal_probe": {"kind": "write_accepted", "within": "5s"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"targets": ["postgres"]}, "valkey_replica on postgres", id="another store"),
        pytest.param({"targets": ["front-valkey"]}, "valkey_replica on front-valkey", id="a link"),
        pytest.param({"heal": {"kind": "restart"}}, "restart does not undo valkey_replica", id="another kind's heal"),
        pytest.param(
            {"effect_probe": {"kind": "process_gone", "within": "1s"}}, "cannot see valkey_replica", id="a blind probe"
        ),
        pytest.param({"inject": {"kind": "valkey_replica", "of": "10.0.0.1"}}, "of", id="a master that may be there"),
    ],
)
def test_bad_input_is_told(change: dict[str, object], says: str) -> None:
    assert isinstance(as_file(**FILE | {"targets": ["valkey", "valkey-1"]}).inject, Replica)
    with pytest.raises(ValidationError) as told:
        as_file(**(FILE | change))
    assert says in str(told.value)


def test_the_cell_s_own_valkey_is_touched_and_no_other() -> None:
    spec = as_file(**FILE | {"targets": ["valkey-1"]}).inject
    assert isinstance(spec, Replica)
    assert ReplicaKind().touches(spec, "valkey-1") == ("valkey-1",)
    assert ReplicaKind().part(ReplicaKind().prepare(stack(), spec, "valkey-1")) == "valkey-1"
