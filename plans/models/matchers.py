"""Label matchers of an alert, in Alertmanager's sense: `lane="stress"`, `cell!="0"`, `part=~"front-.*"`, `part!~"…"`.

A regular expression matches the whole value; a label that an alert does not have is the empty text. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

_MATCHER = re.compile(
    r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"{},=!~]*))\s*', re.DOTALL
)
_ESCAPED = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
_NOT_RE2 = re.compile(r"\(\?(?:=|!|<=|<!|P=|\()|\\[1-9]")
"""Look-arounds and back references, which Alertmanager's expressions do not have."""
_ENDLESS = re.compile(r"[+*}][^()]*\)\s*[+*{]")
"""A repeat within a repeat: matching could take exponential time."""
_WORDS = re.compile(r"[\w./:-]+(\|[\w./:-]+)*")
LONGEST = 1024
"""Most characters of a label's value that are matched."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One matcher. `str()` is its text again."""

    label: str
    op: str
    value: str

    @classmethod
    def read(cls, text: object) -> Matcher:
        """Raises ValueError with what is expected."""
        found = _MATCHER.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise ValueError(f'{str(text)[:80]!r} is no matcher; expected label="value", or with != or =~ or !~')
        label, op, quoted, bare = found.groups()
        value = re.sub(r"\\.", lambda part: _ESCAPED.get(part[0], part[0]), quoted) if quoted is not None else bare
        if label == "alertname":
            raise ValueError("alertname is told by `alert`; expected another label")
        if op in ("=~", "!~"):
            _check(value)
        return cls(label, op, value)

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.op}"{escaped}"'

    def takes(self, value: str) -> bool:
        """Whether a label of this value matches."""
        if self.op in ("=", "!="):
            return (value == self.value) is (self.op == "=")
        if len(value) > LONGEST:
            return False
        return (re.fullmatch(self.value, value, re.ASCII) is not None) is (self.op == "=~")

    @property
    def values(self) -> tuple[str, ...] | None:
        """All values that match, where they can be listed; else None."""
        if self.op == "=":
            return (self.value,)
        if self.op == "=~" and _WORDS.fullmatch(self.value) and "." not in self.value:
            return tuple(self.value.split("|"))
        return None


def _check(pattern: str) -> None:
    try:
        re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError) as exc:
        raise ValueError(f"{pattern[:80]!r} is no regular expression: {exc}") from exc
    if _NOT_RE2.search(pattern):
        raise ValueError(f"{pattern[:80]!r} looks around or back; expected an expression that Alertmanager knows")
    if _ENDLESS.search(pattern):
        raise ValueError(f"{pattern[:80]!r} repeats what repeats itself; expected one repeat")


def match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Do all matchers match an alert of these labels?"""
    return all(matcher.takes(labels.get(matcher.label, "")) for matcher in matchers)


def apart(one: Iterable[Matcher], other: Iterable[Matcher]) -> bool:
    """Is it certain that no alert matches both? Decided by labels whose values can be listed; otherwise not certain."""
    every = (*one, *other)
    return any(
        not any(all(each.takes(value) for each in every if each.label == matcher.label) for value in matcher.values)
        for matcher in every
        if matcher.values is not None
    )


def _read(value: Any) -> Matcher:
    return value if isinstance(value, Matcher) else Matcher.read(value)


MatcherText = Annotated[
    Matcher,
    PlainValidator(_read),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "description": 'A label matcher as Alertmanager has it: lane="stress".'}),
]
