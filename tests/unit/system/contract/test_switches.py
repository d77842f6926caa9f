"""Run-time switches: each is sound, stands once, and is read by exactly who is said to read it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import system
from system.contract.errors import BadRequest, SettingsError
from system.contract.found import Piece
from system.contract.ids import LANES
from system.contract.switches import SWITCHES, Switch, checked, has_lane, lanes_of, once
from system.credit.switches import MINE

ROOT = Path(system.__file__).parent
KEY = re.compile(r"[a-z]+\.[a-z]+(_[a-z]+)*")
SOUND: dict[str, Any] = {
    "key": "draw.x", "type": "percent", "default": 5, "lower": 0, "upper": 10, "readers": ("front",), "meaning": "x",
}  # fmt: skip


@cache
def read_in(package: str) -> frozenset[str]:
    """Keys of switches that stand as text in a part's code."""
    texts: set[str] = set()
    for file in (ROOT / package).rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        texts |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    heads = {switch.key.partition(".")[0] for switch in SWITCHES}
    return frozenset(text for text in texts if KEY.fullmatch(text) and text.partition(".")[0] in heads)


@pytest.mark.parametrize("reader", ["front", "credit"])
def test_who_is_said_to_read_a_switch_reads_it_and_nobody_reads_one_that_is_not_declared(reader: str) -> None:
    assert read_in(reader) == {switch.key for switch in SWITCHES if reader in switch.readers}


def test_credit_follows_its_own() -> None:
    assert set(MINE) == read_in("credit")


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.key)
def test_a_switch_takes_its_range_and_nothing_else(switch: Switch) -> None:
    for good in (switch.lower, switch.default, switch.upper):
        assert checked(switch.key, good) == good
        assert switch.read(str(good)) == good
    for bad in (switch.lower - 1, switch.upper + 1, "1", 1.5, None, True, [1], "ten"):
        with pytest.raises(BadRequest) as told:
            checked(switch.key, bad)
        assert str(told.value).startswith(f"{switch.key} = ")
        assert f"expected a whole number from {switch.lower} to {switch.upper} {switch.unit}" in str(told.value)
        assert "\n" not in str(told.value)
    for lane in LANES if has_lane(switch.key) else ():
        assert lanes_of(switch.key, lane) == (lane,)
    assert switch.meaning
    assert switch.unit


@pytest.mark.parametrize(
    ("text", "value"),
    [("on", 1), ("off", 0), ("1", 1), ("-1", -1), ("yes", "yes"), ("1.0", "1.0"), ("²", "²"), ("9" * 40, "9" * 40)],
)
def test_what_a_person_types_for_a_bool(text: str, value: int | str) -> None:
    assert next(switch for switch in SWITCHES if switch.key == "draw.award").read(text) == value


def test_on_and_off_are_no_percentage() -> None:
    assert next(switch for switch in SWITCHES if switch.key == "draw.shed_percent").read("on") == "on"


def test_an_unknown_key_is_told_with_what_was_meant() -> None:
    with pytest.raises(BadRequest, match=r"no switch 'draw.shed_precent'; .*; did you mean draw.shed_percent\?"):
        checked("draw.shed_precent", 1)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param({"type": "speed"}, "type speed is none of bool, percent, ms, count", id="a type there is not"),
        pytest.param({"type": "bool"}, "a bool is 0 or 1", id="a bool of ten"),
        pytest.param({"lower": -1}, "are not below 0", id="less than nothing"),
        pytest.param({"type": "count"}, "a count says what it counts", id="a count of what"),
        pytest.param({"counts": "records"}, "nothing else does", id="a percentage of what"),
        pytest.param({"default": 11}, "its default 11 is out of its range", id="a default out of range"),
        pytest.param({"scope": (), "red": 11}, "its red value 11 is out of its range", id="red out of range"),
        pytest.param({"red": 0}, "a red value holds in all lanes", id="red in one lane"),
        pytest.param({"scope": ("cell",)}, "a cell has a value of its own within a lane", id="a cell without a lane"),
        pytest.param({"key": "draw x"}, "its key is small letters", id="a key with a blank"),
        pytest.param({"key": ""}, "its key is small letters", id="no key"),
        pytest.param({"key": 7}, "its key is small letters", id="a number as key"),
        pytest.param({"meaning": " "}, "it does not say what it means", id="no meaning"),
        pytest.param({"lower": 0.5}, "its bounds are whole numbers", id="half a percent"),
        pytest.param({"upper": "10"}, "its bounds are whole numbers", id="a text as bound"),
        pytest.param({"upper": 10**30}, "its bounds are whole numbers of", id="more than the ledger keeps"),
        pytest.param({"scope": ("lan",)}, "its scope is some of lane, cell", id="a scope there is not"),
        pytest.param({"scope": "lane"}, "its scope is some of lane, cell, a tuple", id="a text as scope"),
        pytest.param({"readers": ()}, "its readers are some of front, credit", id="nobody reads it"),
        pytest.param({"readers": ("play",)}, "its readers are some of front, credit", id="somebody else reads it"),
    ],
)
def test_one_that_contradicts_itself_is_refused(more: dict[str, Any], says: str) -> None:
    assert Switch(**SOUND).by_lane
    with pytest.raises(ValueError, match=re.escape(f"switch {(SOUND | more)['key']}: ")) as told:
        Switch(**(SOUND | more))
    assert says in str(told.value)


def test_a_switch_declared_twice_is_one_sentence_with_both_files() -> None:
    first, second = (Piece(Path(name), ModuleType(name)) for name in ("a.py", "b.py"))
    for piece in (first, second):
        vars(piece.module)["SWITCHES"] = (Switch(**SOUND),)
    with pytest.raises(
        SettingsError, match=r"^b\.py:1: switch draw\.x stands in a\.py:1 as well; expected each switch once$"
    ):
        once([first, second])
