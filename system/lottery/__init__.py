"""The lottery: what each packet of a round is worth, committed to before, computed when needed, provable after.

Owns amounts and their proof. Pure: no clock, no I/O, no randomness of its own. Other packages may import it.
"""

from system.lottery.errors import HistogramError, LotteryError, UnknownPacket
from system.lottery.histogram import EQUAL, LUCKY, AmountCount, Luck, PacketHistogram, make_histogram
from system.lottery.round import (
    Round,
    Split,
    amounts,
    award,
    canonical_bytes,
    commitment,
    make_round,
    verify_commitment,
)

__all__ = [
    "EQUAL",
    "LUCKY",
    "AmountCount",
    "HistogramError",
    "LotteryError",
    "Luck",
    "PacketHistogram",
    "Round",
    "Split",
    "UnknownPacket",
    "amounts",
    "award",
    "canonical_bytes",
    "commitment",
    "make_histogram",
    "make_round",
    "verify_commitment",
]
