"""Credit: moves awards from the win log into the ledger, exactly once. One process per cell and lane.

Source: docs/money.md, "Credit". Owns reading behind the offset, the proof of each record, the batch. Refuses: skipping
anything it cannot read, and believing an amount it did not recompute.
"""
