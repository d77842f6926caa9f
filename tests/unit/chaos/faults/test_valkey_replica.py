"""What a file may say of a Valkey made a replica. With a real Valkey: integration/chaos/test_valkey_faults.py."""

from __future__ import annotations

import pytest

from chaos.faults.valkey_replica import Replica, ReplicaKind
from tests.support.fault_shapes import as_file, misused_on_a_valkey, refusal_on_a_valkey, stack

FILE = {
    "targets": ["valkey"], "inject": {"kind": "valkey_replica"}, "heal": {"kind": "master_again"},
    "effect_probe": {"kind": "write_refused", "error": "READONLY", "within": "3s"},
    "heal_probe": {"kind": "write_accepted", "within": "5s"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *misused_on_a_valkey("valkey_replica"),
        pytest.param({"inject": {"kind": "valkey_replica", "of": "10.0.0.1"}}, "of", id="a master that may be there"),
    ],
)
def test_bad_input_is_told(change: dict[str, object], says: str) -> None:
    assert says in refusal_on_a_valkey(FILE, change)


def test_the_cell_s_own_valkey_is_touched_and_no_other() -> None:
    spec = as_file(**FILE | {"targets": ["valkey-1"]}).inject
    assert isinstance(spec, Replica)
    assert ReplicaKind().touches(spec, "valkey-1") == ("valkey-1",)
    assert ReplicaKind().part(ReplicaKind().prepare(stack(), spec, "valkey-1")) == "valkey-1"
