"""A stop rule as one sentence: `response p99 > 50ms for 3s`. Pure; its values are judged where every rule's are."""

from __future__ import annotations

import re
from typing import Any

from plans.models.errors import closest
from plans.signals import SIGNALS

FORM = "like `response p99 > 50ms for 3s`, `errors of balances > 0.1% in 5s` or `live p99 > 1.2x baseline for 5s`"
_SENTENCE = re.compile(
    r"(?P<what>[^<>=!]+?)(?:\s+of\s+(?P<journey>\S+))?\s*(?P<than>>|!=)\s*(?P<above>[^\s<>=!]+)(?:\s+baseline)?"
    r"(?:\s+(?:for|in|over)\s+(?P<window>\S+))?(?:\s+with\s+(?P<min_samples>\S+)\s+samples?)?"
)


def as_rule(rule: Any) -> Any:
    """The keys and values of a rule that is a sentence; what is no text is passed on. Raises ValueError."""
    if not isinstance(rule, str):
        return rule
    read = _SENTENCE.fullmatch(" ".join(rule.split()))
    if read is None:
        raise ValueError(f"`{rule:.80}` is not a stop rule; expected a sentence {FORM}")
    signal = _signal(read["what"])
    if read["than"] == "!=" and (read["above"] != "0" or SIGNALS[signal].unit != "count"):
        raise ValueError(f"`{rule:.80}`: only a count can be asked for != 0; expected > and a bound")
    given: dict[str, Any] = {"signal": signal, "above": _count(read["above"])}
    if read["journey"] is not None:
        given["journey"] = read["journey"]
    if read["window"] is not None:
        given["window"] = read["window"]
    if read["min_samples"] is not None:
        given["min_samples"] = _count(read["min_samples"])
    return given


def _signal(words: str) -> str:
    known = {spoken: name for name, signal in SIGNALS.items() for spoken in (name, *signal.spoken)}
    asked = words.strip().lower()
    named = known.get(asked) or known.get(asked.replace(" ", "_"))
    if named is None:
        near = closest(asked.replace(" ", "_"), sorted(known))
        hint = f"; did you mean {near}?" if near else ""
        raise ValueError(f"no signal `{words.strip()}`; expected one of {', '.join(sorted(known))}{hint}")
    return named


def _count(text: str) -> int | str:
    """Whole numbers are numbers in YAML, and text in a sentence."""
    return int(text) if re.fullmatch(r"\d[\d_]*", text) else text
