"""Item *forecast*: the forecast is locked in the run's folder, as it was computed."""

from __future__ import annotations

from collections.abc import Iterator

from harness.forecast.lock import LockBroken
from harness.guard.precheck.shape import Checked, LoadItem, LoadRequest, checked, not_evaluated


def look(ask: LoadRequest) -> Iterator[Checked]:
    if ask.check_lock is None:
        yield not_evaluated("nothing is judged by a forecast")
        return
    try:
        sha256 = ask.check_lock()
    except LockBroken as exc:
        yield checked(False, str(exc))
        return
    yield checked(True, f"locked, sha256 {sha256[:16]}…")


ITEM = LoadItem(
    21, "forecast", "`forecast.lock.json` in the run's folder, read back and compared by its sha256",
    "the forecast is not locked as it was computed", look, run_alone=True,
)  # fmt: skip
