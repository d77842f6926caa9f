"""Item *target*: load goes to this host, or to systems that the allow-list names."""

from __future__ import annotations

from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, LoadItem, LoadRequest, checked
from plans.models.targets import TARGETS


def look(ask: LoadRequest) -> Iterator[Checked]:
    wrong = [ask.named_at.get(url, "") + url for url in ask.served() if not ask.may_ask(url)]
    says = "every address is loopback or stands in the allow-list"
    yield checked(not wrong, f"{', '.join(wrong)} is not in {TARGETS}" if wrong else says)


ITEM = LoadItem(
    2, "target", "every address that requests go to, and the guard's allow-list", "an address is not allowed", look
)
