"""Calls outside during a run, from the processes' own counts: what came since, also where one began anew."""

from __future__ import annotations

import pytest

from harness.orchestrate import outside
from harness.orchestrate.outside import OutsideCalls
from harness.runs.guarded import OutsideProof
from harness.watch.prom import PromError
from system.contract.places import Place

PLACES = [
    Place("play", "play", metrics_url="http://play"),
    Place("credit-stress", "credit", lane="stress", metrics_url="http://credit"),
    Place("control", "control", metrics_url="http://control"),
    Place("front-0", "front"),
]


def samples(lane: str, outcome: str, count: float) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    labels = frozenset({("party", "bank"), ("lane", lane), ("outcome", outcome)})
    return {("hongbao_outside_calls_total", labels): count, ("hongbao_outside_calls_created", labels): 9e9}


@pytest.mark.parametrize(
    ("before", "after", "proof"),
    [
        pytest.param(
            samples("stress", "answered", 3), samples("stress", "answered", 8), OutsideProof(
                calls=10, denied=0, into_party=0, into_double=0), id="two processes, five calls each",
        ),
        pytest.param(
            samples("stress", "answered", 3), samples("stress", "answered", 2), OutsideProof(
                calls=4, denied=0, into_party=0, into_double=0), id="both were started again",
        ),
        pytest.param(
            samples("stress", "denied", 1), samples("stress", "denied", 2), OutsideProof(
                calls=0, denied=2, into_party=0, into_double=0), id="denied: nothing was called",
        ),
        pytest.param(
            samples("stress", "crossed", 0), samples("stress", "crossed", 1), OutsideProof(
                calls=2, denied=0, into_party=2, into_double=0), id="a party itself answered",
        ),
        pytest.param(
            samples("live", "crossed", 0), samples("live", "crossed", 1), OutsideProof(
                calls=0, denied=0, into_party=0, into_double=2), id="a double answered the public",
        ),
        pytest.param({}, None, None, id="one of them does not tell any more"),
        pytest.param(None, {}, None, id="one of them did not tell before"),
        pytest.param({}, {}, None, id="a system that calls nobody"),
    ],
)  # fmt: skip
def test_what_was_counted_since(
    monkeypatch: pytest.MonkeyPatch, before: object, after: object, proof: OutsideProof | None
) -> None:
    asked: list[str] = []

    def answering(found: object) -> None:
        def read(url: str) -> object:
            asked.append(url)
            if found is None:
                raise PromError("away")
            return found

        monkeypatch.setattr(outside, "read_metrics", read)

    answering(before)
    calls = OutsideCalls(PLACES)
    answering(after)
    assert calls.proof() == proof
    assert set(asked) <= {"http://play/metrics", "http://credit/metrics"}
    assert (proof.astray if proof else 0) == {"denied": 2, "crossed": 2}.get(_outcome(after), 0)


def _outcome(found: object) -> str:
    keys = list(found) if isinstance(found, dict) else []
    return dict(keys[0][1])["outcome"] if keys else ""
