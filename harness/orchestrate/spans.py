"""What spans several phases of a run, each a context manager: the nemesis, the clock, the samples of a round's money.

However the block ends, what a span began is ended: faults are healed, threads and samplers have ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from harness.orchestrate.asked import QuerySampler
from harness.orchestrate.clock import RunClock
from harness.orchestrate.hooks import Nemesis
from harness.orchestrate.phases.arm import Armed
from harness.orchestrate.phases.stage import Stage
from harness.orchestrate.sampler import MoneySampler
from harness.phrases import sentence
from harness.watch.usage import UsageSampler, told_by
from plans.models.stress import StopAboveQuery


class Spans:
    """Spans of one run: its clock, and the nemesis over the sending of all its rounds.

    The clock begins with the first round that is armed and stops with the block. The nemesis begins with the first
    sending and ends, healed, with the last: before that round is drained and closed.
    """

    def __init__(self, stage: Stage, nemesis: Nemesis) -> None:
        self._stage, self._nemesis = stage, nemesis
        self._clock: RunClock | None = None
        self._disturbing = False

    def __enter__(self) -> Spans:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.heal()
        finally:
            if self._clock is not None:
                self._clock.stop()

    def begin(self, armed: Armed) -> None:
        """A round is armed: the run's clock begins with the first one."""
        if self._clock is None:
            self._clock = RunClock(self._stage.state, armed.prepared.order.t0_wall_ns)
            self._clock.start()

    @contextmanager
    def disturbed(self, *, last: bool) -> Iterator[None]:
        """The nemesis works while the block sends; after the last one, or if it broke, all is healed."""
        assert self._clock is not None
        if not self._disturbing:
            self._disturbing = True
            self._nemesis.begin(self._stage.run.tell, self._clock.now_s)
        done = False
        try:
            yield
            done = not last and not self._stage.over()
        finally:
            if not done:
                self.heal()

    def heal(self) -> None:
        """Ends the nemesis, once: everything is healed when this returns."""
        if not self._disturbing:
            return
        self._disturbing = False
        self._stage.run.step("waiting for faults to be healed and playbooks to end")
        account = self._stage.account
        done = account.nemesis = self._nemesis.end()
        account.failures += done.failures
        account.invalid += done.invalid


@contextmanager
def sampled(stage: Stage, armed: Armed) -> Iterator[None]:
    """A round's money is sampled while the block lasts: into the run's state, and for S2 from the stores."""
    addresses, round_id = stage.system.addresses, armed.round_id
    earlier = stage.account.samples
    sampler = MoneySampler(addresses, stage.control, round_id, stage.state, earlier[-1][1] if earlier else None)
    queries = [rule.query for rule in stage.order.loaded.plan.stop if isinstance(rule, StopAboveQuery)]
    asking = QuerySampler(addresses.prometheus_url or "", queries if addresses.prometheus_url else (), stage.state)
    armed.account.samples, armed.account.asked = sampler.rows, asking.rows
    sampler.start()
    asking.start()
    try:
        with _for_s2(stage, armed), _usage(stage):
            yield
    finally:
        asking.stop()
        sampler.stop()


@contextmanager
def _usage(stage: Stage) -> Iterator[None]:
    """What each part uses is sampled while a climb goes on: the limiting one is asked for at its end."""
    leader = stage.account.climb
    if leader is None:
        yield
        return
    places = stage.system.addresses.places
    sampler = UsageSampler(stage.system.resources, lambda: stage.state.round_s, lambda: told_by(places))
    leader.usage, leader.told = sampler.samples, sampler.told
    sampler.start()
    try:
        yield
    finally:
        sampler.stop()


@contextmanager
def _for_s2(stage: Stage, armed: Armed) -> Iterator[None]:
    """The samples that the audit judges, in one file for all rounds; each reading is judged by itself."""
    file = stage.history / "samples.jsonl"
    own = file if armed.account.number == 1 else file.with_name(f"samples-{armed.account.number}.part")
    try:
        with stage.system.sampling(stage.order.lane, armed.round_id, own):
            yield
    finally:
        if own != file and own.exists():
            with stage.attempt(sentence("the_samples")):
                with file.open("ab") as all_:
                    all_.write(own.read_bytes())
                own.unlink()
