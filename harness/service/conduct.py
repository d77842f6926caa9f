"""A run against one's own service, from lock to verdict: Lock, Check, Log in, Arm, Fire, Judge. A record is always
written once the pre-check has passed. No round, no money, no audit: those are phases of another sequence.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from datetime import UTC, datetime
from typing import Any

from harness.environment import environment
from harness.errors import EnvironmentNotReady, HarnessError
from harness.forecast import read_lock, write_lock
from harness.guard.kill import REGISTER
from harness.guard.precheck import Checked, refuse
from harness.guard.rate import Granted
from harness.guard.room import writable
from harness.guard.run_acts import RunActs
from harness.orchestrate import figures
from harness.orchestrate.account import RoundAccount, RunAccount
from harness.orchestrate.checks import keep
from harness.orchestrate.clock import RunClock
from harness.orchestrate.fire import FireFailed, LocustProcess
from harness.orchestrate.fire_order import FireOrder
from harness.orchestrate.interrupts import interruptible
from harness.orchestrate.merge import side_by_side
from harness.orchestrate.phases.fire import OVERRUN_S
from harness.orchestrate.prepare import lead_after
from harness.orchestrate.run import generator_cpu
from harness.orchestrate.scribe import Scribe
from harness.orchestrate.silence import fell_silent_s
from harness.orchestrate.steering import Steering
from harness.phrases import Sentence, sentence
from harness.runs.doors import listened_at
from harness.runs.folder import new_run
from harness.runs.listeners import listener_reasons
from harness.runs.record import RunRecord, Timeline
from harness.runs.state import RunState
from harness.service import checks, judging
from harness.service.climbing import leader_of, played_s
from harness.service.closed import ClosedLoopFire, closed_loop
from harness.service.login import logged_in
from harness.service.order import ServiceOrder
from harness.service.prepare import OWN_LOCUSTFILE, connections_of, fire_order, tasks_order, told_of, users_of
from harness.service.record import record, whole_of
from harness.service.stand_in import StandInProcess, standing_in
from harness.stack import raise_open_files, schedule
from harness.verdict import Reason
from harness.watch.live import LiveView
from plans.models.target_service import UrlTarget

STANDS_STILL_S, FORCED_S = 15.0, 1.0


class OwnGround:
    """What such a run stands on: nothing of ours, so nothing of it can be gone."""

    def gone(self) -> Sentence | None:
        return None


def run_service(order: ServiceOrder) -> RunRecord:
    """Carries the order out and returns its record; everything is written to a new folder under `order.runs`.

    Raises EnvironmentNotReady or BadInput when nothing could be begun.
    """
    ask, acts = checks.load_of(order), acts_of(order)
    found = checks.allowed(ask)
    refused(found, acts, None)  # before a run is made, a name looked up or anything sent
    writable(order.runs)
    listened_at(order.doors)
    raise_open_files()
    schedule("batch")  # this process and Locust yield to the cannon
    return ServiceConductor(order, found).carry_out()


def acts_of(order: ServiceOrder) -> RunActs:
    """What the audit log is told of such a run."""
    return RunActs(order.runs, order.plan.id, order.name, "stress", order.approved_by)


def refused(found: Sequence[Checked], acts: RunActs, run_id: str | None) -> None:
    """Raises EnvironmentNotReady where something was refused, and the audit log tells of it."""
    try:
        refuse(found)
    except EnvironmentNotReady:
        acts.refused(run_id, found)
        raise


class ServiceConductor:
    """One run. `state` is there for the live view before `carry_out` begins."""

    def __init__(self, order: ServiceOrder, allowed: Sequence[Checked] = ()) -> None:
        """`allowed`: what the guard found before there was a run."""
        plan = order.plan
        self._allowed, self._acts = allowed, acts_of(order)
        self.order, self.plan = order, plan
        self.folder = new_run(order.runs, plan.id)
        self.sealed = judging.lock_of(plan)
        self.state = RunState(
            run_id=self.folder.name, plan=plan.id, lane="stress", scale="1", forecast_sha256=self.sealed.sha256,
            duration_s=plan.length_s, targets=self.sealed.targets, money_of_ours=False,
        )  # fmt: skip
        self.account = RunAccount()
        self._heard_s = math.inf
        """When the generator last told something, CLOCK_MONOTONIC; inf: nothing is expected of it."""
        self._over = False
        self._firing: LocustProcess | None = None
        self._stand_in: StandInProcess | None = None
        self._closed: dict[str, Any] | None = None
        self._scribe = Scribe(self.folder)
        self.run = Steering(self.state, plan, OwnGround(), self.account, self._scribe)
        self.run.leader = self.account.climb = leader_of(plan, self.folder, self.run.tell)

    def carry_out(self) -> RunRecord:
        """Everything from the lock to the report. Errors of parts become reasons of the verdict."""
        started = datetime.now(UTC)
        where = environment("1", {})
        with (
            LiveView(self.state, self.order.progress),
            interruptible(self.run.interrupted) as signals,
            ExitStack() as served,
        ):
            self._lock()
            self._stand_in = served.enter_context(self._served())
            self._check()
            try:
                with self._generator() as generator, self._beside() as beside:
                    self._play(generator, beside)
            except (HarnessError, OSError) as exc:
                # Who was told to stop before the first request has a record like everybody who was told to.
                if not self.account.rounds and self.run.why is None:
                    self._acts.ended_unfired(self.folder.name, exc)
                    raise
                if self.account.rounds:
                    self.run.broken(exc)
            except KeyboardInterrupt:
                self.run.step("interrupted again: nothing more is waited for, the record is written")
            signals.sealing = True
            values, wrong = judging.asked(self.plan, time.time(), played_s(self.account.climb, self.plan))
            for text in wrong:
                self.run.tell("prometheus", sentence("failed", detail=text, kind=""))
            return self._conclude(started, where, values)

    def _lock(self) -> None:
        """Raises EnvironmentNotReady: without a lock in its folder a run judges nothing."""
        try:
            write_lock(self.sealed, self.folder)
        except OSError as exc:
            why = exc.strerror or exc
            raise EnvironmentNotReady(f"{self.folder} cannot be written: {why}; nothing was sent") from exc
        self.run.tell("lock", sentence("locked", sha=self.sealed.sha256[:16]))

    def _check(self) -> None:
        """Raises EnvironmentNotReady, and the run has sent nothing."""
        ask = checks.load_of(self.order, lambda: read_lock(self.folder, self.sealed.sha256).sha256)
        found = [*self._allowed, *checks.ready(self.order, ask)]
        keep(found, self.folder, Granted.by(ask.entries()))
        for one in found:
            if one.state in ("warning", "refused"):
                self.run.tell(one.state, sentence("pre_check_item", item=one.name, detail=one.why))
        refused(found, self._acts, self.folder.name)
        self.account.audit_sha256 = self._acts.started(
            self.folder.name, peak_rps=round(ask.peak_rps), step_rps=round(ask.step_rps),
            duration_s=round(ask.duration_s, 3), seed=self.plan.seed, forecast_sha256=self.sealed.sha256,
        )  # fmt: skip
        count = sum(one.state != "not_evaluated" for one in found)
        self.run.tell("pre_check", sentence("pre_check_good", count=count))

    def _play(self, generator: LocustProcess, beside: ClosedLoopFire | None) -> None:
        """Log in, Arm, Fire. Raises HarnessError, OSError."""
        if beside is not None:
            beside.stand()
        order, lead_s = self._armed(generator)
        mine = RoundAccount(duration_s=self.plan.length_s)
        self.account.rounds.append(mine)
        self.account.first_wall_ns = order.t0_wall_ns
        self.state.begun_at(order.t0_wall_ns / 1e9)
        self._scribe.rewrite(self.state.events)
        clock = RunClock(self.state, order.t0_wall_ns)
        clock.start()
        try:
            self.run.phase("warm_up")
            deadline_s = lead_s + self.plan.length_s + self.plan.drain.answers + OVERRUN_S
            self._heard_s = time.monotonic() + lead_s
            self._stands_still(order)
            if beside is not None:
                beside.begin(order, deadline_s, lambda: self.run.why)
            self._firing = generator
            fired = generator.fire(order, deadline_s, self._heard, self._stopped)
            mine.fired = side_by_side(fired.accounts)
            self._compared(beside)
            self.run.ceased(mine.fired["stop"])
        except (HarnessError, OSError) as exc:
            if not any(reason.code == "run_broken" for reason in self.account.invalid):  # else it is told already
                self.run.broken(exc)
        finally:
            clock.stop()
            order.tidy_all(self.plan.workers)

    def _served(self) -> AbstractContextManager[StandInProcess | None]:
        """A service of our own, where the plan asks for one. Raises EnvironmentNotReady."""
        target = self.order.target
        if not isinstance(target, UrlTarget) or target.stand_in is None:
            return nullcontext()
        return standing_in(target)

    def _stands_still(self, order: FireOrder) -> None:
        """Tells the stand-in when to. Raises OSError where it has died."""
        target = self.order.target
        if self._stand_in is None or not isinstance(target, UrlTarget) or target.stand_in is None:
            return
        at_s = self.plan.warm_up.duration + target.stand_in.at
        self._stand_in.stands_still(order.t0_wall_ns + int(at_s * 1e9), target.stand_in.length)

    def _beside(self) -> AbstractContextManager[ClosedLoopFire | None]:
        """The closed loop, where the plan asks for one. Raises OSError."""
        target = self.order.target
        if self.plan.closed_loop is None or not isinstance(target, UrlTarget):
            return nullcontext()
        return closed_loop(self.order, target, self.folder)

    def _compared(self, beside: ClosedLoopFire | None) -> None:
        """Waits for the closed loop's figures; a run that was to show them and cannot is without data."""
        if beside is None:
            return
        beside.end()
        self._closed = beside.account
        if self._closed is None:
            text = sentence("closed_loop_missing", detail=beside.failed or "it left no account")
            self.account.no_data.append(Reason(code="closed_loop_missing", text=text))

    def _generator(self) -> LocustProcess:
        """Whoever fires: our own pilot with its cannon, or somebody's locustfile."""
        target = self.order.target
        if isinstance(target, UrlTarget):
            return LocustProcess(self.folder, 1, self.plan.workers, doors=self.order.doors)
        told = told_of(self.order, target, checks.refusals(checks.load_of(self.order)), self.folder)
        folder = self.folder.resolve()
        own = ("--csv", str(folder / "locust"), "--html", str(folder / "locust.html"))
        return LocustProcess(self.folder, 1, 1, OWN_LOCUSTFILE, told, own)

    def _armed(self, generator: LocustProcess) -> tuple[FireOrder, float]:
        """The order, and the seconds until its first request. Raises HarnessError."""
        target = self.order.target
        if not isinstance(target, UrlTarget):
            try:
                lead_s = lead_after(generator.stand(lambda: self.run.stopped() is not None))
            except FireFailed as exc:  # somebody's file, read by it, is at fault as a rule
                raise FireFailed(f"{self.order.at('target', 'locustfile')}{target.locustfile}: {exc}") from exc
            self.state.users = users_of(self.plan, target)
            return tasks_order(self.order, self.state.run_id, self.folder, lead_s), lead_s
        tokens = logged_in(self.order, target, lambda: self.run.stopped() is not None)
        if tokens:
            self.run.tell("login", sentence("logged_in", count=len(tokens)))
        lead_s = lead_after(generator.stand(lambda: self.run.stopped() is not None))
        here = self.plan.workers == 1 and self.order.doors.workers is None
        cpu = generator_cpu() if here else None
        self.state.users = sum(connections_of(self.plan, target))
        return fire_order(self.order, target, tokens, self.state.run_id, self.folder, lead_s, cpu), lead_s

    def _stopped(self) -> str | None:
        """Why the run must end: one that runs somebody's code may stand still, and then it does not even hear it."""
        still_s = time.monotonic() - self._heard_s
        if still_s > STANDS_STILL_S and not isinstance(self.order.target, UrlTarget):
            if self._firing is not None:
                self._firing.patience_s = FORCED_S
            if self.run.why is None:
                text = f"the locustfile let nothing else run for {still_s:.0f} s: a task blocks gevent"
                self.run.broken(FireFailed(text))
        return self.run.stopped()

    def _heard(self, worker: int, message: dict[str, Any]) -> None:
        self._over = self._over or message["event"] == "over"
        self._heard_s = math.inf if self._over else time.monotonic()
        self.run.on_message(worker, all_requests(message) if message["event"] == "counts" else message)

    def _conclude(self, started: datetime, where: Any, asked: dict[str, float | None]) -> RunRecord:
        account, hearing = self.account, self.run.hearing
        self.run.phase("idle")
        read_lock(self.folder, self.sealed.sha256)
        account.stopped, account.rated = self.run.why, hearing.rated
        account.stop = hearing.stop((), ())
        account.blind = hearing.blind() if self.run.why is None and account.fired else []
        account.invalid += self._scribe.reasons()
        account.warnings += listener_reasons(self.folder)
        registers, history = [self.order.runs / REGISTER], self.folder / "history"
        account.silent_s = fell_silent_s(registers, history, started.timestamp())
        made = record(self.order, self.sealed, self.state, account, asked, self._closed, started, where)
        self.state.judged, self.state.verdict = made.forecast, made.verdict
        whole = whole_of(account)
        timeline = Timeline(per_second=figures.seconds_of(whole, {}) if whole else (), events=self.state.events)
        made = self._scribe.seal(made, timeline, ())
        self._acts.ended(made)
        if self._scribe.failed:
            with suppress(OSError):
                print(f"xiu: {self._scribe.failed}; the verdict is {made.verdict}", file=sys.stderr, flush=True)
        return made


ADDED = ("scheduled", "reached", "sent", "dropped", "waiting", "abandoned", "answered")


def all_requests(message: Mapping[str, Any]) -> dict[str, Any]:
    """A cannon's counts with all requests added up at the top, each of several under `beside`; whatever is not as
    expected is refused there, so that stop rules count it.
    """
    parts = [{name: value for name, value in message.items() if name != "beside"}, *message.get("beside", ())]
    parts = [{**part, "refused_by_status": {"not as expected": _bad(part["outcomes"])}} for part in parts]
    outcomes: Counter[str] = Counter()
    buckets: Counter[int] = Counter()
    for part in parts:
        outcomes.update(part["outcomes"])
        buckets.update(dict(map(tuple, part["response_us"])))
    return {
        **message,
        **{name: sum(part[name] for part in parts) for name in ADDED},
        "outcomes": dict(outcomes),
        "refused_by_status": {"not as expected": _bad(outcomes)},
        "response_us": sorted(map(list, buckets.items())),
        "response_sum_us": sum(part["response_sum_us"] for part in parts),
        "response_max_us": max(part["response_max_us"] for part in parts),
        "beside": parts if len(parts) > 1 else [],
    }


def _bad(outcomes: Mapping[str, int]) -> int:
    """Answers that were not as expected."""
    return sum(outcomes.values()) - outcomes["good"] - outcomes["unknown"]
