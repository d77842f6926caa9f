"""`xiu switch set`: a value that the switch cannot have is one sentence, before anything is asked of a stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from system.contract.switches import SWITCHES
from xiu.cli import main
from xiu.commands.switch import _rows


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param(["draw.shed_percent", "101"], 2, "from 0 to 100 percent", id="out of range"),
        pytest.param(["draw.shed_percent", "ten"], 2, "'ten'; expected a whole number", id="a word"),
        pytest.param(["draw.shed_percent", "on"], 2, "'on'; expected a whole number", id="on is no percentage"),
        pytest.param(["draw.award", "2"], 2, "from 0 to 1 on/off", id="a bool of two"),
        pytest.param(["draw.delay_ms", "1.5"], 2, "from 0 to 5000 ms", id="a fraction"),
        pytest.param(["draw.shed_precent", "1"], 2, "did you mean draw.shed_percent?", id="no such switch"),
        pytest.param(["stress.accept", "off", "--lane", "stress"], 2, "has no lane", id="a lane where there is none"),
        pytest.param(["draw.award", "off"], 5, "no stack runs", id="sound, and no stack"),
    ],
)
def test_a_value_of_another_type_or_out_of_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, says: str
) -> None:
    assert main(["switch", "set", *words, "--var", str(tmp_path)]) == code
    told = capsys.readouterr().err
    assert says in told
    assert "Traceback" not in told


def test_a_value_that_is_not_the_default_is_marked_and_the_default_named() -> None:
    switch = next(one for one in SWITCHES if one.key == "draw.shed_percent")
    (row,) = _rows(switch, {"live": 0, "stress": 0})
    assert row == "  draw.shed_percent              0 percent  0 to 100"
    live, stress = _rows(switch, {"live": 0, "stress": 30})
    assert live == "  draw.shed_percent              0 percent  0 to 100  lane live"
    assert stress == "* draw.shed_percent             30 percent  0 to 100, default 0  lane stress"
