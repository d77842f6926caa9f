"""Rounds: both paths equal on every packet, every fen accounted for, the commitment holds, the page can be followed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system.contract.api import SponsorSplit
from system.contract.errors import XiuError
from system.lottery import (
    HistogramError,
    PacketHistogram,
    Round,
    UnknownPacket,
    amounts,
    award,
    canonical_bytes,
    commitment,
    make_histogram,
    make_round,
    verify_commitment,
)

SEED = bytes(range(32))
PAGE = Path(__file__).parents[4] / "docs" / "lottery.md"


def gala(packets: int, sponsors: int, mean_fen: int) -> Round:
    parts = [packets // sponsors + (number < packets % sponsors) for number in range(sponsors)]
    return Round(1, tuple(make_histogram(n + 1, part, part * mean_fen) for n, part in enumerate(parts)), SEED)


def counted(round_: Round) -> Counter[tuple[int, int]]:
    """(sponsor, fen) → packets, from every index on the vectorised path."""
    sponsor, fen = amounts(round_, np.arange(round_.packets, dtype=np.uint32))
    return Counter(zip(sponsor.tolist(), fen.tolist(), strict=True))


def promised(round_: Round) -> Counter[tuple[int, int]]:
    return Counter({(h.sponsor, fen): count for h in round_.histograms for fen, count in h.classes})


@pytest.mark.parametrize(
    "round_",
    [
        pytest.param(Round(1, (PacketHistogram.of(9, ((88_800, 1),)),), SEED), id="one packet"),
        pytest.param(
            Round(1, (PacketHistogram.of(1, ((1, 1),)), PacketHistogram.of(2, ((1, 1),))), SEED),
            id="two sponsors, one each",
        ),
        pytest.param(Round(1, (make_histogram(1, 10, 10),), SEED), id="as many packets as fen"),
        pytest.param(gala(1200, 45, 1000), id="a minute of the gala at a server's share"),
        pytest.param(gala(6000, 45, 1025), id="the gala's round at a server's share"),
        pytest.param(gala(99_991, 3, 7), id="a prime number of packets"),
    ],
)
def test_paths_agree_on_every_packet_and_the_sum_is_exact(round_: Round) -> None:
    sponsor, fen = amounts(round_, np.arange(round_.packets, dtype=np.uint32))
    assert list(zip(sponsor.tolist(), fen.tolist(), strict=True)) == [award(round_, i) for i in range(round_.packets)]
    assert int(fen.sum(dtype=np.int64)) == round_.budget_fen
    assert counted(round_) == promised(round_)
    for histogram in round_.histograms:
        assert int(fen[sponsor == histogram.sponsor].sum(dtype=np.int64)) == histogram.budget_fen


classes = st.dictionaries(st.integers(1, 2**32 - 1), st.integers(1, 60), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    splits=st.dictionaries(st.integers(0, 2**16 - 1), classes, min_size=1, max_size=5),
    seed=st.binary(min_size=32, max_size=32),
)
def test_any_round_pays_what_it_promised(splits: dict[int, dict[int, int]], seed: bytes) -> None:
    histograms = tuple(PacketHistogram.of(sponsor, splits[sponsor].items()) for sponsor in sorted(splits))
    round_ = Round(5, histograms, seed)
    assert counted(round_) == promised(round_)
    assert Counter(award(round_, index) for index in range(round_.packets)) == promised(round_)


def test_largest_round_sampled() -> None:
    round_ = Round(
        1, (PacketHistogram.of(1, ((1, 2**30),)), PacketHistogram.of(2, ((7, 2**30 - 1), (2**32 - 1, 1)))), SEED
    )
    index = np.concatenate([[0, 2**31 - 1], np.random.default_rng(1).integers(0, 2**31, 100_000)])
    sponsor, fen = amounts(round_, index)
    head = zip(sponsor[:3000].tolist(), fen[:3000].tolist(), strict=True)
    assert list(head) == [award(round_, int(i)) for i in index[:3000]]
    assert abs(int((sponsor == 1).sum()) - 50_000) < 5 * 158


def test_no_position_is_luckier_than_another() -> None:
    rounds, packets = 3000, 30
    histogram = (PacketHistogram.of(1, ((40, 12), (80, 12), (120, 5), (960, 1))),)
    index = np.arange(packets, dtype=np.uint32)
    table = np.empty((rounds, packets), dtype=np.int64)
    for number in range(rounds):
        seed = hashlib.sha256(b"luck" + number.to_bytes(4, "little")).digest()
        table[number] = amounts(Round(1, histogram, seed), index)[1]
    assert (table.sum(axis=1) == packets * 100).all()
    deviation = (table.mean(axis=0) - 100) / (table[0].std() / rounds**0.5)
    assert float(np.abs(deviation).max()) < 4.2
    best = np.bincount(table.argmax(axis=1), minlength=packets)
    # 29 degrees of freedom: above 70 about once in 30,000 times.
    assert float(((best - rounds / packets) ** 2 / (rounds / packets)).sum()) < 70


@pytest.mark.parametrize("index", [-1, 23, 2**40])
def test_unknown_packets(index: int) -> None:
    round_ = Round(7, (make_histogram(1, 23, 500),), SEED)
    for draw in (lambda: award(round_, index), lambda: amounts(round_, np.array([0, index]))):
        with pytest.raises(UnknownPacket, match=rf"round 7 has no packet {index}; it has 23") as caught:
            draw()
        assert isinstance(caught.value, XiuError)
        assert (caught.value.status, caught.value.effect) == (404, "none")


def test_indexes_are_rows_of_integers() -> None:
    round_ = Round(7, (make_histogram(1, 23, 500),), SEED)
    for wrong in (np.array([1.0]), np.array([[1]])):
        with pytest.raises(TypeError, match="row of integers"):
            amounts(round_, wrong)
    sponsor, fen = amounts(round_, np.array([], dtype=np.int64))
    assert (sponsor.dtype.name, fen.dtype.name, len(sponsor), len(fen)) == ("uint16", "uint32", 0, 0)


@pytest.mark.parametrize(
    ("round_id", "histograms", "seed"),
    [
        pytest.param(1, (), SEED, id="no sponsors"),
        pytest.param(
            1, (PacketHistogram.of(2, ((1, 1),)), PacketHistogram.of(1, ((1, 1),))), SEED, id="sponsors out of order"
        ),
        pytest.param(
            1, (PacketHistogram.of(2, ((1, 1),)), PacketHistogram.of(2, ((1, 1),))), SEED, id="a sponsor twice"
        ),
        pytest.param(1, (PacketHistogram.of(1, ((1, 1),)),), SEED[:31], id="a short seed"),
        pytest.param(1, (PacketHistogram.of(1, ((1, 1),)),), "0" * 32, id="a seed that is text"),
        pytest.param(-1, (PacketHistogram.of(1, ((1, 1),)),), SEED, id="no such round"),
        pytest.param(
            1, (PacketHistogram.of(1, ((1, 2**31),)), PacketHistogram.of(2, ((1, 1),))), SEED, id="one packet too many"
        ),
    ],
)
def test_refuses(round_id: int, histograms: tuple[PacketHistogram, ...], seed: bytes) -> None:
    with pytest.raises(HistogramError):
        Round(round_id, histograms, seed)


def test_made_from_the_api_in_any_order() -> None:
    splits = [
        SponsorSplit(sponsor=4, name="four", classes=((888, 1), (8, 10))),
        SponsorSplit(sponsor=1, name="one", classes=((20, 5), (1, 2), (300, 1), (1, 4))),
    ]
    round_ = make_round(7, splits, SEED)
    assert commitment(round_) == vectors()[0]["commitment"]


def test_commitment_binds_every_part() -> None:
    base = Round(7, (PacketHistogram.of(1, ((1, 6), (20, 5))), PacketHistogram.of(4, ((8, 10),))), SEED)
    others = [
        Round(8, base.histograms, SEED),
        Round(7, base.histograms, SEED[:31] + b"\0"),
        Round(7, (PacketHistogram.of(1, ((1, 5), (20, 6))), base.histograms[1]), SEED),
        Round(7, (PacketHistogram.of(1, ((1, 6), (8, 10), (20, 5))),), SEED),
    ]
    published = commitment(base)
    assert verify_commitment(base, published)
    assert verify_commitment(base, f" {published.upper()}\n")
    assert not any(verify_commitment(other, published) for other in others)
    assert not verify_commitment(base, "")
    assert canonical_bytes(base).decode().splitlines()[3:6] == [
        "packets 21 fen 186",
        "sponsor 1 packets 11 fen 106",
        "class 1 6",
    ]


def test_seed_does_not_show() -> None:
    assert SEED.hex() not in repr(gala(10, 1, 5))
    assert repr(SEED) not in repr(gala(10, 1, 5))


# The page, followed without the project's code.


def vectors() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(PAGE.read_text(encoding="utf-8").split("```json")[1].split("```")[0])
    return found


def by_the_page(vector: dict[str, Any]) -> tuple[str, list[list[int]], list[tuple[int, int, int]]]:
    """(commitment, tables, (rank, sponsor, fen) per index), from docs/lottery.md alone."""
    seed, n = bytes.fromhex(vector["seed"]), vector["packets"]
    budgets = [sum(fen * count for fen, count in s["classes"]) for s in vector["sponsors"]]
    text = f"xiu-lottery 1\nround {vector['round']}\nseed {vector['seed']}\npackets {n} fen {sum(budgets)}\n"
    layout = []
    for part, budget in zip(vector["sponsors"], budgets, strict=True):
        text += f"sponsor {part['sponsor']} packets {sum(c for _, c in part['classes'])} fen {budget}\n"
        for fen, count in part["classes"]:
            text += f"class {fen} {count}\n"
            layout += [(part["sponsor"], fen)] * count
    a = next(value for value in range(1, n + 1) if value * value >= n)
    b = next(value for value in range(1, n + 1) if a * value >= n)
    tables = []
    for t in range(16):
        length, bound = (a, b) if t % 2 else (b, a)
        stream = b""
        while len(stream) < 4 * length:
            block = len(stream) // 32
            message = b"xiu/lottery/1/table" + t.to_bytes(4, "little") + block.to_bytes(4, "little")
            stream += hmac.new(seed, message, hashlib.sha256).digest()
        words = [int.from_bytes(stream[4 * i : 4 * i + 4], "little") for i in range(length)]
        tables.append([word * bound // 2**32 for word in words])
    draws = []
    for index in vector["index"]:
        rank = index
        while True:
            left, right = rank // b, rank % b
            for t in range(0, 16, 2):
                left = (left + tables[t][right]) % a
                right = (right + tables[t + 1][left]) % b
            rank = left * b + right
            if rank < n:
                break
        draws.append((rank, *layout[rank]))
    return hashlib.sha256(text.encode("ascii")).hexdigest(), tables, draws


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: f"round {vector['round']}")
def test_vectors_follow_from_the_page_and_from_the_code(vector: dict[str, Any]) -> None:
    expected = list(zip(vector["rank"], vector["sponsor"], vector["fen"], strict=True))
    digest, tables, draws = by_the_page(vector)
    assert (digest, draws) == (vector["commitment"], expected)
    assert (len(tables[1]), len(tables[0])) == (vector["a"], vector["b"])
    assert tables[0][:6] == vector["table_0"]
    assert tables[1][:6] == vector["table_1"]
    histograms = tuple(
        PacketHistogram.of(part["sponsor"], [(fen, count) for fen, count in part["classes"]])
        for part in vector["sponsors"]
    )
    round_ = Round(vector["round"], histograms, bytes.fromhex(vector["seed"]))
    assert commitment(round_) == vector["commitment"]
    assert [(round_.permutation.one(i), *award(round_, i)) for i in vector["index"]] == expected


def test_second_vector_has_the_lucky_histogram() -> None:
    (part,) = vectors()[1]["sponsors"]
    assert [list(row) for row in make_histogram(2, 6000, 6_150_000).classes] == part["classes"]
