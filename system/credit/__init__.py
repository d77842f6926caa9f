"""Credit: moves awards from the win log into the ledger, exactly once. One process per cell and lane.

Source: docs/money.md, "Credit". Owns reading behind the offset, the proof of each record, the batch. Never skips an
entry that it cannot read, and recomputes every amount.
"""
