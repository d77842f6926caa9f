"""What a file may say of paused writes. With a real Valkey: integration/chaos/test_valkey_faults.py."""

from __future__ import annotations

import pytest

from chaos.faults.valkey_pause import Pause, PauseKind
from tests.support.fault_shapes import as_file, misused_on_a_valkey, refusal_on_a_valkey, stack

FILE = {
    "targets": ["valkey"], "inject": {"kind": "valkey_pause"}, "heal": {"kind": "unpause"},
    "effect_probe": {"kind": "write_waits", "within": "3s"},
    "heal_probe": {"kind": "write_accepted", "within": "5s"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *misused_on_a_valkey("valkey_pause"),
        pytest.param({"inject": {"kind": "valkey_pause", "mode": "ALL"}}, "mode", id="what nobody could end"),
    ],
)
def test_bad_input_is_told(change: dict[str, object], says: str) -> None:
    assert says in refusal_on_a_valkey(FILE, change)


def test_the_cell_s_own_valkey_is_touched_and_no_other() -> None:
    spec = as_file(**FILE | {"targets": ["valkey-1"]}).inject
    assert isinstance(spec, Pause)
    assert PauseKind().touches(spec, "valkey-1") == ("valkey-1",)
    assert PauseKind().part(PauseKind().prepare(stack(), spec, "valkey-1")) == "valkey-1"
