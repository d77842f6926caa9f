"""One fault put to a run while its load is on it: injected at a second, proven, healed, the healing proven.

`against(fault, target, at_s, for_s)` is what `run_plan(order, nemesis)` takes. Refuses to begin without a watchdog.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import requests

from chaos import fault_ledger
from chaos.errors import ChaosError, External
from chaos.facts import Facts, Timed
from chaos.fault_ledger import Entry, Injected
from chaos.faults import WAYS, lacking, refuse_theirs
from chaos.heal import climbed, heal
from chaos.probes import NotSteady, Probes, Seen
from chaos.watchdog import Watchdog
from harness import loopback
from harness.errors import HarnessError
from harness.orchestrate.hooks import NemesisReport, NowS, Tell
from harness.orchestrate.system import System
from harness.phrases import said
from harness.stack import Stack
from harness.verdict import Reason
from harness.waits import joined
from harness.watch.prom import PromError, read_metrics
from plans.models.fault import Fault

log = logging.getLogger(__name__)

LEAVE_OUT = "XIU_TEST_LEAVE_OUT_INJECTION"
"""A test switch: everything happens but the injection itself, so that the verdict must be FAULT_NOT_EFFECTIVE."""
POLL_S = 0.02
DRAIN_S = 30.0
BACKLOG_S = 0.1
ALERT_POLL_S = 0.1
END_S = 240.0
"""Longer than a heal, its probe and the drain after it may take together."""
LOOK_S = 0.2
"""Between two looks whether the fault is still in force."""


class FaultNemesis:
    """One `Timed` on the stack in `folder`. `facts` are whole once `end` has returned."""

    def __init__(self, folder: Path, timed: Timed) -> None:
        self.timed, self.facts = timed, Facts()
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"nemesis {timed.fault.id}", daemon=True)
        self._told: Tell = lambda kind, text: None
        self._now_s: NowS = time.monotonic
        self._watchdog: Watchdog | None = None
        self._mine: Injected | None = None

    def begin(self, told: Tell, now_s: NowS) -> None:
        """See `harness.orchestrate.hooks.Nemesis`."""
        self._told, self._now_s = _unbreakable(told), now_s
        try:
            # From here, the main thread: a watchdog is there before anything is injected.
            self._watchdog = Watchdog(self._folder)
        except (HarnessError, OSError) as exc:
            self.facts.harness_fault = f"no watchdog: {exc}"
            return
        self._thread.start()

    def wait(self, deadline_s: float) -> bool:
        """Until it has come to its own end; False if it has not by then. A run does not wait: it calls `end`."""
        if self._thread.ident is not None:
            self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def end(self) -> NemesisReport:
        """See `harness.orchestrate.hooks.Nemesis`."""
        self._over.set()
        if not joined(self._thread, END_S):
            # What is injected is the watchdog's now: it stays, for nothing says that it is healed.
            self.facts.harness_fault = f"the fault's own thread did not end within {END_S:g} s"
        if self._watchdog is not None and self._nothing_left():
            self._watchdog.end()
        return self._report()

    def _nothing_left(self) -> bool:
        """May the watchdog go? Only where the fault is healed and the ledger says so, whatever was raised meanwhile."""
        if self._mine is None:
            return True
        try:
            return self.facts.healed_s is not None and all(
                one.key != self._mine.key for one in fault_ledger.injected(self._folder)
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
            # A full disk, a bug: whatever it is, this fault proves nothing, and the record says why.
            log.debug("the nemesis broke", exc_info=True)
            self.facts.harness_fault = f"{type(exc).__name__}: {exc}"
        if self.facts.harness_fault:
            self._told("warning", said("harness", detail=self.facts.harness_fault))

    def _disturb(self) -> None:
        timed, facts = self.timed, self.facts
        stack = Stack.attach(self._folder)
        refuse_theirs(timed.fault, timed.target, stack.externals, timed.destroy)
        if (lack := lacking(timed.fault, stack)) is not None:
            raise External(lack)
        if not self._wait_for(timed.at_s):
            return
        way = WAYS[timed.fault.inject.kind]
        detail = way.detail(stack, timed.fault, timed.target)
        probes = Probes(stack, timed.fault, timed.target, detail)
        probes.look()
        if self._watchdog is None or not self._watchdog.lives():
            raise ChaosError("the watchdog has died: nothing is injected that nobody would take back")
        entry = Entry(
            timed.fault.id, timed.target, timed.fault.inject.kind, timed.for_s, timed.fault.expires, detail, timed.drill
        )
        mine = self._mine = fault_ledger.enter(self._folder, entry)
        facts.momentary = way.momentary(detail)
        try:
            facts.injected_s = self._now_s()
            if not os.environ.get(LEAVE_OUT):
                way.inject(stack, detail)
            self._told(
                "fault_injected",
                said(
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
            self._heal(mine)
        self._see_heal(probes)
        if facts.momentary:
            self._see_alert(stack)
        self._see_drained(stack)

    def _wait_for(self, at_s: float) -> bool:
        """Until the run's second has come; False if the run is over before."""
        while (left := at_s - self._now_s()) > 0:
            if self._over.wait(min(left, POLL_S)):
                return False
        return True

    def _see_effect(self, probes: Probes) -> None:
        seen = self._poll(probes.effect, self.timed.fault.effect_probe.within)
        self.facts.effect = seen.says
        if seen.yes:
            self.facts.effect_s = self._now_s()
            self._told("effect_seen", seen.says)

    def _stay(self, stack: Stack, mine: Injected) -> None:
        """Until its time is over, or it is gone: whether it is there is measured all the while."""
        until_s, looked_s = self.timed.at_s + self.timed.for_s, float("-inf")
        while True:
            if self.facts.effect_s is not None and time.monotonic() - looked_s >= LOOK_S:
                looked_s = time.monotonic()
                if not self._still_there(stack, mine):
                    return
            self._look_for_alert(stack)
            left_s = until_s - self._now_s()
            if left_s <= 0 or self._over.wait(min(left_s, LOOK_S, ALERT_POLL_S)):
                break
        if self.facts.effect_s is not None:
            self._still_there(stack, mine)

    def _still_there(self, stack: Stack, mine: Injected) -> bool:
        """What went away by itself was no fault for as long as it was meant to be one. Not known is not gone."""
        facts = self.facts
        try:
            there = WAYS[mine.kind].in_force(stack, mine.detail)
        except (HarnessError, OSError) as exc:
            facts.harness_fault = str(exc)
            return True
        facts.harness_fault = ""  # it is known again
        if not there:
            facts.over_s = self._now_s()
            facts.harness_fault = said(
                "gone_before",
                fault=mine.fault,
                target=mine.target,
                after_s=facts.over_s - (facts.injected_s or 0.0),
                of_s=self.timed.for_s,
            )
        return there

    def _see_alert(self, stack: Stack) -> None:
        """Waits for the alert, as long as the fault was to last."""
        while self._now_s() < self.timed.at_s + self.timed.for_s and self._look_for_alert(stack):
            if self._over.wait(ALERT_POLL_S):
                return

    def _look_for_alert(self, stack: Stack) -> bool:
        """True while it is to be looked for again."""
        name, facts = self.timed.alert, self.facts
        if name is None or facts.effect_s is None or facts.alert_s is not None:
            return False
        url = stack.addresses.prometheus_url
        if url is None:
            return False
        if name in firing(url):
            facts.alert_s = self._now_s()
            self._told("alert", said("alert_fires", alert=name, after_s=facts.alert_s - facts.effect_s))
            return False
        return True

    def _heal(self, mine: Injected) -> None:
        facts = self.facts
        facts.heal_began_s = self._now_s()
        try:
            facts.rungs = heal(self._folder, {mine.key})
        except Exception as exc:
            # Whatever it is: the watchdog lives on and tries again.
            facts.not_healed = str(exc) or type(exc).__name__
            self._told("not_healed", said("not_healed", detail=facts.not_healed.splitlines()[0]))
            return
        facts.healed_s = self._now_s()
        if climbed(facts.rungs):
            failed = next(line for line in facts.rungs if " failed: " in line)
            facts.harness_fault = facts.harness_fault or failed
        self._told("healed", said("healed", detail="; ".join(facts.rungs)) if facts.rungs else said("healed_by_other"))

    def _see_heal(self, probes: Probes) -> None:
        if self.facts.healed_s is None:
            return
        seen = self._poll(probes.healed, self.timed.fault.heal_probe.within)
        if seen.yes:
            self.facts.heal_seen_s = self._now_s()
            self._told("heal_seen", seen.says)
        else:
            self.facts.not_healed = said("heal_not_seen", within_s=self.timed.fault.heal_probe.within, seen=seen.says)

    def _poll(self, ask: Callable[[], Seen], within_s: float) -> Seen:
        """Asks until it is so, at least once more after the deadline began."""
        until = time.monotonic() + within_s
        while True:
            seen = ask()
            if seen.yes or time.monotonic() > until:
                return seen
            time.sleep(POLL_S)

    def _see_drained(self, stack: Stack) -> None:
        """The first moment after the heal at which no award waits for its money."""
        urls = stack.addresses.credit_metrics_urls.values()
        until = time.monotonic() + DRAIN_S
        while time.monotonic() < until:
            if (waiting := backlog(urls)) == 0:
                self.facts.drained_s = self._now_s()
                self._told("backlog_drained", said("backlog_drained", after_s=self.facts.drain_s or 0.0))
                return
            if waiting is None and self._over.is_set():
                return
            time.sleep(BACKLOG_S)

    # -- for the record

    def _report(self) -> NemesisReport:
        facts, timed = self.facts, self.timed
        windows: tuple[tuple[float, float], ...] = ()
        if facts.injected_s is not None:
            ends = (facts.drained_s, facts.heal_seen_s, facts.healed_s, self._now_s())
            windows = ((facts.injected_s, next(end for end in ends if end is not None)),)
        item = {
            "id": timed.drill or timed.fault.id, "fault": timed.fault.id, "target": timed.target,
            "title": {"zh": timed.fault.title.zh, "en": timed.fault.title.en},
            "verdict": self.verdict, "recovery_s": facts.recovery_s, "drain_s": facts.drain_s,
            "detection_s": facts.detection_s, "in_force_s": facts.in_force_s,
            **{key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(facts).items()},
        }  # fmt: skip
        return NemesisReport(
            windows=windows,
            drills=(item,),
            flushed=timed.fault.inject.kind == "flush" and facts.injected_s is not None,
            failures=(Reason(code="not_healed", text=facts.not_healed),) if facts.not_healed else (),
            invalid=tuple(self._invalid()),
            warnings=(Reason(code="external", text=facts.external),) if facts.external else (),
        )

    @property
    def verdict(self) -> str:
        """Of the fault alone; the drill's is `chaos.drill_verdict`'s."""
        facts = self.facts
        rungs = [
            ("SKIPPED", facts.external), ("HARNESS_FAULT", facts.harness_fault), ("UNKNOWN", facts.not_steady),
            ("FAULT_NOT_EFFECTIVE", facts.effect_s is None), ("NOT_HEALED", facts.not_healed),
        ]  # fmt: skip
        return next((name for name, holds in rungs if holds), "PASS")

    def _invalid(self) -> list[Reason]:
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
                Reason(code="fault_not_effective", text=said("no_effect", fault=self.timed.fault.id, seen=facts.effect))
            ]
        return []


def _unbreakable(told: Tell) -> Tell:
    """Who cannot be told (a full disk) keeps no fault in force."""

    def tell(kind: str, text: str) -> None:
        try:
            told(kind, text)
        except Exception as exc:
            log.warning("%s could not be told: %s", kind, exc)

    return tell


def against(fault: Fault, target: str, at_s: float, for_s: float, **more: Any) -> Callable[[System], FaultNemesis]:
    """For `run_plan`: this fault, on the stack the run is aimed at. Raises ChaosError where it is none of this host."""

    def make(system: System) -> FaultNemesis:
        if system.folder is None:
            raise ChaosError(f"{system.name} runs elsewhere: nothing is injected there")
        return FaultNemesis(system.folder, Timed(fault, target, at_s, for_s, **more))

    return make


def firing(prometheus_url: str) -> set[str]:
    """Names of the alerts that fire now; empty where Prometheus does not tell."""
    try:
        rows = loopback.get(f"{prometheus_url.rstrip('/')}/api/v1/alerts", 1.0).json()["data"]["alerts"]
        return {row["labels"]["alertname"] for row in rows if row["state"] == "firing"}
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return set()


def backlog(urls: Any) -> int | None:
    """Entries that wait for their money, over the credit workers' own metrics; None if one does not answer."""
    waiting = 0.0
    try:
        for url in urls:
            samples = read_metrics(f"{url.rstrip('/')}/metrics", 1.0)
            waiting += sum(value for (name, _), value in samples.items() if name == "hongbao_stream_lag_entries")
    except PromError:
        return None
    return int(waiting)
