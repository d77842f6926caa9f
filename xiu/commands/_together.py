"""Options that have no effect together are refused in one sentence, never ignored."""

from __future__ import annotations

from harness.errors import BadInput


def refuse(beside: str, options: dict[str, object], why: str) -> None:
    """Raises BadInput for those `options` that have no effect beside `beside`. Keys are as written; a value of None or
    False means that the option was not given.
    """
    given = [option for option, value in options.items() if value is not None and value is not False]
    if given:
        raise BadInput(f"{' and '.join(given)} with {beside}: {why}", expected="one without the other")
