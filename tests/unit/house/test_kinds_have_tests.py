"""One file and one test each: every fault kind, probe, action, switch and item of the pre-check has a test file named
after its own.
"""

from __future__ import annotations

import re

import pytest

from chaos.faults import kinds
from tests.house import FILES

ROOMS = ("chaos/faults", "chaos/probes", "chaos/playbook/actions", "system/contract/switches", "harness/guard/precheck")
NO_KIND = {"system/contract/switches/declared", "harness/guard/precheck/shape", "harness/guard/precheck/tagging"}
"""What a switch and an item are; their tests are those of the folder. How a tag is shown: by the two items' tests."""


@pytest.mark.parametrize("room", ROOMS)
def test_each_has_its_test(room: str) -> None:
    """With at least one test in it."""
    mine = [name.removesuffix(".py") for name in FILES if re.fullmatch(rf"{room}/[a-z]\w*\.py", name)]
    assert mine
    missing = [
        name for name in mine
        if name not in NO_KIND and f"tests/unit/{room}/test_{name.rpartition('/')[2]}.py" not in FILES
    ]  # fmt: skip
    assert missing == []


def test_a_fault_kind_s_file_has_its_name() -> None:
    assert {kind: type(one).__module__ for kind, one in kinds().items()} == {
        kind: f"chaos.faults.{kind}" for kind in kinds()
    }
