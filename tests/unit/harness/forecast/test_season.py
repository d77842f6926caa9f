"""The share of a season, and what is expected of it: of the article's figures, exact, and locked where it is played."""

from __future__ import annotations

from fractions import Fraction

import pytest

from harness.forecast import lock, share_of
from harness.forecast.season import KINDS, season_of, season_targets
from harness.report.figures import UNITS
from harness.report.vocabulary import INDICATORS as INDICATOR_NAMES
from plans.models import LoadedPlan, find, load_plan

GALA = Fraction(1, 10_000)
INDICATORS = ["participants", "claims", "ties", "cards", "purchases"]


@pytest.fixture(scope="module")
def gala() -> LoadedPlan:
    return load_plan(find("gala-share", "stress"))


def test_one_ten_thousandth_of_the_gala(gala: LoadedPlan) -> None:
    assert gala.forecast.season is not None
    share = share_of(gala.forecast, gala.plan, GALA)
    played = season_of(gala.forecast.season, share, gala.forecast.round.full)
    assert (played.claims, played.parts, played.shares) == (540, 5, 108), "0.45 claims a packet (account, derived)"
    assert played.share_fen == 5 * 222
    assert played.fission_fen == played.shares * played.share_fen
    assert played.ties == 6_600, "1.1 billion in the evening, 30 % of it in this round, a fifth of that in 60 s"
    assert played.pot_fen == 2_150_000, "215 M yuan (press)"
    assert played.family == 13, "four of thirteen pass a card on: 30 % (account)"
    assert played.buyers == 97, "5 % and 61 % more (account)"
    assert len(played.cards) == KINDS
    assert sum(played.cards) > played.drawn == played.tickets + 2 * played.friends == 540
    full = season_of(gala.forecast.season, share_of(gala.forecast, gala.plan, GALA, 300), 300)
    assert (full.claims, full.ties) == (2_700, 33_000)


@pytest.mark.parametrize("scale", [GALA, Fraction(1, 20_000), Fraction(1, 77_777)])
def test_every_band_holds_what_is_expected(gala: LoadedPlan, scale: Fraction) -> None:
    targets = season_targets(gala.forecast, share_of(gala.forecast, gala.plan, scale))
    assert [target.indicator for target in targets] == INDICATORS
    assert all(0 <= target.lower <= target.expected <= target.upper for target in targets)
    assert all(target.why and target.unit in UNITS and target.indicator in INDICATOR_NAMES for target in targets)


def test_the_whole_audience_takes_part(gala: LoadedPlan) -> None:
    people = season_targets(gala.forecast, share_of(gala.forecast, gala.plan, GALA))[0]
    assert (people.lower, people.expected, people.upper) == pytest.approx((19_000, 20_000, 21_000))


def test_the_gains_lie_between_what_was_expected_and_what_came(gala: LoadedPlan) -> None:
    ties = season_targets(gala.forecast, share_of(gala.forecast, gala.plan, GALA))[2]
    assert (ties.lower, ties.expected, ties.upper) == pytest.approx((1_200, 6_600, 8_000))


def test_a_stress_plan_is_locked_without_it(gala: LoadedPlan) -> None:
    share = share_of(gala.forecast, gala.plan, GALA)
    plain, with_plays = lock(gala, share), lock(gala, share, season=True)
    assert not {target.indicator for target in plain.targets} & set(INDICATORS)
    assert with_plays.targets[: len(plain.targets)] == plain.targets
    assert [target.indicator for target in with_plays.targets[len(plain.targets) :]] == INDICATORS


def test_a_forecast_without_a_season_expects_nothing_of_one(gala: LoadedPlan) -> None:
    share = share_of(gala.forecast, gala.plan, GALA)
    assert season_targets(gala.forecast.model_copy(update={"season": None}), share) == ()
