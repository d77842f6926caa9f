"""What a file may say of changed settings. With a real Valkey: integration/chaos/test_valkey_faults.py."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from chaos.faults.valkey_settings import Settings, SettingsKind
from tests.support.fault_shapes import as_file

FILE = {
    "targets": ["valkey"], "inject": {"kind": "valkey_settings", "settings": {"maxmemory": "1"}},
    "heal": {"kind": "set_back"},
    "effect_probe": {"kind": "write_refused", "error": "OOM", "within": "3s"},
    "heal_probe": {"kind": "write_accepted", "within": "5s"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"targets": ["postgres"]}, "valkey_settings on postgres", id="another store"),
        pytest.param({"targets": ["front-valkey"]}, "valkey_settings on front-valkey", id="a link"),
        pytest.param({"heal": {"kind": "restart"}}, "restart does not undo valkey_settings", id="another kind's heal"),
        pytest.param(
            {"effect_probe": {"kind": "process_gone", "within": "1s"}}, "cannot see valkey_settings", id="a blind probe"
        ),
        pytest.param(
            {"inject": {"kind": "valkey_settings", "settings": {"maxclients": "1"}}},
            "maxclients is not changed by a fault",
            id="what would keep the healer out",
        ),
        pytest.param({"inject": {"kind": "valkey_settings", "settings": {}}}, "at least 1", id="nothing"),
        pytest.param(
            {"effect_probe": {"kind": "write_refused", "error": "oom", "within": "1s"}},
            "should match",
            id="no error's word",
        ),
    ],
)
def test_bad_input_is_told(change: dict[str, object], says: str) -> None:
    assert isinstance(as_file(**FILE | {"targets": ["valkey", "valkey-1"]}).inject, Settings)
    with pytest.raises(ValidationError) as told:
        as_file(**(FILE | change))
    assert says in str(told.value)


def test_the_cell_s_own_valkey_is_touched_and_no_other() -> None:
    spec = as_file(**FILE | {"targets": ["valkey-1"]}).inject
    assert isinstance(spec, Settings)
    assert SettingsKind().touches(spec, "valkey-1") == ("valkey-1",)
