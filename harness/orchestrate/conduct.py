"""Carries one run from lock to verdict on a system that is up. Whatever happens, a record is written."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from harness.control_client import ControlClient
from harness.environment import environment
from harness.errors import HarnessError
from harness.exporter import Exporter
from harness.forecast import lock, read_lock, write_lock
from harness.forecast.lock import Lock
from harness.forecast.share import Share
from harness.guard.precheck import refuse
from harness.guard.stop import Reading, StopRules
from harness.live import LiveView
from harness.orchestrate import figures, outcome
from harness.orchestrate.books import AuditFailed
from harness.orchestrate.checks import look
from harness.orchestrate.clock import RunClock
from harness.orchestrate.fire import fire
from harness.orchestrate.hooks import Nemesis, NoNemesis
from harness.orchestrate.interrupts import interruptible
from harness.orchestrate.prepare import Prepared, Sizes, prepare
from harness.orchestrate.sampler import Sampler
from harness.orchestrate.settle import settle
from harness.orchestrate.system import System
from harness.orchestrate.untouched import LiveLane
from harness.prom import PromError
from harness.run_folder import append_event, new_run, rewrite_events, write_run
from harness.run_order import RunOrder
from harness.run_record import RunRecord, Timeline
from harness.run_state import PhaseName, RunState
from harness.saved_queries import save_metrics
from harness.verdict import Reason
from plans.models.quantity import ratio_text
from system.contract.audit import AuditReport

POLL_S = 0.2
SCRAPES_S = 2.5
"""Two scrapes and a rule evaluation."""
KILLS = frozenset(("kill file", "SIGTERM", "SIGINT", "ordered"))
"""How a cannon says that somebody told it to stop."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of the event is played here, who chose it, and what calibration measured."""

    share: Share
    why: str
    smaller: bool
    calibration: dict[str, Any]


class Conductor:
    """One run. `state` is there for live view and exporter before `carry_out` begins."""

    def __init__(
        self, order: RunOrder, system: System, chosen: Chosen, sizes: Sizes, nemesis: Nemesis | None = None
    ) -> None:
        self.order, self.system, self.chosen, self.sizes = order, system, chosen, sizes
        self._nemesis = nemesis or NoNemesis()
        self.plan = order.loaded.plan
        self.folder = new_run(order.runs, self.plan.id)
        self.addresses = system.addresses
        self.control = ControlClient.of(system)
        self.sealed: Lock = lock(order.loaded, chosen.share)
        self.state = RunState(
            run_id=self.folder.name,
            plan=self.plan.id,
            lane=order.lane,
            scale=ratio_text(chosen.share.scale),
            forecast_sha256=self.sealed.sha256,
            duration_s=self.plan.warm_up.duration + self.plan.measured_s * self.plan.stretch(chosen.share.duration_s),
            targets=self.sealed.targets,
        )
        self.evidence = outcome.Gathered(stack=system.folder)
        self._where = environment(self.state.scale, chosen.calibration)
        self.state.users = chosen.share.tapping_at_once
        self._rules = StopRules(self.plan.stop)
        self._stop: str | None = None
        self._first_tap_s: float | None = None

    # -- the run

    def carry_out(self) -> RunRecord:
        """Everything from the lock to the report. Errors of parts become reasons of the verdict."""
        started = datetime.now(UTC)
        exporter = Exporter(self.state, git_sha=self._where.commit)
        if self.system.targets is not None:
            exporter.register(self.system.targets)
        try:
            with LiveView(self.state, self.order.progress):
                record = self._carry_out(started)
            self._keep_metrics(record, started)
        finally:
            exporter.stop()
            self.control.close()
        return record

    def _carry_out(self, started: datetime) -> RunRecord:
        self.system.events(lambda kind, text: self._tell(f"part_{kind}", text))
        with interruptible(self._interrupted) as signals:
            write_lock(self.sealed, self.folder)
            self._tell("lock", f"forecast locked, sha256 {self.sealed.sha256[:16]}…")
            self._precheck()
            live = LiveLane(self.system, self.control, self._tell) if self.order.lane == "stress" else None
            try:
                if live is not None:
                    live.before()
                prepared = prepare(
                    self.control,
                    self.plan,
                    self.chosen.share,
                    self.order.lane,
                    self.sizes,
                    self.state.run_id,
                    self.folder,
                    self.order.runs / ".generators",
                    self.order.seed,
                )
                self._load(prepared)
            except HarnessError as exc:
                self._over()
                self._tell("error", str(exc))
                self.evidence.invalid.append(Reason(code="run_broken", text=str(exc).splitlines()[0]))
            except KeyboardInterrupt:
                self._step("interrupted again: nothing more is waited for, the record is written")
            if live is not None:
                failures, unknown = live.after()
                self.evidence.failures += failures
                self.evidence.no_data += unknown
            signals.sealing = True
            return self._conclude(started)

    def _precheck(self) -> None:
        """Raises EnvironmentNotReady, and the run has sent nothing."""
        found = look(self.order, self.system, self.control, self.chosen.share, self.sizes)
        for one in found:
            if one.state != "good":
                self._tell("warning" if one.state == "warning" else "refused", f"pre-check, {one.item}: {one.says}")
        refuse(found)
        self._tell("pre_check", f"pre-check: {len(found)} items looked at, nothing stands against the start")

    def _load(self, prepared: Prepared) -> None:
        round_id = prepared.round.round
        self.evidence.round = prepared.round
        self._first_tap_s = prepared.order.t0_wall_ns / 1e9
        self.state.begun_at(self._first_tap_s)
        rewrite_events(self.folder, self.state.events)
        self._tell("round", f"round {round_id} armed, commitment {prepared.round.commitment[:16]}…")
        sampler = Sampler(self.addresses, self.control, round_id, self.state)
        samples = self.folder / "history" / "samples.jsonl"
        ticker = RunClock(self.state, prepared.order.t0_wall_ns)
        ticker.start()
        sampler.start()
        try:
            with self.system.sampling(self.order.lane, round_id, samples):
                self._phase("warm_up")
                with self._disturbed(ticker):
                    fired = fire(prepared.order, prepared.duration_s + 120, self._heard, self._over)
                self.evidence.account = fired.accounts[0]
                self._ended_by(fired.accounts[0]["stop"])
                self._drain(prepared)
                self._close(prepared)
        finally:
            sampler.stop()
            ticker.stop()
            self.evidence.samples = sampler.rows
        self._audit(round_id)

    @contextmanager
    def _disturbed(self, clock: RunClock) -> Iterator[None]:
        """The nemesis is at work while the block lasts; whatever ends it, it has healed what it did."""
        self._nemesis.begin(self._tell, clock.now_s)
        try:
            yield
        finally:
            self._step("waiting for faults to be healed and playbooks to end")
            done = self._nemesis.end()
            self.evidence.nemesis = done
            self.evidence.failures += done.failures
            self.evidence.invalid += done.invalid

    def _drain(self, prepared: Prepared) -> None:
        self._phase("drain")
        if self._stop is not None:
            return
        left_s = (prepared.round.end_us - self.control.now_us()) / 1e6
        self._wait(lambda: self.control.now_us() > prepared.round.end_us, left_s + 5, "the round's end")
        open_ = settle(
            self.control,
            self.control.topology(),
            self.order.lane,
            prepared.round.round,
            self.state.run_id,
            self.order.seed,
            self.folder / "history",
            self.plan.drain.answers + 5,
        )
        if open_:
            self.evidence.failures.append(
                Reason(code="unsettled", text=f"{len(open_)} users never got a definite answer, user {open_[0]} first")
            )

        def drained() -> bool:
            return self.state.money.backlog_entries == 0

        if not self.addresses.credit_metrics_urls.get(self.order.lane):
            return  # nobody tells the backlog; the close waits for the same thing
        if self._wait(drained, self.plan.drain.credits, "the backlog"):
            self._tell("drained", "the backlog is empty: every award is posted")

    def _close(self, prepared: Prepared) -> None:
        self._phase("closing")
        if self._stop is not None:
            return
        round_id = prepared.round.round
        self.control.ask_close(round_id)
        if self._wait(lambda: self.control.money(round_id).state == "closed", self.plan.drain.close, "the close"):
            self._tell("closed", f"round {round_id} closed; the seed is revealed")
        else:
            waiting = "; ".join(self.control.money(round_id).waiting_for)
            self.evidence.failures.append(Reason(code="not_closed", text=f"round {round_id} did not close: {waiting}"))

    def _audit(self, round_id: int) -> None:
        if self.evidence.gone:
            text = f"the stack is gone, its books are not closed; later: xiu audit --run {self.state.run_id}"
            self.evidence.no_data.append(Reason(code="audit_failed", text=text))
            return
        self._step("closing the books: the audit reads the stores")
        try:
            report: AuditReport | None = self.system.audit(
                self.order.lane, (round_id,), self.folder / "history", self._fault_windows()
            )
            if report is None:
                self._tell("audit", f"{self.system.name}: stores out of reach, what only they tell is NOT_EVALUATED")
                self.evidence.told = self.control.money(round_id)
        except AuditFailed as exc:
            report = None
            self.evidence.no_data.append(Reason(code="audit_failed", text=str(exc).splitlines()[0]))
        self.evidence.report = report

    def _fault_windows(self) -> tuple[tuple[int, int], ...]:
        """When faults were in force, in microseconds of the wall clock."""
        first_us = int((self._first_tap_s or 0.0) * 1e6)
        return tuple(
            (first_us + int(since * 1e6), first_us + int(until * 1e6)) for since, until in self.evidence.nemesis.windows
        )

    def _conclude(self, started: datetime) -> RunRecord:
        """Raises LockBroken: a forecast that changed since its lock judges nothing."""
        self._phase("idle")
        read_lock(self.folder, self.sealed.sha256)
        self.evidence.resources = self.system.resources()
        if self.evidence.account is not None and self.evidence.account["resources"]:
            self.evidence.resources["cannon"] = self.evidence.account["resources"]
        self.evidence.notes = self.system.notes
        self.evidence.stopped = self._stop
        record = outcome.record(
            self.order,
            self.chosen,
            self.sealed,
            self.state,
            self.evidence,
            self.folder,
            started,
            self._where,
        )
        self.state.money = figures.money_at_close(self.state.money, record)
        self.state.judged = record.forecast
        timeline = Timeline(
            per_second=figures.timeline_of(self.evidence.account, self.evidence.samples)
            if self.evidence.account
            else (),
            events=self.state.events,
        )
        write_run(self.folder, record, timeline, figures.sponsors_of(self.evidence.books))
        return record

    def _keep_metrics(self, record: RunRecord, started: datetime) -> None:
        """What Prometheus knows of the run, once it has scraped the end of it."""
        if self.addresses.prometheus_url is None or self.evidence.gone:
            return
        time.sleep(SCRAPES_S)
        moments = figures.moments_of(
            self.plan, self.chosen.share, self.evidence.account, self._first_tap_s, self.state.duration_s
        )
        try:
            rows = save_metrics(
                self.addresses.prometheus_url, self.folder, record.run_id, record.lane, started.timestamp(),
                time.time(), record.forecast, moments,
            )  # fmt: skip
        except PromError as exc:
            self._tell("prometheus", str(exc))
            return
        apart = [row.indicator for row in rows if row.state != "agrees"]
        self._tell(
            "prometheus",
            f"{len(rows) - len(apart)} of {len(rows)} indicators agree with Prometheus"
            + (f"; not: {', '.join(apart)}" if apart else ""),
        )

    # -- small parts

    def _heard(self, worker: int, message: dict[str, Any]) -> None:
        if message["event"] == "rate":
            self.evidence.rated = True
            self._tell(
                "rate", f"rate changed by hand (version {message['version']}): {message['taps']:,} taps in all now"
            )
        elif message["event"] == "error":
            self._tell("rate_refused", message["message"])
        if message["event"] != "counts":
            return
        before = self.state.counts.get(worker)
        self.state.counts = {**self.state.counts, worker: message}
        lag_ms = message["lag_p99_ms"]
        self.state.saturated = lag_ms is not None and lag_ms > max(1.0, self.plan.objectives.response_p99 * 100)
        if before is not None:
            span = (message["at_ns"] - before["at_ns"]) / 1e9
            self.state.rate_rps = (message["answered"] - before["answered"]) / span if span else None
            self.state.planned_rps = (message["reached"] - before["reached"]) / span if span else None
        if self.state.phase == "warm_up" and self.state.now_s >= self.plan.warm_up.duration:
            self._phase("measured")
        if self.state.now_s > 0 and self._stop is None:
            reason = self._rules.feed(self._reading(message))
            if reason is not None:
                self._halt("stop_rule", reason)

    def _reading(self, message: dict[str, Any]) -> Reading:
        outcomes, money = message["outcomes"], self.state.money
        return Reading(
            t_s=self.state.now_s,
            answered=message["answered"],
            unknown=outcomes["unknown"],
            refused=outcomes["refused"],
            response_us=tuple((edge, count) for edge, count in message["response_us"]),
            oldest_award_age_s=money.oldest_age_s,
            backlog_entries=money.backlog_entries,
        )

    def _halt(self, kind: str, why: str) -> None:
        self._stop = why
        self.evidence.aborted = Reason(code=kind, text=why)
        self._tell(kind, why)

    def _interrupted(self, why: str) -> None:
        self._halt("interrupted", why)
        self._step(f"{why}: the fire ceases, the books are closed, a report follows")

    def _step(self, text: str) -> None:
        """What a run that is to end goes on with: nobody waits without knowing for what."""
        if self._stop is not None:
            print(f"xiu: {text}", file=sys.stderr, flush=True)

    def _over(self) -> str | None:
        """Why the run is to end now; a stack that is gone is one reason."""
        if self._stop is None and (gone := self.system.gone()) is not None:
            self._halt(outcome.GONE, gone)
        return self._stop

    def _ended_by(self, what: str | None) -> None:
        """Fire that ceased before its plan's end, and not on this run's own order."""
        if what is None or self._stop is not None:
            return
        if what in KILLS:
            self._halt("killed", f"the kill switch ended the fire ({what})")
        else:
            self._stop = what
            self._tell("generator_stopped", f"the generator stopped by itself: {what}")
            self.evidence.invalid.append(Reason(code="generator_stopped", text=f"the generator stopped: {what}"))

    def _phase(self, name: PhaseName) -> None:
        self.state.phase = name
        self._tell("phase", name.replace("_", " "))

    def _tell(self, kind: str, text: str) -> None:
        append_event(self.folder, self.state.tell(kind, text))

    def _wait(self, done: Any, deadline_s: float, what: str) -> bool:
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            if self._over() is not None:
                return False
            if done():
                return True
            time.sleep(POLL_S)
        self._tell("late", f"{what} did not come within {deadline_s:g} s")
        return False
