"""Errors of the lottery. All of them are definite: nothing happened."""

from __future__ import annotations


class XiuError(Exception):
    """Stand-in for `system.contract.errors.XiuError` until the contract lands."""


class LotteryError(XiuError):
    """Root of this package's errors."""


class HistogramError(LotteryError):
    """A histogram or a round that contradicts itself."""


class UnknownPacket(LotteryError):
    """A packet index outside [0, packets) of its round."""
