"""Item *approval*: a name, where one is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.guard.precheck import StartRequest
from tests.support.start_request import entry, of


@pytest.mark.parametrize(
    ("needed", "name", "state", "says"),
    [
        pytest.param(False, None, "not_evaluated", "no system asks for it", id="nobody asks"),
        pytest.param(True, None, "refused", "here asks for a name: --approved-by NAME", id="no name"),
        pytest.param(True, "Ann", "refused", "Ann starts the run, and cannot approve it as well", id="one's own"),
        pytest.param(True, "bob", "good", "approved by bob", id="another person's"),
    ],
)
def test_a_name_where_one_is_asked_for(
    whole: StartRequest, needed: bool, name: str | None, state: str, says: str
) -> None:
    (found,) = of("approval", replace(whole, allowed=entry(whole, approval=needed), approved_by=name))
    assert (found.state, found.says) == (state, says)
