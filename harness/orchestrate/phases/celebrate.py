"""Phase Celebrate: after a round is settled its winners and their friends play what there is beside the draw; after the
last round the season ends, and its pot is paid. Only where the order says so. Closes nothing, audits nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.engine.recorder import segments
from harness.orchestrate.account import SeasonAccount
from harness.orchestrate.phases.arm import Armed
from harness.orchestrate.phases.season import operator_of, sponsor_of, tag_of
from harness.orchestrate.phases.settle import Settled
from harness.orchestrate.phases.stage import EARLY_S, Stage
from harness.orchestrate.prepare import FIRST_UID
from harness.phrases import sentence
from harness.runs.plays import SHARES, played
from harness.season.asking import GOOD, SeasonAsker, new_session
from harness.season.script import SeasonScript, SeenWin, script_of
from harness.season.stories import Stories
from harness.verdict import Reason
from system.contract.history import NO_PACKET, Outcome

LEAST_S, ORDERS_A_SECOND = 60.0, 20.0
"""How long a season may take: at least so long, and so long for its orders. A busy machine with a slow disk was seen to
do 40 a second."""
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Celebrate:
    """Settled → Settled, with the season played in the round's account. Whatever fails here, the close comes next."""

    stage: Stage

    def __call__(self, settled: Settled) -> Settled:
        stage, season = self.stage, settled.armed.account.season
        if season is None or stage.account.gone:
            return settled
        stage.run.phase("season")
        with self._attempt():
            if stage.order.season and not stage.over():
                self._play(settled.armed, season)
        with self._attempt():
            if settled.armed.account.number == stage.state.rounds or stage.over():
                self._end(season)
        return settled

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        with self.stage.attempt(sentence("the_season")):
            try:
                yield
            except (LookupError, TypeError) as exc:  # an answer without a field that every answer has
                raise ValueError(f"an answer of play without sense: {type(exc).__name__} {exc}") from exc

    def _play(self, armed: Armed, season: SeasonAccount) -> None:
        stage, number, share = self.stage, armed.round_id, self.stage.share
        wins = seen_wins(stage.history, number)
        tickets = (armed.account.fired or {}).get("tickets", [])
        # The plan's seed alone would bring the same pairs with each round, and they are ties already.
        seed = (stage.order.seed << 32) + number
        script = script_of(season.played, wins, tickets, FIRST_UID, share.users, seed)
        began, over = time.monotonic(), over_after(stage, max(LEAST_S, orders_of(script) / ORDERS_A_SECOND))
        operator, tag = operator_of(stage), tag_of(stage)
        if SHARES not in played(stage.order.loaded.plan):  # else they are paid for since the round was armed
            operator.fund(number, season.played, sponsor_of(stage))
        operator.bring(script.book)
        tokens = dict(enumerate(stage.control.tokens(stage.order.lane, FIRST_UID, share.users), FIRST_UID))

        async def stories() -> tuple[SeasonAsker, int]:
            async with new_session() as session:
                asker = SeasonAsker(session, stage.control.play_url, tokens, tag, over)
                people = Stories(asker, season.season, number, f"s{season.season}-r{number}")
                await people.all(script)
                return asker, await people.holders(script.buyers)

        asker, purchases = asyncio.run(stories())
        season.outcomes, season.repeats = {name: dict(each) for name, each in asker.outcomes.items()}, asker.repeats
        now = operator.sums(season.season, FIRST_UID, tag)
        season.actuals = {
            "participants": operator.participants(number),
            "claims": operator.claims(number),
            "ties": now.ties - season.before.ties,
            "cards": now.cards - season.before.cards,
            "purchases": purchases,
        }
        self._record(season, time.monotonic() - began)

    def _record(self, season: SeasonAccount, took_s: float) -> None:
        """An event, and a reason for what was refused, or never got a definite answer: a season has neither."""
        stage, done = self.stage, sum(count for each in season.outcomes.values() for count in each.values())
        stage.run.tell("season", sentence("season_played", season=season.season, orders=done, took_s=took_s))
        bad = [
            (operation, outcome, count)
            for operation, each in season.outcomes.items() for outcome, count in each.items() if outcome not in GOOD
        ]  # fmt: skip
        if bad:
            count = sum(count for _, _, count in bad)
            text = sentence("season_incomplete", count=count, operation=bad[0][0], outcome=bad[0][1])
            stage.missing(Reason(code="season_incomplete", text=text))

    def _end(self, season: SeasonAccount) -> None:
        stage, until = self.stage, time.monotonic() + EARLY_S
        ended = operator_of(stage).end(season.season, lambda: time.monotonic() >= until)
        season.state, season.blessings, season.each_fen = ended["state"], ended["blessings"], ended["each_fen"]
        if season.state == "paid":
            blessings, fen = season.blessings or 0, (season.blessings or 0) * (season.each_fen or 0)
            stage.run.tell("season", sentence("season_paid", season=season.season, blessings=blessings, fen=fen))
        else:
            stage.missing(Reason(code="season_incomplete", text=sentence("season_unpaid", season=season.season)))


def over_after(stage: Stage, within_s: float) -> Callable[[], bool]:
    """Is that time over, or must the run end? Asked for every order; a look at the stack costs a file."""
    until, looked_s, ended = time.monotonic() + within_s, 0.0, False

    def over() -> bool:
        nonlocal looked_s, ended
        now = time.monotonic()
        if now - looked_s >= LOOK_S:
            looked_s, ended = now, stage.over()
        return ended or now >= until

    return over


def orders_of(script: SeasonScript) -> int:
    """About how many requests a script is."""
    claims = sum(1 + len(share.friends) for share in script.shares)
    gathered = sum(len(family) + 9 for family in script.families)
    return claims + 4 * len(script.friends) + gathered + 2 * len(script.spenders) + 2 * len(script.buyers)


def seen_wins(history: Path, round_id: int) -> list[SeenWin]:
    """Each packet of the round that an answer showed as won, once, by packet. Raises ValueError, OSError."""
    found: dict[int, SeenWin] = {}
    for _, records in segments(history, check=False):
        won = records[
            (records["round"] == round_id)
            & (records["packet"] != NO_PACKET)
            & np.isin(records["outcome"], (Outcome.WIN, Outcome.REPEAT))
        ]
        for uid, packet, fen in zip(won["uid"].tolist(), won["packet"].tolist(), won["fen"].tolist(), strict=True):
            found[packet] = SeenWin(uid, packet, fen)
    return [found[packet] for packet in sorted(found)]
