"""What a drill refuses before it does anything: a target that the stack it is to run on has not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos.drill import _need_targets
from harness.errors import BadInput
from harness.stack.places import Directory
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
