"""Carries one run from lock to verdict on a system that is up. Whatever happens, a record is written."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.control_client import ControlClient
from harness.engine.recorder import MANIFEST
from harness.environment import environment
from harness.errors import EnvironmentNotReady, HarnessError
from harness.forecast import lock, read_lock, write_lock
from harness.forecast.lock import Lock
from harness.guard.kill import KILLS, REGISTER
from harness.guard.precheck import refuse
from harness.orchestrate import figures, outcome
from harness.orchestrate.checks import look
from harness.orchestrate.chosen import Chosen
from harness.orchestrate.clock import RunClock
from harness.orchestrate.ending import Ending
from harness.orchestrate.fire import fire
from harness.orchestrate.hearing import Hearing
from harness.orchestrate.hooks import Nemesis, NoNemesis
from harness.orchestrate.interrupts import interruptible
from harness.orchestrate.prepare import Prepared, Sizes, prepare
from harness.orchestrate.sampler import Sampler
from harness.orchestrate.scribe import Scribe
from harness.orchestrate.system import System
from harness.orchestrate.untouched import LiveLane
from harness.phrases import of_error, said
from harness.runs.folder import new_run
from harness.runs.order import RunOrder
from harness.runs.record import RunRecord, Timeline
from harness.runs.state import PhaseName, RunState
from harness.stack.resources import since
from harness.verdict import Reason
from harness.watch.exporter import Exporter
from harness.watch.live import LiveView
from harness.watch.prom import PromError
from harness.watch.saved_queries import agreed, save_metrics
from plans.models.quantity import ratio_text
from system.contract.audit import AuditReport

SCRAPES_S = 2.5
"""Two scrapes and a rule evaluation."""


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
        self._record = Scribe(self.folder)
        self._hearing = Hearing(self.state, self.plan, self.tell)
        self._stop: str | None = None
        self._first_tap_s: float | None = None
        self._used_before: dict[str, dict[str, float]] = {}

    # -- the run

    def carry_out(self) -> RunRecord:
        """Everything from the lock to the report. Errors of parts become reasons of the verdict."""
        started = datetime.now(UTC)
        exporter = Exporter(self.state, git_sha=self._where.commit)
        try:
            self._announce(exporter)
            with LiveView(self.state, self.order.progress):
                record = self._carry_out(started)
            self._keep_metrics(record, started)
        finally:
            exporter.stop()
            self.control.close()
        return record

    def _announce(self, exporter: Exporter) -> None:
        """To the stack's Prometheus; a run that it does not hear of is a run all the same."""
        if self.system.targets is None:
            return
        try:
            exporter.register(self.system.targets)
        except OSError as exc:
            self.tell("prometheus", of_error(exc))

    def _carry_out(self, started: datetime) -> RunRecord:
        self.system.events(lambda kind, text: self.tell(f"part_{kind}", text))
        with interruptible(self._interrupted) as signals:
            self._lock()
            self._precheck()
            live = LiveLane(self.system, self.control, self.tell) if self.order.lane == "stress" else None
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
                    self.order.runs / REGISTER,
                    self.order.seed,
                    self.system.folder,
                    self.order.begun_s,
                )
                self._load(prepared)
            except (HarnessError, OSError) as exc:
                self._broken(exc)
            except KeyboardInterrupt:
                self._step("interrupted again: nothing more is waited for, the record is written")
            if live is not None:
                failures, unknown = live.after(flushed=self.evidence.nemesis.flushed)
                self.evidence.failures += failures
                self.evidence.no_data += unknown
            signals.sealing = True
            return self._conclude(started)

    def _lock(self) -> None:
        """Raises EnvironmentNotReady: without a lock in its folder a run judges nothing."""
        try:
            write_lock(self.sealed, self.folder)
        except OSError as exc:
            raise EnvironmentNotReady(
                f"{self.folder} cannot be written: {exc.strerror or exc}; nothing was sent"
            ) from exc
        self.tell("lock", said("locked", sha=self.sealed.sha256[:16]))

    def _precheck(self) -> None:
        """Raises EnvironmentNotReady, and the run has sent nothing."""
        found = look(self.order, self.system, self.control, self.chosen.share, self.sizes)
        for one in found:
            if one.state != "good":
                says = said("pre_check_item", item=one.item, detail=one.says)
                self.tell("warning" if one.state == "warning" else "refused", says)
        refuse(found)
        self.tell("pre_check", said("pre_check_good", count=len(found)))

    def _load(self, prepared: Prepared) -> None:
        """The fire, and everything after it up to the closed books: also when the fire broke, or was stopped."""
        round_id = prepared.round.round
        self.evidence.round = prepared.round
        self._used_before = self.system.resources()
        self._first_tap_s = prepared.order.t0_wall_ns / 1e9
        self.state.begun_at(self._first_tap_s)
        self._record.rewrite(self.state.events)
        self.tell("round", said("armed", round=round_id, commitment=prepared.round.commitment[:16]))
        sampler = Sampler(self.addresses, self.control, round_id, self.state)
        samples = self.folder / "history" / "samples.jsonl"
        ticker = RunClock(self.state, prepared.order.t0_wall_ns)
        ending = Ending(
            self, self.control, self.state, self.evidence, self.plan.drain, self.order.lane, self.order.seed,
            self.folder / "history", bool(self.addresses.credit_metrics_urls.get(self.order.lane)),
        )  # fmt: skip
        ticker.start()
        sampler.start()
        try:
            with self.system.sampling(self.order.lane, round_id, samples):
                self._fire(prepared, ticker)
                ending.carry_out(prepared)
        except KeyboardInterrupt:
            ending.give_back(round_id)
            raise
        finally:
            sampler.stop()
            ticker.stop()
            self.evidence.samples = sampler.rows
        self._audit(round_id)

    def _fire(self, prepared: Prepared, ticker: RunClock) -> None:
        self.phase("warm_up")
        try:
            with self._disturbed(ticker):
                fired = fire(prepared.order, prepared.duration_s + 120, self._heard, self.stopped)
        except (HarnessError, OSError) as exc:
            self._broken(exc)
            return
        self.evidence.account = fired.accounts[0]
        self._ended_by(fired.accounts[0]["stop"])

    @contextmanager
    def _disturbed(self, clock: RunClock) -> Iterator[None]:
        """The nemesis is at work while the block lasts; whatever ends it, it has healed what it did."""
        self._nemesis.begin(self.tell, clock.now_s)
        try:
            yield
        finally:
            self._step("waiting for faults to be healed and playbooks to end")
            done = self._nemesis.end()
            self.evidence.nemesis = done
            self.evidence.failures += done.failures
            self.evidence.invalid += done.invalid

    def _audit(self, round_id: int) -> None:
        if self.evidence.gone:
            text = said("books_later", run=self.state.run_id)
            self.evidence.no_data.append(Reason(code="audit_failed", text=text))
            return
        self._step("closing the books: the audit reads the stores")
        try:
            report: AuditReport | None = self.system.audit(
                self.order.lane, (round_id,), self._history(), self._fault_windows()
            )
            if report is None:
                self.tell("audit", said("stores_away", name=self.system.name))
                self.evidence.told = self.control.money(round_id)
        except (HarnessError, OSError) as exc:
            report = None
            self.evidence.no_data.append(Reason(code="audit_failed", text=of_error(exc)))
        self.evidence.report = report

    def _history(self) -> Path | None:
        """The run's history; None where its generator left none: what needs one is not evaluated then."""
        folder = self.folder / "history"
        return folder if (folder / MANIFEST).exists() else None

    def _fault_windows(self) -> tuple[tuple[int, int], ...]:
        """When faults were in force, in microseconds of the wall clock."""
        first_us = int((self._first_tap_s or 0.0) * 1e6)
        return tuple(
            (first_us + int(since * 1e6), first_us + int(until * 1e6)) for since, until in self.evidence.nemesis.windows
        )

    def _conclude(self, started: datetime) -> RunRecord:
        """Raises LockBroken: a forecast that changed since its lock judges nothing."""
        self.phase("idle")
        read_lock(self.folder, self.sealed.sha256)
        self.evidence.resources = since(self.system.resources(), self._used_before)
        if self.evidence.account is not None and self.evidence.account["resources"]:
            self.evidence.resources["cannon"] = self.evidence.account["resources"]
        self.evidence.notes = self.system.notes
        self.evidence.stopped = self._stop
        self.evidence.rated = self._hearing.rated
        self.evidence.blind = self._hearing.blind() if self._stop is None and self.evidence.account else []
        self.evidence.invalid += self._record.reasons()
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
        self.state.judged, self.state.invariants = record.forecast, record.invariants
        self.state.verdict = record.verdict
        timeline = Timeline(
            per_second=figures.timeline_of(self.evidence.account, self.evidence.samples)
            if self.evidence.account
            else (),
            events=self.state.events,
        )
        record = self._record.seal(record, timeline, figures.sponsors_of(self.evidence.books))
        if self._record.failed:
            print(f"xiu: {self._record.failed}; the verdict is {record.verdict}", file=sys.stderr, flush=True)
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
        except (PromError, OSError) as exc:
            self.tell("prometheus", of_error(exc))
            return
        self.tell("prometheus", agreed(rows))

    # -- small parts

    def _heard(self, worker: int, message: dict[str, Any]) -> None:
        reason = self._hearing.take(worker, message)
        if self.state.phase == "warm_up" and self.state.now_s >= self.plan.warm_up.duration:
            self.phase("measured")
        if reason is not None and self._stop is None:
            self._halt("stop_rule", reason)

    def _halt(self, kind: str, why: str) -> None:
        self._stop = why
        self.evidence.aborted = Reason(code=kind, text=why)
        self.tell(kind, why)

    def _interrupted(self, why: str) -> None:
        self._halt("interrupted", why)
        self._step(f"{why}: the fire ceases, the books are closed, a report follows")

    def _step(self, text: str) -> None:
        """What a run that is to end goes on with: nobody waits without knowing for what."""
        if self._stop is not None:
            print(f"xiu: {text}", file=sys.stderr, flush=True)

    def _broken(self, exc: Exception) -> None:
        """The run cannot go on as planned; what it did is settled and judged all the same."""
        self.stopped()
        text = of_error(exc)
        self.tell("error", text)
        self.evidence.invalid.append(Reason(code="run_broken", text=text))
        self._stop = self._stop or text

    def stopped(self) -> str | None:
        """Why the run is to end now; a stack that is gone is one reason."""
        if self._stop is None and (gone := self.system.gone()) is not None:
            self._halt(outcome.GONE, gone)
        return self._stop

    def _ended_by(self, what: str | None) -> None:
        """Fire that ceased before its plan's end, and not on this run's own order."""
        if what is None or self._stop is not None:
            return
        if what in KILLS:
            self._halt("killed", said("killed", what=what))
        else:
            self._stop = what
            text = said("generator_stopped", detail=what)
            self.tell("generator_stopped", text)
            self.evidence.invalid.append(Reason(code="generator_stopped", text=text))

    def phase(self, name: PhaseName) -> None:
        self.state.phase = name
        self.tell("phase", said(f"phase_{name}"))

    def tell(self, kind: str, text: str) -> None:
        self._record.append(self.state.tell(kind, text))
