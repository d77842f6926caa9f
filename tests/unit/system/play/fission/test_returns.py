"""Who gets how much of what is left: exact, in proportion, nobody more than he paid."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from system.play.fission.returns import parts_of


def test_in_proportion() -> None:
    assert parts_of(10, {"sponsor:7": 100}) == {"sponsor:7": 10}
    assert parts_of(50, {"sponsor:7": 75, "sponsor:9": 25}) == {"sponsor:7": 37, "sponsor:9": 13}
    assert parts_of(1, {"sponsor:7": 1, "sponsor:9": 1}) == {"sponsor:7": 0, "sponsor:9": 1}


@given(
    st.dictionaries(st.sampled_from([f"sponsor:{n}" for n in range(9)]), st.integers(1, 1 << 40), min_size=1), st.data()
)
def test_exact_and_nobody_more_than_he_paid(paid_in: dict[str, int], data: st.DataObject) -> None:
    left = data.draw(st.integers(1, sum(paid_in.values())))
    parts = parts_of(left, paid_in)
    assert sum(parts.values()) == left
    assert all(0 <= parts[account] <= paid_in[account] for account in paid_in)
    total = sum(paid_in.values())
    assert all(abs(parts[account] - left * paid_in[account] / total) <= 1 for account in paid_in)
