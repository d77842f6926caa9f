"""What a run that went otherwise still says: nothing unknown is a failure, nothing blind or unbalanced is green."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.orchestrate.account import RoundAccount, RunAccount
from harness.orchestrate.chosen import Chosen
from harness.orchestrate.outcome import _blind, _slow, _unbalanced, _warnings, generator_of, steal_of
from harness.orchestrate.rounds import OF_THE_WHOLE, not_evaluated
from harness.runs.percentiles import Percentiles
from harness.runs.record import JourneyResult, Latency
from harness.runs.state import MoneySample
from harness.verdict import Evidence, Reason, decide
from plans.models.traffic import Journey
from tests.support.sample_run import sample_lock

LOCK = sample_lock()
KNOWN: dict[str, float | int | None] = {target.indicator: target.expected for target in LOCK.targets}
SPONSORS = {name for name in KNOWN if name.startswith("sponsor_")}


def gathered(
    unsettled: int | None = None, samples: list[tuple[float, MoneySample]] | None = None, **more: Any
) -> RunAccount:
    """The account of a run of one round."""
    return RunAccount([RoundAccount(unsettled=unsettled, samples=samples or [])], **more)


ORDER = cast(Any, SimpleNamespace(lane="stress"))


@pytest.mark.parametrize(
    ("got", "actuals", "names"),
    [
        pytest.param(gathered(unsettled=0), KNOWN, set(), id="a whole run"),
        pytest.param(gathered(unsettled=3), KNOWN, set(), id="a whole run owes every answer"),
        pytest.param(gathered(unsettled=0), KNOWN | {"drain_s": None}, set(), id="and every figure"),
        pytest.param(gathered(stopped="x", unsettled=0), KNOWN, OF_THE_WHOLE | SPONSORS, id="stopped, settled"),
        pytest.param(gathered(stopped="x", unsettled=2), KNOWN, OF_THE_WHOLE | SPONSORS | {"wins_residue"},
                     id="stopped with open answers: a win behind a 202 is not missing"),
        pytest.param(gathered(stopped="x"), KNOWN, OF_THE_WHOLE | SPONSORS | {"wins_residue"},
                     id="stopped, nobody could ask"),
        pytest.param(gathered(stopped="x", unsettled=0), {}, set(KNOWN), id="stopped before anything was known"),
    ],
)  # fmt: skip
def test_what_is_not_evaluated(got: RunAccount, actuals: dict[str, float | int | None], names: set[str]) -> None:
    assert not_evaluated(LOCK, got, actuals) == names


@pytest.mark.parametrize(
    ("steal", "codes"),
    [
        pytest.param(None, [], id="nobody tells"),
        pytest.param(0.01, [], id="no more than a p99 leaves out"),
        pytest.param(0.043, ["cpu_steal"], id="more"),
    ],
)
def test_a_host_that_takes_the_machine_away_is_told(steal: float | None, codes: list[str]) -> None:
    own = {"valid": True, "cpu_max": 0.5, "late": 0, "steal": steal, "steal_max": steal and 0.31}
    found = steal_of({"generator": own})
    assert [reason.code for reason in found] == codes
    assert not found or "4.3% of its CPU time" in found[0].text
    assert not found or "31% in the worst" in found[0].text
    decision = decide(Evidence(warnings=found, failures=[Reason(code="journey_slow", text="slow")]))
    assert (decision.verdict, [reason.code for reason in decision.reasons]) == ("FAIL", ["journey_slow", *codes])
    assert steal_of(None) == []
    assert generator_of({"generator": own}, 9.0).steal == steal


def test_a_lane_out_of_balance_is_never_green() -> None:
    def last(*looks: int | None) -> list[Reason]:
        return _unbalanced(ORDER, gathered(samples=[(0.0, MoneySample(imbalance_fen=fen)) for fen in looks]))

    assert last() == last(None, None) == last(777, 0) == last(0, None) == []
    (found,) = last(0, -777, None)
    assert (found.code, found.text) == ("lane_unbalanced", "lane stress is out of balance by -777 fen")
    assert decide(Evidence(failures=[found])).verdict == "FAIL"


@pytest.mark.parametrize(
    ("bound", "times", "code"),
    [
        pytest.param("200ms", Percentiles(p99=250.0, max=900.0), ["journey_slow"], id="above"),
        pytest.param("200ms", Percentiles(p99=None, max=900.0), ["journey_slow"], id="few answers: the slowest"),
        pytest.param("300ms", Percentiles(p99=250.0, max=900.0), [], id="within"),
        pytest.param("300ms", Percentiles(), [], id="nothing sent"),
        pytest.param(None, Percentiles(p99=250.0), [], id="no objective"),
    ],
)
def test_a_journey_slower_than_its_objective_fails(bound: str | None, times: Percentiles, code: list[str]) -> None:
    reads = Journey.model_validate({"shot": "wallet", "journey": "reads", "share": "20%", "response_p99": bound})
    order = cast(Any, SimpleNamespace(loaded=SimpleNamespace(plan=SimpleNamespace(beside=(reads,)))))
    one = JourneyResult(
        round=1, journey="reads", shot="wallet", scheduled=0, sent=0, dropped=0, unsent=0, outcomes={},
        latency_ms=Latency(response=times),
    )  # fmt: skip
    found = _slow(order, {(1, "tap"): one.model_copy(update={"journey": "tap"}), (1, "reads"): one})
    assert [reason.code for reason in found] == code
    assert all(reason.text.startswith("journey reads: response p99") for reason in found)


def test_a_stop_rule_that_saw_nothing_is_never_green() -> None:
    assert _blind(RunAccount()) == []
    (found,) = _blind(RunAccount(blind=["imbalance_fen"]))
    assert decide(Evidence(no_data=[found])).verdict == "NO_DATA"


@pytest.mark.parametrize("more", ["invalid", "failures", "no_data", "warnings"])
def test_an_interruption_stays_one_whatever_else_was_found(more: str) -> None:
    because = Reason(code="interrupted", text="by hand")
    decision = decide(Evidence(aborted=because, **{more: [Reason(code="x", text="x")]}))  # type: ignore[arg-type]
    assert (decision.verdict, decision.exit_code) == ("ABORTED", 3)
    assert decision.reasons[0] == because


def test_a_tool_that_is_missing_is_a_warning_with_its_name() -> None:
    chosen = cast(Chosen, SimpleNamespace(smaller=False))
    found = _warnings(chosen, ("prometheus",))
    assert [(one.code, one.says, one.data) for one in found] == [
        ("prometheus_missing", "tool_missing", {"tool": "prometheus"})
    ]
    assert found[0].text.startswith("prometheus is missing")
