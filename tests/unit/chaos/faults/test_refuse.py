"""A link refused: its proxy disabled, no toxic at all; enabled again by the ledger's line alone.

On a real link: integration/chaos/test_toxiproxy.py (disabled, enabled).
"""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from chaos import links
from chaos.faults.refuse import Refuse, RefuseKind
from tests.support.fault_shapes import FakeToxiproxy, as_file, stack

FILE = {
    "targets": ["play-postgres"], "inject": {"kind": "refuse"}, "heal": {"kind": "enable"},
    "effect_probe": {"kind": "link_silent", "within": "3s"}, "heal_probe": {"kind": "link_answers", "within": "5s"},
}  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeToxiproxy:
    server = FakeToxiproxy.of("play-postgres", "credit-postgres")
    monkeypatch.setattr(links, "api", lambda stack, part: server)
    return server


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"targets": ["play"]}, "refuse on play", id="a part"),
        pytest.param({"heal": {"kind": "remove_toxics"}}, "does not undo refuse", id="the heal of toxics"),
        pytest.param(
            {"effect_probe": {"kind": "round_trip_rises", "within": "3s"}}, "cannot see refuse", id="no sight"
        ),
        pytest.param({"inject": {"kind": "refuse", "toxics": []}}, "toxics", id="an unknown key"),
    ],
)
def test_bad_input_is_told(change: dict[str, object], says: str) -> None:
    assert as_file(**FILE).inject == Refuse(kind="refuse")
    with pytest.raises(ValidationError) as told:
        as_file(**(FILE | change))
    assert says in str(told.value)


def test_disabled_and_enabled_by_the_line_alone(server: FakeToxiproxy) -> None:
    kind, spec = RefuseKind(), Refuse(kind="refuse")
    assert kind.touches(spec, "play-postgres") == ("toxiproxy",)
    detail = json.loads(json.dumps(kind.prepare(stack(), spec, "play-postgres")))
    assert (detail["toxics"], kind.in_force(stack(), detail), server.calls) == ([], False, [])
    kind.inject(stack(), detail)
    assert server.calls == ["disable"]
    assert kind.in_force(stack(), detail)
    assert not kind.undone(stack(), detail)
    assert server.links["credit-postgres"].enabled
    RefuseKind().rungs(stack(), detail)[0][1]()  # another process's, which never saw the injection
    assert kind.undone(stack(), detail)
    assert not kind.in_force(stack(), detail)
