"""Where users live and who has a real name: the shares, one user as many, ids of any size."""

from __future__ import annotations

import numpy as np
import pytest

from system.contract.ids import INT8_MAX
from system.contract.people import (
    AREAS,
    COUNTRY_SHARES,
    SMALLER_CITIES_SHARE,
    TIER_SHARES,
    TIERS,
    UNNAMED_SHARE,
    NoRealName,
    need_real_name,
    traits,
    traits_of,
)

ACCOUNTS = 400_000_000
MANY = 500_000


@pytest.mark.parametrize("first", [0, ACCOUNTS - MANY, 1 << 40, INT8_MAX - MANY], ids=str)
def test_wherever_ids_begin_the_shares_are_those_of_the_article(first: int) -> None:
    crowd = traits(np.arange(first, first + MANY, dtype=np.int64))
    # Five standard deviations of a share of so many.
    near = 5 * 0.5 / MANY**0.5
    for tier, share, country in zip(TIERS, TIER_SHARES, COUNTRY_SHARES, strict=True):
        mine = crowd.tier == tier
        assert mine.mean() == pytest.approx(share, abs=near)
        assert crowd.country[mine].mean() == pytest.approx(country, abs=3 * near)
    assert (crowd.tier >= 3).mean() == pytest.approx(SMALLER_CITIES_SHARE, abs=near)
    assert (~crowd.real_name).mean() == pytest.approx(UNNAMED_SHARE, abs=near)
    unnamed = crowd.tier[~crowd.real_name]
    assert (unnamed >= 3).mean() == pytest.approx(SMALLER_CITIES_SHARE, abs=0.05), "a name says nothing of the city"


def test_the_shares_add_up() -> None:
    assert sum(TIER_SHARES) == pytest.approx(1)
    assert sum(TIER_SHARES[2:]) == pytest.approx(SMALLER_CITIES_SHARE)
    assert sum(t * c for t, c in zip(TIER_SHARES, COUNTRY_SHARES, strict=True)) == pytest.approx(0.282)


def test_one_user_is_as_he_is_among_many_whatever_holds_his_id() -> None:
    ids = [0, 1, 5, 361, ACCOUNTS - 1, 1 << 32, INT8_MAX, *range(7000, 12_000)]
    crowd = traits(np.array(ids, dtype=np.uint64))
    for at, uid in enumerate(ids):
        one = traits_of(uid)
        assert (one.tier, one.area, one.real_name) == (
            crowd.tier[at], AREAS[int(crowd.country[at])], crowd.real_name[at],
        )  # fmt: skip
    signed = traits(np.array(ids, dtype=np.int64))
    assert all((mine == other).all() for mine, other in zip(crowd, signed, strict=True))
    assert traits(np.zeros(0, dtype=np.uint64)).tier.shape == (0,)


def test_who_has_no_real_name_is_refused_and_small_ids_have_one() -> None:
    for uid in range(300):
        need_real_name(uid)
    with pytest.raises(NoRealName) as refused:
        need_real_name(361)
    assert (refused.value.status, refused.value.body()["error"]["code"]) == (403, "no_real_name")
    assert refused.value.effect == "none"
