"""One run on a system that is up, from lock to verdict: the sequence of its phases. A record is always written."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime

from harness.control_client import ControlClient
from harness.environment import environment
from harness.errors import EnvironmentNotReady, HarnessError
from harness.forecast import lock, read_lock, write_lock
from harness.forecast.lock import Lock
from harness.guard.kill import REGISTER
from harness.guard.precheck import refuse
from harness.orchestrate import acts, figures, outcome
from harness.orchestrate.account import RunAccount
from harness.orchestrate.checks import Beginning, granted, keep, look
from harness.orchestrate.chosen import Chosen
from harness.orchestrate.climbing import leader_of
from harness.orchestrate.closing import given_back
from harness.orchestrate.fire import LocustProcess
from harness.orchestrate.hooks import Nemesis, NoNemesis
from harness.orchestrate.interrupts import interruptible
from harness.orchestrate.outside import OutsideCalls
from harness.orchestrate.phases import Arm, Armed, Audit, Celebrate, Close, Drain, Fire, Settle, Stage
from harness.orchestrate.phases.arm import announce
from harness.orchestrate.prepare import Sizes
from harness.orchestrate.public import public_books, public_round
from harness.orchestrate.scribe import Scribe
from harness.orchestrate.silence import fell_silent_s
from harness.orchestrate.spans import Spans, sampled
from harness.orchestrate.steering import Steering
from harness.orchestrate.system import System
from harness.orchestrate.untouched import LiveLane
from harness.phrases import of_error, sentence
from harness.runs.folder import new_run
from harness.runs.guarded import StopRecord
from harness.runs.order import RunOrder
from harness.runs.record import RunRecord, Timeline
from harness.runs.state import RunState
from harness.stack.resources import since
from harness.watch.exporter import LAST_READS, Exporter, until_read
from harness.watch.live import LiveView
from harness.watch.prom import PromError
from harness.watch.saved_queries import agreed, save_metrics
from plans.models.quantity import ratio_text

RECOVERY_S, RECOVERY_POLL_S = 10.0, 0.1
"""How long a run that a rule ended waits for what it guards: its round stays open, and nothing is sent."""
LAST_READS_S = 2.5
"""Seconds within which Prometheus, which reads once a second, has read the last figures as often as it takes."""


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
        self.sealed: Lock = lock(order.loaded, chosen.share, season=order.season)
        self.state = RunState(
            run_id=self.folder.name,
            plan=self.plan.id,
            lane=order.lane,
            scale=ratio_text(chosen.share.scale),
            forecast_sha256=self.sealed.sha256,
            duration_s=self.plan.warm_up.duration + self.plan.measured_s * self.plan.stretch(chosen.share.duration_s),
            targets=self.sealed.targets,
        )
        self.state.users, self.state.rounds = chosen.share.tapping_at_once, len(self.plan.rounds)
        self.account = RunAccount(stack=system.folder)
        self._where = environment(self.state.scale, chosen.calibration, system.way.shares_ms)
        self._scribe = Scribe(self.folder)
        self.run = Steering(self.state, self.plan, system, self.account, self._scribe)
        self.run.leader = self.account.climb = leader_of(
            self.plan, chosen.share, sizes.workers, self.folder, self.run.tell
        )
        self.stage = Stage(
            self.run, order, system, self.control, self.state, self.account, chosen.share, sizes, self.folder
        )
        self._ahead: LocustProcess | None = None
        self._used_before: dict[str, dict[str, float]] = {}
        self._read_before = 0
        """How often the run's metrics had been read before its verdict was among them."""

    # -- the run

    def carry_out(self) -> RunRecord:
        """Everything from the lock to the report. Errors of parts become reasons of the verdict."""
        started = datetime.now(UTC)
        exporter = Exporter(self.state, self._where.commit, self.system.run_port)
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
        """Registered with the stack's Prometheus; a failure does not stop the run."""
        if self.system.targets is None:
            return
        try:
            self.state.scraped_by = time.monotonic() + exporter.register(self.system.targets)
        except OSError as exc:
            self.run.tell("prometheus", of_error(exc))

    def _carry_out(self, started: datetime) -> RunRecord:
        self.system.events(lambda kind, text: self.run.tell(f"part_{kind}", text))
        with interruptible(self.run.interrupted) as signals, ExitStack() as undo:
            self._lock()
            with suppress(OSError):  # whoever arms the round starts it then, and tells why that does not go
                self._ahead = undo.enter_context(
                    LocustProcess(self.folder, 1, self.sizes.workers, doors=self.order.doors)
                )
            live = self._live_lane() if self.order.lane == "stress" else None
            self._precheck(live)
            try:
                self._play()
            except (HarnessError, OSError) as exc:
                self.run.broken(exc)
            except KeyboardInterrupt:
                self.run.step("interrupted again: nothing more is waited for, the record is written")
            if live is not None:
                failures, unknown = live.after(flushed=self.account.nemesis.flushed, public=public_round(self.account))
                self.account.failures += failures
                self.account.no_data += unknown
                self.account.live_lane = live.proof
            signals.sealing = True
            return self._conclude(started)

    def _live_lane(self) -> LiveLane:
        outside = OutsideCalls(self.system.addresses.places)
        return LiveLane(self.system, self.control, self.run.tell, outside)

    def _lock(self) -> None:
        """Raises EnvironmentNotReady: without a lock in its folder a run judges nothing."""
        try:
            write_lock(self.sealed, self.folder)
        except OSError as exc:
            raise EnvironmentNotReady(
                f"{self.folder} cannot be written: {exc.strerror or exc}; nothing was sent"
            ) from exc
        self.run.tell("lock", sentence("locked", sha=self.sealed.sha256[:16]))

    def _precheck(self, live: LiveLane | None) -> None:
        """Raises EnvironmentNotReady, and the run has sent nothing."""
        beginning = Beginning(self.folder, self.sealed.sha256, live, self.chosen.calibration)
        found = look(self.order, self.system, self.control, self.chosen.share, self.sizes, beginning=beginning)
        keep(found, self.folder, granted(self.system))
        for one in found:
            if one.state in ("warning", "refused"):
                says = sentence("pre_check_item", item=one.name, detail=one.why)
                self.run.tell(one.state, says)
        try:
            refuse(found)
        except EnvironmentNotReady:
            acts.refused(self.order, self.folder.name, found)
            raise
        self.account.audit_sha256 = acts.started(self.order, self.chosen.share, self.folder.name, self.sealed.sha256)
        count = sum(one.state != "not_evaluated" for one in found)
        self.run.tell("pre_check", sentence("pre_check_good", count=count))

    def _play(self) -> None:
        """The phases in their order, round by round. The books of every round that was armed are audited, whatever
        ended the phases before. Raises HarnessError, OSError where a round could not be armed.
        """
        stage, count = self.stage, len(self.plan.rounds)
        arm, fire, drain = Arm(stage, self._ahead), Fire(stage), Drain(stage)
        settle, celebrate, close, audit = Settle(stage), Celebrate(stage), Close(stage), Audit(stage)
        try:
            with Spans(stage, self._nemesis) as spans:
                for number in range(1, count + 1):
                    armed = arm(number)
                    with (
                        armed.generator,
                        given_back(self.control, *armed.round_ids),
                        self._sampled(armed, spans),
                    ):
                        with spans.disturbed(last=number == count):
                            fired = fire(armed)
                        self._until_recovered()
                        close(celebrate(settle(drain(fired))))
                    if self.run.stopped() is not None:
                        break
        except (HarnessError, OSError) as exc:
            if not self.account.rounds:
                raise
            self.run.broken(exc)
        audit(self.account.rounds)
        public_books(stage)

    def _until_recovered(self) -> None:
        """Behind a stop by a rule: until what it guards is within its bound again, as far as somebody still tells."""
        hearing, account, until = self.run.hearing, self.account, time.monotonic() + RECOVERY_S
        while hearing.still_told and not account.gone and time.monotonic() < until:
            found = self._stop_of_rule()
            if found is not None and found.recovered_s is not None:
                return
            time.sleep(RECOVERY_POLL_S)

    def _stop_of_rule(self) -> StopRecord | None:
        account = self.account
        return self.run.hearing.stop(account.samples, [row for one in account.rounds for row in one.asked])

    @contextmanager
    def _sampled(self, armed: Armed, spans: Spans) -> Iterator[None]:
        """A round is armed, and its money sampled while the block lasts; with the first one the run's time begins."""
        if armed.account.number == 1:
            self._used_before = self.system.resources()
            self._scribe.rewrite(self.state.events)
        spans.begin(armed)
        announce(self.stage, armed)
        with sampled(self.stage, armed):
            yield

    def _conclude(self, started: datetime) -> RunRecord:
        """Raises LockBroken: a forecast that changed since its lock judges nothing."""
        account, hearing = self.account, self.run.hearing
        self.run.phase("idle")
        read_lock(self.folder, self.sealed.sha256)
        account.resources = since(self.system.resources(), self._used_before) | outcome.generators(account)
        account.missing, account.stopped, account.rated = self.system.missing, self.run.why, hearing.rated
        account.blind = hearing.blind() if self.run.why is None and account.fired else []
        account.stop = self._stop_of_rule()
        account.invalid += self._scribe.reasons()
        registers = [folder / REGISTER for folder in (self.order.runs, self.system.folder) if folder is not None]
        account.silent_s = fell_silent_s(registers, self.folder / "history", started.timestamp())
        record = outcome.record(
            self.order, self.chosen, self.sealed, self.state, account, self.folder, started, self._where
        )
        self.state.money = figures.money_at_close(self.state.money, record)
        self.state.judged, self.state.invariants = record.forecast, record.invariants
        self.state.verdict = record.verdict
        self._read_before = self.state.reads
        timeline = Timeline(per_second=figures.timeline_of(account), events=self.state.events)
        record = self._scribe.seal(record, timeline, figures.sponsors_of(account.all_books))
        acts.ended(self.order, record)
        if self._scribe.failed:
            print(f"xiu: {self._scribe.failed}; the verdict is {record.verdict}", file=sys.stderr, flush=True)
        return record

    def _keep_metrics(self, record: RunRecord, started: datetime) -> None:
        """What Prometheus knows of the run, once it has scraped the end of it."""
        url = self.system.addresses.prometheus_url
        if url is None or self.account.gone:
            return
        until_read(self.state, self._read_before + LAST_READS, LAST_READS_S)
        moments = figures.moments_of(self.plan, self.chosen.share, self.account, self.state.duration_s)
        try:
            rows = save_metrics(
                url, self.folder, record.run_id, record.lane, started.timestamp(), time.time(), record.forecast, moments
            )
        except (PromError, OSError) as exc:
            self.run.tell("prometheus", of_error(exc))
            return
        self.run.tell("prometheus", agreed(rows))
