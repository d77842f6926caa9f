"""Phase Arm: a generator is started and stands ready, tokens are fetched, a round is created, and where a season is
played, that is opened before. Sends no load.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from harness.guard.kill import REGISTER
from harness.orchestrate.account import RoundAccount
from harness.orchestrate.closing import given_back
from harness.orchestrate.fire import LocustProcess
from harness.orchestrate.phases.season import funded, opened
from harness.orchestrate.phases.stage import Stage
from harness.orchestrate.prepare import PreparedRound, RoundPlace, lead_after, prepare
from harness.phrases import sentence

POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Armed:
    """A round that waits for its first tap, its place in the run's account, and who is to fire: whoever armed it ends
    the generator.
    """

    prepared: PreparedRound
    account: RoundAccount
    generator: LocustProcess

    @property
    def round_id(self) -> int:
        return self.prepared.round.round

    @property
    def round_ids(self) -> tuple[int, ...]:
        """The round, and the public's beside it."""
        return self.prepared.round_ids

    @property
    def end_us(self) -> int:
        """When the round's window ends, by control's clock."""
        return self.prepared.round.end_us


@dataclass(frozen=True, slots=True)
class Arm:
    """Number of the round within its plan, from 1 on → Armed."""

    stage: Stage
    ahead: LocustProcess | None = None
    """The first round's generator, where it was started before: it has loaded while the run was checked."""

    def __call__(self, number: int) -> Armed:
        """Raises ControlError, ControlAway, FireFailed, OSError: nothing was armed, nothing may be sent."""
        stage, account, state = self.stage, self.stage.account, self.stage.state
        plan, first_ns = stage.order.loaded.plan, account.first_wall_ns
        self._pause(plan.rounds[number - 1].pause)
        ahead = self.ahead if number == 1 else None
        generator = ahead or LocustProcess(stage.folder, number, stage.sizes.workers, doors=stage.order.doors)
        try:
            lead_s = lead_after(generator.stand(stage.over))
            self._scraped(lead_s)
            season = opened(stage)
            prepared = prepare(
                stage.control, plan, stage.share, stage.order.lane, stage.sizes, state.run_id, stage.folder,
                stage.order.runs / REGISTER, stage.order.seed, stage.system.folder, stage.order.begun_s,
                RoundPlace(number, first_ns, season.season if season else None), stage.system.way, lead_s,
            )  # fmt: skip
            with given_back(stage.control, *prepared.round_ids):
                funded(stage, prepared.round.round)
        except BaseException:
            generator.end()
            raise
        t0_ns = prepared.order.t0_wall_ns
        begins_s = 0.0 if first_ns is None else (t0_ns - first_ns) / 1e9
        state.round, state.begins_s, state.duration_s = number, begins_s, begins_s + prepared.duration_s
        if first_ns is None:
            account.first_wall_ns = t0_ns
            state.begun_at(t0_ns / 1e9)
        mine = RoundAccount(
            number, begins_s, prepared.duration_s, prepared.round, season=season, public=prepared.public
        )
        account.topology = prepared.topology
        account.rounds.append(mine)
        account.cells = len(set(prepared.topology.cells))
        return Armed(prepared, mine, generator)

    def _scraped(self, lead_s: float) -> None:
        """Until Prometheus reads the run's metrics, or will by its first tap: its view is to have all of the load."""
        state = self.stage.state
        while state.scraped_by is not None and not state.reads and not self.stage.over():
            if (left_s := state.scraped_by - lead_s - time.monotonic()) <= 0:
                return
            time.sleep(min(left_s, POLL_S))

    def _pause(self, pause_s: float) -> None:
        until = time.monotonic() + pause_s
        while not self.stage.over() and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(left_s, POLL_S))


def announce(stage: Stage, armed: Armed) -> None:
    """The event of an armed round, and of the season beside it."""
    round_, season = armed.prepared.round, armed.account.season
    if season is not None:
        stage.run.tell(
            "season",
            sentence("season_open", season=season.season, cards=sum(season.played.cards), fen=season.played.pot_fen),
        )
    stage.run.tell("round", sentence("armed", round=round_.round, commitment=round_.commitment[:16]))
