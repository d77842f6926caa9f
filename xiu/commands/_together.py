"""Options that say nothing beside each other: refused in one sentence, never ignored."""

from __future__ import annotations

from harness.errors import BadInput


def refuse(beside: str, options: dict[str, object], why: str) -> None:
    """Raises BadInput for those of `options` (as written, with what was given; None or False: was not) that `beside`
    leaves without effect.
    """
    given = [option for option, value in options.items() if value is not None and value is not False]
    if given:
        raise BadInput(f"{' and '.join(given)} with {beside}: {why}", expected="one without the other")
