"""The audit: closes the books from the stores themselves, never from counters. `python -m system.audit --json`.

Owns the judgement of S1 to S12. Refuses: changing anything, and calling green what it did not look at.
"""
