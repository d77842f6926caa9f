"""The season of a run, as its phases share it: opened before its first round begins, with whose credentials.

Refuses to play: that is `celebrate`'s.
"""

from __future__ import annotations

from dataclasses import replace

from harness.forecast.season import season_of
from harness.orchestrate.account import SeasonAccount
from harness.orchestrate.phases.stage import Stage
from harness.orchestrate.prepare import FIRST_UID
from harness.runs.plays import SEASON, SHARES, played
from harness.season.operating import SeasonOperator

SPARE = 2
"""Times the shares that the forecast expects are paid for."""


def opened(stage: Stage) -> SeasonAccount | None:
    """The season of the round that is armed next: a new one before the first round, the same for the others. None
    where none is played. Raises ControlError, ControlAway.
    """
    if not stage.order.season and SEASON not in played(stage.order.loaded.plan):
        return None
    inputs = stage.order.loaded.forecast.season
    if inputs is None:
        return None
    share = season_of(inputs, stage.share, stage.order.loaded.forecast.round.full)
    operator, tag = operator_of(stage), tag_of(stage)
    earlier = [one.season.season for one in stage.account.rounds if one.season is not None]
    number = earlier[0] if earlier else operator.open(share, sponsor_of(stage), FIRST_UID, tag)
    return SeasonAccount(number, share, operator.sums(number, FIRST_UID, tag))


def funded(stage: Stage, round_id: int) -> None:
    """A sponsor pays for the shares that journeys of the plan will open in this round. Raises ControlError,
    ControlAway.
    """
    inputs = stage.order.loaded.forecast.season
    if inputs is not None and SHARES in played(stage.order.loaded.plan):
        share = season_of(inputs, stage.share, stage.order.loaded.forecast.round.full)
        # Each share takes its money whole, whoever claims of it; what is left returns.
        operator_of(stage).fund(round_id, replace(share, claims=SPARE * share.claims), sponsor_of(stage))


def sponsor_of(stage: Stage) -> int:
    """Who pays for pot and shares: the first of the round's sponsors."""
    return stage.share.sponsors[0].sponsor


def operator_of(stage: Stage) -> SeasonOperator:
    """Of the run's lane."""
    return SeasonOperator(stage.control, stage.order.lane)


def tag_of(stage: Stage) -> str | None:
    """The stress lane's, for users' requests; None on the live lane."""
    return stage.control.tag(stage.state.run_id) if stage.order.lane == "stress" else None
