"""Item *ceiling*: the generator can send what the plan asks for."""

from __future__ import annotations

from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated


def look(ask: StartRequest) -> Iterator[Checked]:
    peak = f"{ask.taps_rps:,.0f} taps/s at the peak"
    if ask.ceiling_rps is not None:
        yield checked(ask.taps_rps <= ask.ceiling_rps, f"{peak}, {ask.ceiling_rps:,.0f} carried when calibrated")
    elif ask.earlier_rps is not None:
        says = f"{peak}, {ask.earlier_rps:,.0f} carried by the last calibration on this machine"
        yield checked(ask.taps_rps <= ask.earlier_rps, says, otherwise="warning")
    else:
        yield not_evaluated("not measured with --scale; where the generator is the limit, the run is INVALID")


ITEM = PrecheckItem(
    14, "ceiling",
    "the taps' peak, beside what generator and front carried together when they were calibrated; "
    "with `--scale`, beside the last calibration on this machine (a warning)",
    "this machine does not carry the load", look, run_alone=True,
)  # fmt: skip
