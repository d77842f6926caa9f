"""Item *ceiling*: what was carried when calibrated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.guard.precheck import StartRequest
from tests.support.start_request import of


@pytest.mark.parametrize(
    ("ceiling_rps", "state"),
    [
        pytest.param(900.0, "good", id="as much"),
        pytest.param(899.0, "refused", id="one less"),
        pytest.param(None, "not_evaluated", id="nothing was measured"),
    ],
)
def test_the_peak_beside_what_is_carried(whole: StartRequest, ceiling_rps: float | None, state: str) -> None:
    (found,) = of("ceiling", replace(whole, ceiling_rps=ceiling_rps))
    assert found.state == state
    assert "--scale" in found.says if ceiling_rps is None else f"{ceiling_rps:,.0f} carried" in found.says


@pytest.mark.parametrize(("earlier_rps", "state"), [(900.0, "good"), (899.0, "warning")])
def test_with_a_scale_given_an_earlier_calibration_is_a_hint(
    whole: StartRequest, earlier_rps: float, state: str
) -> None:
    (found,) = of("ceiling", replace(whole, ceiling_rps=None, earlier_rps=earlier_rps))
    assert (found.state, f"{earlier_rps:,.0f} carried by the last calibration" in found.says) == (state, True)
    (found,) = of("ceiling", replace(whole, ceiling_rps=1000.0, earlier_rps=1.0))
    assert found.state == "good", "what was measured for this run counts"
