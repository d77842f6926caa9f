"""Item *ceiling*: the generator can send what the plan asks for."""

from __future__ import annotations

from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated


def look(ask: StartRequest) -> Iterator[Checked]:
    if ask.ceiling_rps is None:
        yield not_evaluated("not measured with --scale; where the generator is the limit, the run is INVALID")
        return
    says = f"{ask.taps_rps:,.0f} taps/s at the peak, {ask.ceiling_rps:,.0f} carried when calibrated"
    yield checked(ask.taps_rps <= ask.ceiling_rps, says)


ITEM = PrecheckItem(
    14, "ceiling", "the taps' peak, beside what generator and front carried together when they were calibrated",
    "this machine does not carry the load", look, run_alone=True,
)  # fmt: skip
