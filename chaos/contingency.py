"""A fault in a run, and the playbook that has to answer it: both on the run's timeline, both judged.

A playbook that did not begin at the alert, or did not end with a verified rollback, is not good. Where the stack has no
Prometheus there is no alert and so no playbook: both are reported as skipped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from chaos.errors import ChaosError
from chaos.facts import Timed
from chaos.nemesis import FaultNemesis
from chaos.playbook import journal
from chaos.playbook.halting import halted
from harness.orchestrate.hooks import NemesisReport, NowS, Tell
from harness.orchestrate.system import System
from harness.phrases import PLAYBOOK_STATES_ZH, Sentence, sentence
from harness.stack import Stack
from harness.stack.folder import Folder
from harness.verdict import Reason
from harness.waits import joined
from plans.models.floors import floors

POLL_S = 0.1
CLOSES_S = 45.0
"""Seconds after the load in which a playbook may still be at its rollback."""
BEGINS_S = 10.0
"""Seconds beyond its alert's promise within which a playbook may still begin."""


class Contingency:
    """One `Timed` on the stack in `folder`, answered by the playbook of that id. A Nemesis."""

    def __init__(self, folder: Path, timed: Timed, playbook: str) -> None:
        self.fault = FaultNemesis(folder, timed)
        self._folder, self._playbook, self._alert = folder, playbook, timed.alert
        self._path = folder / journal.FILE
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"playbook {playbook}", daemon=True)
        self._since_s = 0.0
        self._engine = False
        self._report: Tell = lambda kind, text: None
        self._unread = ""
        """Why the journal could not be read the last time."""

    def begin(self, report: Tell, now_s: NowS) -> None:
        """See `harness.orchestrate.hooks.Nemesis`."""
        self._report, self._since_s = report, time.time()
        at = Stack.attach(self._folder).addresses
        self._engine = at.prometheus_url is not None and "playbook" in at.more
        self.fault.begin(report, now_s)
        if self._engine:
            self._thread.start()
        else:
            report("playbook", sentence("playbook_skipped", playbook=self._playbook, alert=self._alert))

    def end(self) -> NemesisReport:
        """Heals, then waits for the playbook's own end."""
        report = self.fault.end()
        if not self._engine:
            return report
        began, begins_s = time.monotonic(), BEGINS_S + promised_s(self._alert)
        stack = Folder(self._folder)  # a stack that is gone cannot close a playbook
        while self.fault.facts.injected_s is not None and not self._closed():
            waited_s = time.monotonic() - began
            if not stack.locked or waited_s > CLOSES_S or (waited_s > begins_s and not self._begun()):
                break
            time.sleep(POLL_S)
        self._over.set()
        joined(self._thread)
        items = journal.items_of(self._lines(), self._since_s)
        if self._unread:
            # What the playbook did is not known, which is no failure of the playbook.
            reason = Reason(code="harness_fault", text=sentence("harness", detail=self._unread))
            return replace(report, invalid=(*report.invalid, reason))
        for item in items:
            item["verdict"] = "PASS" if item["state"] == "closed" else "FAIL"
        return replace(report, playbooks=tuple(items), failures=(*report.failures, *self._failures(items)))

    def _lines(self) -> list[journal.Transition]:
        """The journal's lines; none, and why, where it cannot be read: the heal and the record do not wait for it."""
        try:
            lines, self._unread = journal.read(self._path), ""
        except OSError as exc:
            lines, self._unread = [], f"the playbooks' journal cannot be read: {exc}"
        return lines

    def _since(self) -> list[journal.PlaybookFacts]:
        runs = journal.fold(self._lines()).values()
        return [facts for facts in runs if facts.times.get("t3", 0.0) >= self._since_s]

    def _begun(self) -> bool:
        """A playbook that its fault started is under way."""
        return any(not facts.over for facts in self._since())

    def _closed(self) -> bool:
        """Its own playbook has ended, and any other that its fault started, so that the next run finds the usual
        state.
        """
        since = self._since()
        # Stopped by hand (`xiu halt`), no playbook begins any more: nothing to wait for.
        return (bool(self._mine(since)) or halted(self._folder)) and all(facts.over for facts in since)

    def _mine(self, runs: Any) -> list[journal.PlaybookFacts]:
        return [
            facts for facts in runs
            if facts.playbook == self._playbook and facts.times.get("t3", 0.0) >= self._since_s
            and facts.state != "refused"
        ]  # fmt: skip

    def _failures(self, items: list[dict[str, Any]]) -> list[Reason]:
        """What the playbook should have done and did not; nothing where the fault itself did not come about."""
        facts = self.fault.facts
        if facts.effect_s is None:
            return []
        found = []
        if facts.alert_s is None and self._alert is not None:
            found.append(Reason(code="alert_missing", text=sentence("alert_missing", alert=self._alert)))
        ends = [item for item in items if item["id"] == self._playbook]
        if not ends:
            found.append(Reason(code="not_triggered", text=sentence("playbook_not_begun", playbook=self._playbook)))
        for item in ends:
            if item["state"] != "closed":
                state, detail = str(item["state"]), f": {item['text']}" if item["text"] else ""
                zh = PLAYBOOK_STATES_ZH.get(state, state)
                text = sentence("playbook_ended", playbook=self._playbook, state=state, state_zh=zh, detail=detail)
                found.append(Reason(code="playbook_failed", text=text))
        return found

    def _follow(self) -> None:
        """The journal's new lines become events as they are written."""
        known = len(self._lines())
        while True:
            last = self._over.is_set()
            lines = self._lines()
            for line in lines[known:]:
                self._report("playbook", _words(line))
            known = max(known, len(lines))
            if last:
                return
            self._over.wait(POLL_S)


def promised_s(alert: str | None) -> float:
    """Within which time an alert fires, by its own rule; 0 where there is none."""
    return max((one.promise_s or 0.0 for one in floors() if one.alert == alert), default=0.0)


def answered(timed: Timed, playbook: str) -> Callable[[System], Contingency]:
    """For `run_plan`: this fault and its playbook. Raises ChaosError where the system is not on this host."""

    def make(system: System) -> Contingency:
        if system.folder is None:
            raise ChaosError(f"{system.name} runs elsewhere: nothing is injected there")
        return Contingency(system.folder, timed, playbook)

    return make


def _words(line: journal.Transition) -> Sentence:
    """A line of the journal as a sentence: what was set to what is data, the rest is the state."""
    state, detail = line.state.replace("_", " "), f" {line.text}" if line.text else ""
    zh = PLAYBOOK_STATES_ZH.get(line.state, line.state)
    whole = {"playbook": line.playbook, "state": state, "state_zh": zh, "detail": detail}
    if (to := journal.switch_set(line)) is not None:
        return sentence("playbook_set", **whole, key=to[0], to=to[1])
    return sentence("playbook_line", **whole)
