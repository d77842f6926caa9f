"""Item *lane*: a system elsewhere gets tagged traffic alone."""

from __future__ import annotations

from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked


def look(ask: StartRequest) -> Iterator[Checked]:
    yield checked(not ask.elsewhere or ask.lane == "stress", f"lane {ask.lane}")


ITEM = PrecheckItem(
    1, "lane", "the lane of the traffic", "a system elsewhere gets the stress lane alone, and this is another", look
)
