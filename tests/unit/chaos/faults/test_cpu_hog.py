"""A CPU hog burns, is found by the ledger's line alone, and is ended by it."""

from __future__ import annotations

import json
from typing import Any

from chaos.faults.cpu_hog import CpuBurntProbe, CpuHog, CpuHogKind, HogsGoneProbe
from chaos.probing import ProbeAim
from tests.support.stores import wait_until

NO_STACK: Any = None


def test_hogs_burn_and_end_by_the_line_alone() -> None:
    kind, spec = CpuHogKind(), CpuHog(kind="cpu_hog", processes=1)
    assert not spec.FITS.keys() - {"cpu_hog"}
    detail = json.loads(json.dumps(kind.prepare(NO_STACK, spec, "host")))
    at = ProbeAim(NO_STACK, spec, "host", detail)
    burnt, gone = CpuBurntProbe(None, at, "effect"), HogsGoneProbe(None, at, "healed")  # type: ignore[arg-type]
    assert not burnt.seen().yes
    assert not kind.in_force(NO_STACK, detail)
    kind.inject(NO_STACK, detail)
    try:
        wait_until(lambda: burnt.seen().yes, 30, "a hog that burns")
        assert kind.in_force(NO_STACK, detail)
        assert not gone.seen().yes
    finally:
        CpuHogKind().undo(NO_STACK, detail)  # another process's, which never saw the injection
    assert gone.seen().yes
    wait_until(lambda: kind.undone(NO_STACK, detail), 10, "its own children reaped")
    assert kind.outlives(detail), "it is still there when the stack is gone"
