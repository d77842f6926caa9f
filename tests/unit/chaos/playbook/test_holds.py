"""Two runs and one switch: a lane is every cell of it, two cells are two places."""

from __future__ import annotations

import pytest

from chaos.playbook.engine import _shared


@pytest.mark.parametrize(
    ("held", "wanted", "shared"),
    [
        pytest.param("live", "live", True, id="one lane"),
        pytest.param("live", "stress", False, id="two lanes"),
        pytest.param("live", "live 1", True, id="a cell of the lane"),
        pytest.param("live 1", "live", True, id="the lane of the cell"),
        pytest.param("live 1", "live 1", True, id="one cell"),
        pytest.param("live 1", "live 2", False, id="two cells"),
        pytest.param("live 1", "live 12", False, id="two cells whose numbers begin alike"),
        pytest.param("live 1", "stress 1", False, id="two lanes of one cell"),
    ],
)
def test_what_two_runs_share(held: str, wanted: str, shared: bool) -> None:
    assert _shared([("a", held), ("b", "live")], [("a", wanted)]) == (["a"] if shared else [])
