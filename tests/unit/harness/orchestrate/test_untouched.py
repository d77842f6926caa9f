"""The live lane after a stress run: untouched, changed, in use, unknown, out of reach; each is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from harness.control_client import ControlClient
from harness.orchestrate.auditing import AuditFailed
from harness.orchestrate.outside import OutsideCalls
from harness.orchestrate.system import System
from harness.orchestrate.untouched import LiveLane
from harness.runs.guarded import LiveLaneProof, OutsideProof
from system.contract.audit import LaneSum, ShadowReport, TableSum

APART = OutsideProof(calls=7, denied=0, into_party=0, into_double=0)


def lane(fen: str) -> LaneSum:
    return LaneSum(lane="live", tables=(TableSum(name="live.posting", rows=1, checksum=fen),), streams=(), checksum=fen)


@dataclass
class Stores:
    answers: list[LaneSum | None]
    rounds: list[int] = field(default_factory=list)
    looked: LaneSum | None = None
    apart: list[int | None] = field(default_factory=list)
    leaked: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0), (0, 0)])

    def checksum(self, lane: str, apart: int | None = None) -> LaneSum | None:
        self.apart.append(apart)
        if not self.answers:
            raise AuditFailed("no answer")
        return self.answers.pop(0)

    def shadow(self, apart: int | None = None) -> ShadowReport | None:
        self.apart.append(apart)
        if self.looked is None:
            return None
        into_live, into_stress = self.leaked.pop(0)
        problems = ("only the live lane has x.y (integer)",)
        return ShadowReport(live=self.looked, problems=problems, into_live=into_live, into_stress=into_stress)

    def busy(self, lane: str) -> list[int]:
        return self.rounds


def logged(fen: str, *keys: str) -> LaneSum:
    streams = tuple(TableSum(name=key, rows=1, checksum="last 1-1") for key in keys)
    return lane(fen).model_copy(update={"streams": streams, "checksum": fen + "".join(keys)})


@pytest.mark.parametrize(
    ("now", "flushed", "failures"),
    [
        pytest.param(logged("a"), True, [], id="the flush took the streams"),
        pytest.param(logged("a"), False, ["live_lane_changed"], id="nobody flushed anything"),
        pytest.param(logged("b"), True, ["live_lane_changed"], id="money of the ledger is no flush's doing"),
        pytest.param(logged("a", "win:9"), True, ["live_lane_changed"], id="nor is a stream that was not there"),
    ],
)
def test_what_a_flush_took_on_purpose_is_no_trace_of_the_run(now: LaneSum, flushed: bool, failures: list[str]) -> None:
    stores = Stores([logged("a", "win:1", "fence:1"), now])
    looked = LiveLane(cast(System, stores), cast(ControlClient, stores), lambda kind, text: None)
    looked.before()
    found = looked.after(flushed=flushed)
    assert ([reason.code for reason in found[0]], found[1]) == (failures, [])


def test_the_publics_round_of_meanwhile_is_left_out_of_the_second_sum() -> None:
    for stores in (Stores([lane("a"), lane("a")]), Stores([], looked=lane("a"))):
        looked = LiveLane(cast(System, stores), cast(ControlClient, stores), lambda kind, text: None)
        looked.shadow()
        looked.before()
        assert looked.after(public=9) == ([], [])
        assert stores.apart[0] is None
        assert stores.apart[-1] == 9


CASES = [
    pytest.param([lane("a"), lane("a")], [], [], [], "live lane untouched: 1 table", id="untouched"),
    pytest.param([lane("a"), lane("b")], [], ["live_lane_changed"], [], "live.posting", id="changed: a failure"),
    pytest.param([lane("a"), lane("b")], [7], [], ["live_lane_in_use"], "live.posting", id="in use: no proof"),
    pytest.param([lane("a")], [], [], ["live_lane_unknown"], "could not be summed up", id="unknown"),
    pytest.param([None], [], [], [], "not evaluated", id="out of reach"),
]


@pytest.mark.parametrize(("answers", "rounds", "failures", "unknown", "says"), CASES)
def test_what_is_said(
    answers: list[LaneSum | None], rounds: list[int], failures: list[str], unknown: list[str], says: str
) -> None:
    stores, told = Stores(list(answers), rounds), list[str]()
    looked = LiveLane(cast(System, stores), cast(ControlClient, stores), lambda kind, text: told.append(text))
    looked.before()
    found = looked.after()
    assert ([r.code for r in found[0]], [r.code for r in found[1]]) == (failures, unknown)
    assert says in told[-1]


def watched(stores: Stores) -> LiveLane:
    return LiveLane(cast(System, stores), cast(ControlClient, stores), lambda kind, text: None)


def test_the_look_at_the_stress_lane_sums_up_the_live_lane_as_well() -> None:
    stores = Stores([lane("a")], looked=lane("a"))
    looked = watched(stores)
    assert looked.shadow() == ("only the live lane has x.y (integer)",)
    assert looked.before() == "1 tables, 0 streams and fences, checksum a"
    assert len(stores.answers) == 1, "it was not summed up twice"
    assert looked.after() == ([], [])


def test_without_that_look_the_live_lane_is_summed_up_on_its_own() -> None:
    looked = watched(Stores([lane("a"), lane("b")]))
    assert looked.shadow() is None
    assert looked.before().endswith("checksum a")
    assert [reason.code for reason in looked.after()[0]] == ["live_lane_changed"]


def test_stores_out_of_reach_are_no_words() -> None:
    looked = watched(Stores([None]))
    assert looked.shadow() is None
    assert looked.before() == ""
    assert looked.after() == ([], [])


@pytest.mark.parametrize(
    ("proof", "failures", "says"),
    [
        pytest.param(APART, [], "7 calls of the stress lane, all to doubles", id="all to doubles"),
        pytest.param(APART.model_copy(update={"denied": 1}), ["outside_astray"], "1 call of the", id="denied"),
        pytest.param(APART.model_copy(update={"into_party": 2}), ["outside_astray"], "2 answered by no", id="a party"),
        pytest.param(APART.model_copy(update={"into_double": 3}), ["outside_astray"], "3 live calls", id="a double"),
        pytest.param(None, [], "live lane untouched", id="not told: unknown, and no words"),
    ],
)
def test_calls_outside_that_went_astray_fail_the_run(
    proof: OutsideProof | None, failures: list[str], says: str
) -> None:
    stores, told = Stores([lane("a"), lane("a")]), list[str]()
    counts = cast(OutsideCalls, SimpleNamespace(proof=lambda: proof))
    looked = LiveLane(
        cast(System, stores), cast(ControlClient, stores), lambda kind, text: told.append(text), counts
    )  # fmt: skip
    looked.before()
    assert [reason.code for reason in looked.after()[0]] == failures
    assert says in told[-1]
    assert looked.proof is not None
    assert looked.proof.outside == proof


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        pytest.param((0, 0), (0, 0), "0 into live, 0 into stress", id="none"),
        pytest.param((3, 1), (3, 1), "0 into live, 0 into stress", id="those of an earlier run are not this one's"),
        pytest.param((3, 1), (5, 1), "2 into live, 0 into stress", id="stress records in the live lane"),
        pytest.param((0, 1), (0, 2), "0 into live, 1 into stress", id="live records in the stress lane"),
    ],
)
def test_records_of_the_wrong_lane_are_counted_in_both_directions(
    before: tuple[int, int], after: tuple[int, int], says: str
) -> None:
    stores, told = Stores([], looked=lane("a"), leaked=[before, after]), list[str]()
    looked = LiveLane(cast(System, stores), cast(ControlClient, stores), lambda kind, text: told.append(text))
    looked.shadow()
    looked.before()
    failures, unknown = looked.after()
    assert [reason.code for reason in failures] == ([] if before == after else ["lanes_mixed"])
    assert unknown == []
    assert any(says in text for text in told)
    assert any("live lane untouched" in text for text in told)


@pytest.mark.parametrize(
    ("answers", "leaked", "proof"),
    [
        pytest.param([None], [], None, id="out of reach"),
        pytest.param(
            [lane("a"), lane("a")], [], LiveLaneProof(tables=1, streams=0, before="a", after="a"), id="no leaks told"
        ),
        pytest.param([lane("a")], [], LiveLaneProof(tables=1, streams=0, before="a"), id="not read again"),
        pytest.param(
            [lane("a"), lane("b")], [],
            LiveLaneProof(tables=1, streams=0, before="a", after="b", changed=("live.posting",)), id="changed",
        ),
        pytest.param(
            [], [(3, 1), (5, 1)],
            LiveLaneProof(tables=1, streams=0, before="c", after="c", into_live=2, into_stress=0), id="leaks",
        ),
    ],
)  # fmt: skip
def test_the_proof_has_what_was_read(
    answers: list[LaneSum | None], leaked: list[tuple[int, int]], proof: LiveLaneProof | None
) -> None:
    looked = watched(Stores(list(answers), looked=lane("c") if leaked else None, leaked=list(leaked)))
    looked.shadow()
    looked.before()
    looked.after()
    assert looked.proof == proof
