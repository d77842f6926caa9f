"""A worker's clock is measured by question and answer: what its time proves, and no more."""

from __future__ import annotations

import json

import pytest

from harness.journeys import crew as crew_module
from harness.journeys.clocks import HostClock
from harness.journeys.crew import Crew
from harness.journeys.edition import edition
from harness.journeys.hosts import with_clock
from harness.journeys.joining import Secret

SECOND = 1_000_000_000
OURS = Secret(b"ours, and nobody else's")


def reading(*answers: tuple[float, float, float]) -> HostClock:
    """Of (asked, told, answered), in seconds."""
    found = HostClock()
    for answer in answers:
        found.take(*(round(at * SECOND) for at in answer))
    return found


@pytest.mark.parametrize(
    ("answers", "offset_s", "worst_s", "beyond"),
    [
        pytest.param([(10, 10.01, 10.02)], 0.0, 0.0, False, id="the same"),
        pytest.param([(10, 12.51, 10.02)], 2.5, 2.49, True, id="fast"),
        pytest.param([(10, 7.51, 10.02)], -2.5, 2.49, True, id="slow"),
        pytest.param([(10, 14, 16)], 1.0, 0.0, False, id="a slow answer proves nothing"),
        pytest.param([(10, 14, 16), (20, 20.01, 20.02)], 0.0, 0.0, False, id="the best counts"),
        pytest.param([(10, 10.01, 10.02), (20, 22, 20.02)], 0.0, 1.98, True, id="moved on the way"),
    ],
)
def test_how_far_a_clock_is(
    answers: list[tuple[float, float, float]], offset_s: float, worst_s: float, beyond: bool
) -> None:
    found = reading(*answers)
    assert (found.offset_s, found.worst_s) == (pytest.approx(offset_s), pytest.approx(worst_s))
    assert found.beyond is beyond


def test_a_clock_that_was_beyond_makes_the_account_invalid_in_words() -> None:
    own = {"valid": True, "reasons": [], "said": []}
    text = json.dumps({"worker": 1, "start_ns": 5, "generator": own}).encode()
    good = json.loads(with_clock(text, reading((10, 10.06, 10.02))))
    assert good["generator"] == own
    assert good["clock"] == {"offset_ms": 50.0, "within_ms": 10.0, "worst_ms": 40.0, "readings": 1}
    bad = json.loads(with_clock(text, reading((10, 12.51, 10.02))))["generator"]
    assert bad["valid"] is False
    assert bad["reasons"] == ["the clock of worker 1 was 2.490 s from the master's: at most 1 s"]
    assert bad["said"] == [{"says": "clock_apart", "data": {"worker": 1, "apart_s": 2.49}}]
    assert with_clock(text, None) == text


def asked(monkeypatch: pytest.MonkeyPatch, **more: object) -> Crew:
    """A crew of one worker, `w`, that answered with this beside its proof."""
    monkeypatch.setattr(crew_module, "wall_ns", lambda: 10 * SECOND)
    found = Crew(OURS)
    nonce = found.ask(["w"])["w"]
    found.introduced("w", {"asked_ns": 10 * SECOND, "clock_ns": 10 * SECOND, "edition": edition()} | more)
    found.answered("w", OURS.proof(nonce, "w"))
    return found


def test_who_knows_the_secret_and_runs_the_same_code_is_a_member(monkeypatch: pytest.MonkeyPatch) -> None:
    good = asked(monkeypatch)
    assert (good.members(), good.strangers(), good.beyond("w")) == (["w"], {}, "")
    other = asked(monkeypatch, edition="0123456789abcdef")
    assert other.members() == []
    assert (
        f"runs other code (0123456789abcdef instead of {edition()}; expected the same commit" in other.strangers()["w"]
    )
    older = asked(monkeypatch, edition=None)
    assert "runs other code (None instead of" in older.strangers()["w"]


def test_a_member_whose_clock_is_apart_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, clock_ns=13 * SECOND).beyond("w") == (
        "its clock is 3.000 s ahead of the master's; at most 1 s"
    )
    assert (
        asked(monkeypatch, clock_ns=7 * SECOND).beyond("w") == "its clock is 3.000 s behind the master's; at most 1 s"
    )
    assert asked(monkeypatch, clock_ns="soon").beyond("w") == "", "no reading"
