"""The bytes of a win: one record of 32 bytes, and the header of an entry that carries up to MAX_RECORDS of them."""

from __future__ import annotations

import numpy as np

WIN_DTYPE = np.dtype(
    [
        ("packet", "<u4"),
        ("fen", "<u4"),
        ("uid", "<u8"),
        ("time_us", "<u8"),  # control's clock, microseconds since 1970
        ("sponsor", "<u2"),
        ("flags", "<u2"),
        ("reserved", "<u4"),
    ]
)
"""One award as it stands in the win log and in the ledger's read-back."""

FLAG_STRESS = 1
"""Set on every record of the stress lane."""
OTHER_LANE = "record of the other lane"
"""The ledger's reason to hold the money of a record whose flag says the other lane: a leak between the lanes."""
SAYS_LANE = "says lane {lane},"
"""In the ledger's reason to stop a stream: of an entry that belongs to another one."""

MAX_RECORDS = 512
"""Records of one entry at most: 16 KiB."""

assert WIN_DTYPE.itemsize == 32
