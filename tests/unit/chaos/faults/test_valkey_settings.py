"""What a file may say of changed settings. With a real Valkey: integration/chaos/test_valkey_faults.py."""

from __future__ import annotations

import pytest

from chaos.faults.valkey_settings import Settings, SettingsKind
from tests.support.fault_shapes import as_file, misused_on_a_valkey, refusal_on_a_valkey

FILE = {
    "targets": ["valkey"], "inject": {"kind": "valkey_settings", "settings": {"maxmemory": "1"}},
    "heal": {"kind": "set_back"},
    "effect_probe": {"kind": "write_refused", "error": "OOM", "within": "3s"},
    "heal_probe": {"kind": "write_accepted", "within": "5s"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *misused_on_a_valkey("valkey_settings"),
        pytest.param(
            {"inject": {"kind": "valkey_settings", "settings": {"maxclients": "1"}}},
            "maxclients is not changed by a fault",
            id="what would keep the healer out",
        ),
        pytest.param(
            {"inject": {"kind": "valkey_settings", "settings": {"maxmemory": "1mb"}}},
            "1mb is not what Valkey tells",
            id="a unit that Valkey tells otherwise",
        ),
        pytest.param(
            {"inject": {"kind": "valkey_settings", "settings": {"maxmemory-policy": "LRU"}}},
            "LRU is not what",
            id="no policy",
        ),
        pytest.param({"effect_probe": {"kind": "streams_gone", "within": "1s"}}, "cannot see", id="nobody noted them"),
        pytest.param({"inject": {"kind": "valkey_settings", "settings": {}}}, "at least 1", id="nothing"),
        pytest.param(
            {"effect_probe": {"kind": "write_refused", "error": "oom", "within": "1s"}},
            "should match",
            id="no error's word",
        ),
    ],
)
def test_bad_input_is_told(change: dict[str, object], says: str) -> None:
    assert says in refusal_on_a_valkey(FILE, change)


def test_the_cell_s_own_valkey_is_touched_and_no_other() -> None:
    spec = as_file(**FILE | {"targets": ["valkey-1"]}).inject
    assert isinstance(spec, Settings)
    assert SettingsKind().touches(spec, "valkey-1") == ("valkey-1",)
