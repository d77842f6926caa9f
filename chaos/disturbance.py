"""One fault in a run under load: injected at its second, proven, healed, the healing proven.

Has a thread of its own, so that faults overlap and none waits for another. Injects nothing without a watchdog.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from chaos import fault_ledger
from chaos.errors import ChaosError, External
from chaos.facts import FaultFacts, Timed
from chaos.fault_ledger import FaultLedgerEntry, Injected
from chaos.faults import home, kinds, lacking, refuse_theirs
from chaos.firing import fired_after, firing
from chaos.heal import failure, heal
from chaos.probes import FaultProbes
from chaos.probing import NotSteady, ProbeReading
from chaos.watchdog import Watchdog
from harness.errors import HarnessError
from harness.orchestrate.hooks import NowS, Tell
from harness.phrases import sentence
from harness.stack import Stack
from harness.verdict import Reason
from harness.watch.prom import PromError, read_metrics

log = logging.getLogger(__name__)

LEAVE_OUT = "XIU_TEST_LEAVE_OUT_INJECTION"
"""A test switch: everything happens but the injection itself, so that the verdict must be FAULT_NOT_EFFECTIVE."""
POLL_S = 0.02
DRAIN_S = 30.0
BACKLOG_S = 0.1
ALERT_POLL_S = 0.1
LOOK_S = 0.2
"""Seconds between two looks whether the fault is still in force."""


@dataclass(slots=True)
class FaultRun:
    """What the faults of one run share. `over`: the run has ended."""

    folder: Path
    over: threading.Event
    report: Tell
    now_s: NowS
    watchdog: Watchdog | None = None


class _Wanted(NamedTuple):
    """An alert that is looked for; `effect_s`: since then."""

    name: str
    prometheus_url: str
    effect_s: float


class Disturbance:
    """One `Timed` of a run. `facts` are whole once `join` has returned True."""

    def __init__(self, run: FaultRun, timed: Timed) -> None:
        self.timed, self.facts = timed, FaultFacts()
        self.mine: Injected | None = None
        """Its line in the ledger."""
        self.taken_back = threading.Event()
        """Its heal was tried, with whatever result; or it was never injected."""
        self._run, self._all = run, tuple[Disturbance, ...]()
        self._thread = threading.Thread(target=self._work, name=f"nemesis {timed.fault.id}", daemon=True)

    def begin(self, everyone: Sequence[Disturbance]) -> None:
        """Starts its thread. `everyone`: the faults of the same run, this one too, by their time."""
        self._all = tuple(everyone)
        self._thread.start()

    def join(self, deadline_s: float) -> bool:
        """Has it come to its end?"""
        if self._thread.ident is not None:
            self._thread.join(deadline_s)
        return not self._thread.is_alive()

    @property
    def flushed(self) -> bool:
        """It took every stream of Valkey."""
        return kinds()[self.timed.fault.inject.kind].flushes and self.facts.injected_s is not None

    @property
    def in_force(self) -> bool:
        """Injected, and its heal not tried yet."""
        return self.mine is not None and not self.taken_back.is_set()

    def nothing_left(self) -> bool:
        """May the watchdog end? Only where the fault is healed and the ledger says so, whatever was raised
        meanwhile.
        """
        if self.mine is None:
            return True
        try:
            return self.facts.healed_s is not None and all(
                one.key != self.mine.key for one in fault_ledger.injected(self._run.folder)
            )
        except OSError:
            return False

    # -- on its thread

    def _work(self) -> None:
        try:
            self._disturb()
        except External as exc:
            self.facts.external = str(exc)
        except NotSteady as exc:
            self.facts.not_steady = str(exc)
        except HarnessError as exc:
            self.facts.harness_fault = str(exc).splitlines()[0]
        except Exception as exc:
            # A full disk, a bug: this fault proves nothing, and the record says why.
            log.debug("the nemesis broke", exc_info=True)
            self.facts.harness_fault = f"{type(exc).__name__}: {exc}"
        if self.facts.harness_fault:
            self._run.report("warning", sentence("harness", detail=self.facts.harness_fault))

    def _disturb(self) -> None:
        timed, facts = self.timed, self.facts
        stack = Stack.attach(self._run.folder)
        refuse_theirs(timed.fault, timed.target, stack.externals, timed.destroy)
        if (lack := lacking(timed.fault, timed.target, stack)) is not None:
            raise External(lack)
        if not self._wait_for(timed.at_s) or not self._wait_for_the_earlier():
            return
        kind = kinds()[timed.fault.inject.kind]
        detail = kind.prepare(stack, timed.fault.inject, timed.target)
        probes = FaultProbes(stack, timed.fault, timed.target, detail)
        probes.look()
        if self._run.watchdog is None or not self._run.watchdog.lives():
            raise ChaosError("the watchdog has died: nothing is injected that nobody would take back")
        entry = FaultLedgerEntry(
            timed.fault.id, timed.target, kind.kind, timed.for_s, timed.fault.expires, detail, timed.drill,
            home(kind.kind),
        )  # fmt: skip
        mine = self.mine = fault_ledger.enter(self._run.folder, entry)
        facts.momentary = kind.momentary(detail)
        try:
            facts.injected_s = self._run.now_s()
            if not os.environ.get(LEAVE_OUT):
                kind.inject(stack, detail)
            self._run.report(
                "fault_injected",
                sentence(
                    "fault_injected",
                    fault=timed.fault.id,
                    target=timed.target,
                    title_en=timed.fault.title.en,
                    title_zh=timed.fault.title.zh,
                ),
            )
            self._see_effect(probes)
            if not facts.momentary:
                self._stay(stack, mine)
        finally:
            try:
                self._heal(mine)
            finally:
                self.taken_back.set()
        self._see_heal(probes)
        if facts.momentary:
            self._see_alert(stack)
        self._see_drained(stack)
        self._look_back_for_alert(stack)

    def _wait_for(self, at_s: float) -> bool:
        """Waits until the run's second has come; False if the run is over before."""
        while (left := at_s - self._run.now_s()) > 0:
            if self._run.over.wait(min(left, POLL_S)):
                return False
        return True

    def _wait_for_the_earlier(self) -> bool:
        """Waits until earlier faults on the same target have ended; False if the run is over."""
        for other in self._all[: self._all.index(self)]:
            while other.timed.target == self.timed.target and not other.join(POLL_S):
                if self._run.over.is_set():
                    return False
        return True

    def _see_effect(self, probes: FaultProbes) -> None:
        seen = self._poll(probes.effect, self.timed.fault.effect_probe.within)
        self.facts.effect = seen.says
        if seen.yes:
            self.facts.effect_s = self._run.now_s()
            self._run.report("effect_seen", seen.says)

    def _stay(self, stack: Stack, mine: Injected) -> None:
        """Waits until its time is over, or it is gone: measured all the while."""
        until_s, looked_s = self.timed.at_s + self.timed.for_s, float("-inf")
        while True:
            if self.facts.effect_s is not None and time.monotonic() - looked_s >= LOOK_S:
                looked_s = time.monotonic()
                if not self._still_there(stack, mine):
                    return
            self._look_for_alert(stack)
            left_s = until_s - self._run.now_s()
            if left_s <= 0 or self._run.over.wait(min(left_s, LOOK_S, ALERT_POLL_S)):
                break
        if self.facts.effect_s is not None:
            self._still_there(stack, mine)

    def _still_there(self, stack: Stack, mine: Injected) -> bool:
        """A fault that went away by itself was not there as long as intended. *Not known* is not *gone*."""
        facts = self.facts
        try:
            there = kinds()[mine.kind].in_force(stack, mine.detail)
        except (HarnessError, OSError) as exc:
            facts.harness_fault = str(exc)
            return True
        facts.harness_fault = ""  # it is known again
        if not there:
            facts.over_s = self._run.now_s()
            facts.harness_fault = sentence(
                "gone_before",
                fault=mine.fault,
                target=mine.target,
                after_s=facts.over_s - (facts.injected_s or 0.0),
                of_s=self.timed.for_s,
            )
        return there

    def _see_alert(self, stack: Stack) -> None:
        """Waits for the alert, as long as the fault should last."""
        while self._run.now_s() < self.timed.at_s + self.timed.for_s and self._look_for_alert(stack):
            if self._run.over.wait(ALERT_POLL_S):
                return

    def _look_for_alert(self, stack: Stack) -> bool:
        """True while it should be looked for again."""
        if (wanted := self._wanted_alert(stack)) is None:
            return False
        if wanted.name in firing(wanted.prometheus_url):
            self._fires(wanted, self._run.now_s() - wanted.effect_s)
            return False
        return True

    def _look_back_for_alert(self, stack: Stack) -> None:
        """Did it fire while something else was looked at? A fault of no length is over before anybody could look.
        Waits as long as it may take to fire, or until the run is over.
        """
        while (wanted := self._wanted_alert(stack)) is not None:
            passed_s = self._run.now_s() - wanted.effect_s
            after_s = fired_after(wanted.prometheus_url, wanted.name, passed_s)
            if after_s is not None:
                self._fires(wanted, after_s)
            elif passed_s >= self.timed.alert_within_s or self._run.over.wait(ALERT_POLL_S):
                return

    def _wanted_alert(self, stack: Stack) -> _Wanted | None:
        """The alert that is still looked for, if there is one."""
        name, facts, url = self.timed.alert, self.facts, stack.addresses.prometheus_url
        if name is None or url is None or facts.effect_s is None or facts.alert_s is not None:
            return None
        return _Wanted(name, url, facts.effect_s)

    def _fires(self, wanted: _Wanted, after_s: float) -> None:
        self.facts.alert_s = wanted.effect_s + after_s
        self._run.report("alert", sentence("alert_fires", alert=wanted.name, after_s=after_s))

    def _heal(self, mine: Injected) -> None:
        facts = self.facts
        facts.heal_began_s = self._run.now_s()
        try:
            lines = heal(self._run.folder, {mine.key})
        except Exception as exc:
            # Whatever was raised: the watchdog lives on and tries again.
            facts.not_healed = str(exc) or type(exc).__name__
            self._run.report("not_healed", sentence("not_healed", detail=facts.not_healed.splitlines()[0]))
            return
        facts.healed_s = self._run.now_s()
        facts.rungs = [str(line) for line in lines]
        if (failed := failure(lines)) is not None:
            facts.harness_fault = facts.harness_fault or str(failed)
        what = {"fault": mine.fault, "target": mine.target}
        how = (
            sentence("healed", detail="; ".join(facts.rungs), **what)
            if facts.rungs
            else sentence("healed_by_other", **what)
        )
        self._run.report("healed", how)

    def _see_heal(self, probes: FaultProbes) -> None:
        if self.facts.healed_s is None:
            return
        seen = self._poll(probes.healed, self.timed.fault.heal_probe.within)
        if seen.yes:
            self.facts.heal_seen_s = self._run.now_s()
            self._run.report("heal_seen", seen.says)
        else:
            self.facts.not_healed = sentence(
                "heal_not_seen", within_s=self.timed.fault.heal_probe.within, seen=seen.says
            )

    def _poll(self, ask: Callable[[], ProbeReading], within_s: float) -> ProbeReading:
        """Asks until the answer is yes, at least once more after the deadline began."""
        until = time.monotonic() + within_s
        while True:
            seen = ask()
            if seen.yes or time.monotonic() > until:
                return seen
            time.sleep(POLL_S)

    def _see_drained(self, stack: Stack) -> None:
        """The first moment after the heal at which no award waits for its money. While another fault is in force the
        backlog belongs to that one too, so it is not looked at before.
        """
        urls = [place.metrics_url for place in stack.places.of("credit") if place.metrics_url]
        facts, until = self.facts, time.monotonic() + DRAIN_S
        while time.monotonic() < until:
            if any(other.in_force for other in self._all):
                facts.calm_s, until = self._run.now_s(), time.monotonic() + DRAIN_S
                time.sleep(POLL_S)
                continue
            if (waiting := backlog(urls)) == 0:
                facts.drained_s = self._run.now_s()
                self._run.report("backlog_drained", sentence("backlog_drained", after_s=facts.drain_s or 0.0))
                return
            if waiting is None and self._run.over.is_set():
                return
            time.sleep(BACKLOG_S)

    # -- for the record

    def window(self) -> tuple[float, float] | None:
        """(from, to) in run seconds: an award that overlaps it was late because of the fault."""
        facts = self.facts
        if facts.injected_s is None:
            return None
        ends = (facts.drained_s, facts.heal_seen_s, facts.healed_s, self._run.now_s())
        return facts.injected_s, next(end for end in ends if end is not None)

    def item(self) -> dict[str, Any]:
        """The row of the run's record."""
        facts, timed = self.facts, self.timed
        return {
            "id": timed.drill or timed.fault.id, "fault": timed.fault.id, "target": timed.target,
            "title": {"zh": timed.fault.title.zh, "en": timed.fault.title.en}, "verdict": self.verdict, **facts.derived,
            **{key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(facts).items()},
        }  # fmt: skip

    @property
    def verdict(self) -> str:
        """The verdict of the fault alone; the drill's is `chaos.drill_verdict`'s."""
        facts = self.facts
        rungs = [
            ("SKIPPED", facts.external), ("HARNESS_FAULT", facts.harness_fault), ("UNKNOWN", facts.not_steady),
            ("FAULT_NOT_EFFECTIVE", facts.effect_s is None), ("NOT_HEALED", facts.not_healed),
        ]  # fmt: skip
        return next((name for name, holds in rungs if holds), "PASS")

    def invalid(self) -> list[Reason]:
        """Why the run proves nothing because of the fault."""
        facts = self.facts
        if facts.external:
            return []
        if facts.harness_fault:
            return [Reason(code="harness_fault", text=facts.harness_fault)]
        if facts.not_steady:
            return [Reason(code="not_steady", text=facts.not_steady)]
        # A run that ended before the fault's second is judged for why it ended; a drill is FAULT_NOT_EFFECTIVE anyway.
        if facts.effect_s is None and facts.injected_s is not None:
            return [
                Reason(
                    code="fault_not_effective", text=sentence("no_effect", fault=self.timed.fault.id, seen=facts.effect)
                )
            ]
        return []


def backlog(urls: Iterable[str]) -> int | None:
    """Entries that wait for their money, over the credit workers' own metrics; None if one does not answer."""
    waiting = 0.0
    try:
        for url in urls:
            samples = read_metrics(f"{url.rstrip('/')}/metrics", 1.0)
            waiting += sum(value for (name, _), value in samples.items() if name == "hongbao_stream_lag_entries")
    except PromError:
        return None
    return int(waiting)
