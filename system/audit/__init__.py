"""The audit: closes the books from the stores themselves, never from counters. `python -m system.audit --json`.

Owns the judgement of S1 to S18. Changes nothing. An invariant that looked at nothing is never valid.
"""
