"""Errors of the lottery. All of them are definite refusals: nothing happened."""

from __future__ import annotations

from system.contract.errors import Refused


class LotteryError(Refused):
    """Root of this package's errors."""


class HistogramError(LotteryError):
    """A histogram or a round that contradicts itself."""

    code = "bad_histogram"


class UnknownPacket(LotteryError):
    """A packet index outside [0, packets) of its round."""

    status, code = 404, "unknown_packet"
