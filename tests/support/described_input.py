"""Hooks of schemathesis (SCHEMATHESIS_HOOKS): what JSON Schema calls valid and play refuses by intention is not tried.

And a check of ours: what is refused because something is away took as long as one waits for it.

Two things that no schema can say: a whole number written as 1.0 is refused, since money is never a float; a text of one
line may not hold what cannot be seen.
"""

from __future__ import annotations

from typing import Any

import schemathesis

from system.contract.fields import unseen


def can_be_described(value: Any) -> bool:
    """Is there no float, and no character that cannot be seen, anywhere in the value?"""
    if isinstance(value, dict):
        return all(can_be_described(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return all(can_be_described(item) for item in value)
    if isinstance(value, str):
        return not any(unseen(character) for character in value)
    return not isinstance(value, float)


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """Called for each body that is made up."""
    return can_be_described(body)


SOON_S = 1.0
"""Nobody waits for the ledger, or for a front, less than that."""


@schemathesis.check
def degraded_for_a_reason(ctx: Any, response: Any, case: Any) -> None:
    """A busy disk lets the ledger answer late; then 503 is the right answer. One that comes at once is a bug."""
    if response.status_code == 503:
        assert response.elapsed >= SOON_S, f"503 after {response.elapsed:.3f} s, and everything is there"
