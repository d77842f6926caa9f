"""`xiu round programme FILE --round NAME`: of an evening the rounds that are named, and no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

STARTS = ("--starts-in", "2m")


def rounds(xiu: Any, *words: str) -> list[dict[str, Any]]:
    code, out, err = xiu("round", "programme", "evening", *words, "--json")
    assert code == 0, err
    found: list[dict[str, Any]] = json.loads(out)["order"]["rounds"]
    return found


def test_one_round_alone_starts_when_it_is_told_to(xiu: Any) -> None:
    whole = rounds(xiu, *STARTS)
    (one,) = rounds(xiu, "--round", "cue-2105", *STARTS)
    planned = next(each for each in whole if each["name"] == "cue-2105")
    assert {**one, "order": {**one["order"], "start_us": 0}} == {
        **planned,
        "order": {**planned["order"], "start_us": 0},
    }
    away_s = (one["order"]["start_us"] - whole[0]["order"]["start_us"]) / 1e6
    assert 0 <= away_s < 600, "in two minutes from now, as the first round of the whole would"


def test_what_is_forecast_for_the_whole_is_not_for_a_part(xiu: Any) -> None:
    for words, ties in (((), {"expected": 20_000, "gained": 110_000}), (("--round", "cue-2105"), None)):
        code, out, err = xiu("round", "programme", "evening", *words, *STARTS, "--json")
        assert (code, json.loads(out)["order"]["ties"]) == (0, ties), err
    _, said, _ = xiu("round", "programme", "evening", *STARTS)
    assert "ties: 20,000 expected, 110,000 gained in 2016, at this scale" in said


def test_several_keep_their_distance_and_their_day(xiu: Any) -> None:
    names = ("--round", "cue-2105", "--round", "cue-2036")
    on_time, soon = rounds(xiu, *names, "--date", "2016-02-07"), rounds(xiu, *names, *STARTS)
    assert [one["name"] for one in on_time] == ["cue-2036", "cue-2105"]
    for pair in (on_time, soon):
        assert pair[1]["order"]["start_us"] - pair[0]["order"]["start_us"] == 29 * 60 * 1_000_000
    whole = rounds(xiu, "--date", "2016-02-07")
    assert on_time == [one for one in whole if one["name"] in ("cue-2036", "cue-2105")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("evening", "--round", "cue-2150"), "--round cue-2150; expected one of "),
        (("evening", "--round", "cue-2063"), "did you mean cue-2036?"),
        (("--round", "cue-2105"), "no programme named"),
    ],
)
def test_a_round_that_is_not_in_it_is_refused(xiu: Any, words: tuple[str, ...], says: str) -> None:
    code, _, err = xiu("round", "programme", *words)
    assert code == 2
    assert says in err
