"""Item *live sum*: the checksums of all live tables can be read, so that they can be compared after the run."""

from __future__ import annotations

from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated


def look(ask: StartRequest) -> Iterator[Checked]:
    if ask.sum_live is None:
        yield not_evaluated("the run is on the live lane")
        return
    says = ask.sum_live()
    yield checked(True, says) if says else not_evaluated("the stores are out of reach")


ITEM = PrecheckItem(
    10, "live sum", "a checksum over every live table and stream; the same is read again after the run",
    "that the live lane stays untouched could not be shown", look, run_alone=True,
)  # fmt: skip
