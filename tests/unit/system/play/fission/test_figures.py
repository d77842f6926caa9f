"""Fission's metrics: every outcome is known beforehand, and stands at 0 before it happens."""

from __future__ import annotations

from system.contract.metrics import CLAIM_OUTCOMES, SHARE_OUTCOMES
from system.play.fission import figures
from system.play.fission.routes import ROUTES


def outcomes(counter: object) -> set[tuple[str, str]]:
    samples = [sample for family in counter.collect() for sample in family.samples]  # type: ignore[attr-defined]
    return {(one.labels["lane"], one.labels["outcome"]) for one in samples if one.name.endswith("_total")}


def test_each_refusal_of_a_claim_is_an_outcome() -> None:
    (claim,) = (route for route in ROUTES if route.path == "/v1/shares/claim")
    assert {error.code for error in claim.errors} < set(CLAIM_OUTCOMES)


def test_every_outcome_has_a_series_in_each_lane() -> None:
    for counter, names in ((figures.CLAIMS, CLAIM_OUTCOMES), (figures.SHARES, SHARE_OUTCOMES)):
        assert outcomes(counter) >= {(lane, name) for lane in ("live", "stress") for name in names}
