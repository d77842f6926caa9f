"""The win log: entries of awards in a Valkey stream, appended under a fence, read by credit. Source: docs/money.md.

Owns entry bytes and the server-side functions. Knows no amounts and no users' state, and repeats nothing.
"""

from system.winlog.cells import WinLogs
from system.winlog.codec import EntryBatch, Header, Stored, Win, WinLogEntry, decode, decode_batch, encode, follows
from system.winlog.errors import AppendUnknown, DamagedEntry, Fenced, StaleEpoch
from system.winlog.log import Verdict, WinLog, WinLogStore

__all__ = [
    "AppendUnknown",
    "DamagedEntry",
    "EntryBatch",
    "Fenced",
    "Header",
    "StaleEpoch",
    "Stored",
    "Verdict",
    "Win",
    "WinLog",
    "WinLogEntry",
    "WinLogStore",
    "WinLogs",
    "decode",
    "decode_batch",
    "encode",
    "follows",
]
