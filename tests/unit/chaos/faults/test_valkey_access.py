"""What a file may say of a right that is taken. With a real Valkey: integration/chaos/test_valkey_faults.py."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from chaos.faults.valkey_access import Access, AccessKind
from tests.support.fault_shapes import as_file

FILE = {
    "targets": ["valkey"], "inject": {"kind": "valkey_access"}, "heal": {"kind": "give_back"},
    "effect_probe": {"kind": "write_refused", "error": "NOPERM", "within": "3s"},
    "heal_probe": {"kind": "write_accepted", "within": "5s"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"targets": ["postgres"]}, "valkey_access on postgres", id="another store"),
        pytest.param({"targets": ["front-valkey"]}, "valkey_access on front-valkey", id="a link"),
        pytest.param({"heal": {"kind": "restart"}}, "restart does not undo valkey_access", id="another kind's heal"),
        pytest.param(
            {"effect_probe": {"kind": "process_gone", "within": "1s"}}, "cannot see valkey_access", id="a blind probe"
        ),
        pytest.param({"inject": {"kind": "valkey_access", "user": "x"}}, "user", id="somebody else"),
    ],
)
def test_bad_input_is_told(change: dict[str, object], says: str) -> None:
    assert isinstance(as_file(**FILE | {"targets": ["valkey", "valkey-1"]}).inject, Access)
    with pytest.raises(ValidationError) as told:
        as_file(**(FILE | change))
    assert says in str(told.value)


def test_the_cell_s_own_valkey_is_touched_and_no_other() -> None:
    spec = as_file(**FILE | {"targets": ["valkey-1"]}).inject
    assert isinstance(spec, Access)
    assert AccessKind().touches(spec, "valkey-1") == ("valkey-1",)
