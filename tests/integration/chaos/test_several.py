"""Several faults in one run: each with its own window, probes and heal; and kinds that a real link shows."""

from __future__ import annotations

import time

from chaos.facts import Timed
from chaos.fault_ledger import injected
from chaos.library import fault
from chaos.nemesis import FaultNemesis
from harness.stack import Stack
from tests.support.disturbed import FAULTS, toxics

THIN = fault().model_validate(
    FAULTS["N1"].model_dump(mode="json")
    | {
        "id": "N3", "inject": {"kind": "bandwidth", "rate": 50}, "expires": "60s",
        "effect_probe": {"kind": "throughput_falls", "within": "20s"},
        "heal_probe": {"kind": "link_answers", "within": "5s"},
    }
)  # fmt: skip


def test_faults_that_overlap_are_each_seen_and_healed(stack: Stack) -> None:
    """A cut, a slow link, a thin pipe on that same link once it is healed."""
    began, told = time.monotonic(), list[tuple[str, str]]()
    timed = (
        Timed(THIN, "front-valkey", 3.5, 1.0),
        Timed(FAULTS["N15"], "credit-postgres", 0.0, 3.5),
        Timed(FAULTS["N1"], "front-valkey", 0.5, 1.0),
    )
    nemesis = FaultNemesis(stack.folder.path, *timed)
    nemesis.begin(lambda kind, text: told.append((kind, text)), lambda: time.monotonic() - began)
    assert nemesis.wait(90)
    report = nemesis.end()
    assert nemesis.verdict == "PASS", report.drills
    assert list(nemesis.each) == ["N15 on credit-postgres", "N1 on front-valkey", "N3 on front-valkey"]
    assert (len(report.windows), [item["verdict"] for item in report.drills]) == (3, ["PASS"] * 3)
    (cut, cut_ends), (slow, slow_ends), (thin, _) = report.windows
    assert max(cut, slow) < min(cut_ends, slow_ends), "they overlap"
    assert slow < thin
    facts = nemesis.each["N1 on front-valkey"]
    assert facts.healed_s is not None
    assert facts.healed_s <= thin, "two on one link: one after the other"
    assert facts.drained_s is not None
    assert slow_ends == facts.drained_s
    assert (injected(stack.folder.path), toxics(stack)) == ([], [])
    assert [kind for kind, _ in told].count("heal_seen") == 3
