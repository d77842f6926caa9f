"""Matchers of an alert's labels as Alertmanager has them, and when no alert can be meant by two of them."""

from __future__ import annotations

import re

import pytest

from plans.models.matchers import LONGEST, Matcher, apart, match


@pytest.mark.parametrize(
    ("text", "labels", "taken"),
    [
        pytest.param('lane="stress"', {"lane": "stress"}, True, id="equal"),
        pytest.param("lane=stress", {"lane": "stress"}, True, id="without quotes"),
        pytest.param(' lane = "stress" ', {"lane": "live"}, False, id="another"),
        pytest.param('lane="stress"', {}, False, id="a label that is missing"),
        pytest.param('lane=""', {}, True, id="missing is empty"),
        pytest.param('lane!="stress"', {"lane": "live"}, True, id="unequal"),
        pytest.param('lane!="stress"', {}, True, id="missing is unequal"),
        pytest.param('lane!="stress"', {"lane": "stress"}, False, id="equal is not unequal"),
        pytest.param('part=~"front-[0-9]+"', {"part": "front-12"}, True, id="an expression"),
        pytest.param('part=~"front"', {"part": "front-12"}, False, id="an expression matches the whole value"),
        pytest.param('part=~"a|b"', {"part": "b"}, True, id="one of two"),
        pytest.param('part=~".*"', {}, True, id="anything, and nothing"),
        pytest.param('part=~"x.*"', {"part": "x" * (LONGEST + 1)}, False, id="a value without end"),
        pytest.param('part!~"front-.*"', {"part": "control"}, True, id="not the expression"),
        pytest.param('part!~"front-.*"', {"part": "front-0"}, False, id="the expression"),
        pytest.param(r'x="a\"b\\c"', {"x": 'a"b\\c'}, True, id="escapes"),
    ],
)
def test_what_it_takes(text: str, labels: dict[str, str], taken: bool) -> None:
    matcher = Matcher.read(text)
    assert match((matcher,), labels) is taken
    assert Matcher.read(str(matcher)) == matcher


def test_all_of_them_have_to_match() -> None:
    both = [Matcher.read(text) for text in ('lane="stress"', 'cell!="0"')]
    assert match(both, {"lane": "stress", "cell": "1"})
    assert not match(both, {"lane": "stress", "cell": "0"})
    assert match((), {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("lane", "is no matcher", id="a word"),
        pytest.param('lane~"x"', "is no matcher", id="no such comparison"),
        pytest.param('lane=="x"', "is no matcher", id="twice equal"),
        pytest.param('0lane="x"', "is no matcher", id="no label"),
        pytest.param('lane="x', "is no matcher", id="a quotation without end"),
        pytest.param(5, "is no matcher", id="a number"),
        pytest.param('alertname="X"', "is told by `alert`", id="the alert's name"),
        pytest.param('lane=~"("', "no regular expression", id="no expression"),
        pytest.param('lane=~"(?=x)"', "looks around", id="what Alertmanager does not know"),
        pytest.param(r'lane=~"(a)\\1"', "looks around or back", id="a back reference"),
        pytest.param('lane=~"(a+)+b"', "repeats what repeats itself", id="one that is tried for ever"),
    ],
)
def test_what_is_none(text: object, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        Matcher.read(text)


@pytest.mark.parametrize(
    ("one", "other", "no_alert"),
    [
        pytest.param(['lane="live"'], ['lane="stress"'], True, id="two values"),
        pytest.param(['lane="live"'], ['lane="live"'], False, id="one value"),
        pytest.param(['lane="live"'], [], False, id="one of them takes all"),
        pytest.param(['lane="live"'], ['lane!="live"'], True, id="and not it"),
        pytest.param(['lane="live"'], ['lane=~"s.*"'], True, id="a value that an expression does not take"),
        pytest.param(['lane=~"a|b"'], ['lane=~"c|d"'], True, id="two lists"),
        pytest.param(['lane=~"a|b"'], ['lane=~"b|c"'], False, id="two lists that share one"),
        pytest.param(['lane=~"a.*"'], ['lane=~"b.*"'], False, id="two expressions: not known"),
        pytest.param(['lane!="a"'], ['lane!="b"'], False, id="a third value"),
        pytest.param(['lane="a"'], ['cell="0"'], False, id="two labels"),
        pytest.param(['lane="a"', 'cell="0"'], ['cell="1"'], True, id="one label of two is enough"),
        pytest.param(['lane=""'], ['lane="a"'], True, id="no such label, and one"),
    ],
)
def test_when_no_alert_is_meant_by_both(one: list[str], other: list[str], no_alert: bool) -> None:
    mine, theirs = ([Matcher.read(text) for text in texts] for texts in (one, other))
    assert apart(mine, theirs) is no_alert
    assert apart(theirs, mine) is no_alert
