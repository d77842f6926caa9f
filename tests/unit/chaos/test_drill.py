"""What a drill refuses before it does anything: a target that the stack it is to run on has not. What it looks for."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos.drill import _need_targets, _timed
from chaos.library import load_faults
from harness.errors import BadInput
from harness.stack.places import Directory
from plans.models import find_drill, load_drill
from plans.models.drill import AlertWithin
from system.contract import links, places

STACK = cast(
    Any,
    SimpleNamespace(
        places=Directory(places.system(2)),
        addresses=SimpleNamespace(links={link.id: "" for link in links.links_of()}, edge={"client-front": {}}),
    ),
)


@pytest.mark.parametrize(
    "target", ["front-0", "front-1", "valkey", "credit-live", "front-valkey", "client-front", "host"]
)
def test_what_the_stack_has(target: str) -> None:
    _need_targets(STACK, [target])


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        pytest.param("front-2", "front-", id="a front more than there are"),
        pytest.param("valkey-1", "valkey", id="a cell more than there are"),
        pytest.param("credit-live-1", "credit-live", id="its worker"),
        pytest.param("front-valkey-1", "front-valkey", id="its link"),
        pytest.param("prometheus-targets", "", id="a link that has no proxy here"),
    ],
)
def test_what_it_has_not_is_one_sentence_with_what_was_meant(target: str, meant: str) -> None:
    with pytest.raises(BadInput, match=f"this stack has no part {target}; expected one of valkey, ") as told:
        _need_targets(STACK, ["front-0", target])
    assert not meant or f"did you mean {meant}" in str(told.value)


@pytest.mark.parametrize("short", [False, True])
def test_the_alert_is_looked_for_as_long_as_the_file_says(short: bool) -> None:
    """Also where the fault itself has no length; a short drill judges no alert."""
    loaded = load_drill(find_drill("front-killed"), load_faults())
    alert = AlertWithin.model_validate({"name": "FrontDown", "within": "9s"})
    expect = loaded.drill.expect.model_copy(update={"alert": alert})
    loaded = replace(loaded, drill=loaded.drill.model_copy(update={"expect": expect}))
    (timed,) = _timed(cast(Any, SimpleNamespace(loaded=loaded, short=short)))
    assert (timed.for_s, timed.alert, timed.alert_within_s) == (0.0, None if short else "FrontDown", 0 if short else 9)
