"""Versions of the format of a plan file, and what an older one has that the present one has not. Pure: knows values,
no text; `plans.models.upgrade` changes the text.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plans.models.partial import Loc

KEY = "format"
FORMAT = 2
"""The present one, which `xiu plan upgrade` writes."""
FIRST = 1
"""That of a file which does not say."""


@dataclass(frozen=True, slots=True)
class FormatChange:
    """What becomes of the value at `loc`: `new` is its text in the next format, None where its key is gone."""

    loc: Loc
    what: str
    new: str | int | None = None

    @property
    def key(self) -> str:
        return ".".join(str(part + 1 if isinstance(part, int) else part) for part in self.loc)


def _from_1(data: Mapping[str, Any]) -> list[FormatChange]:
    probes = data.get("probes")
    if isinstance(probes, dict) and "replayed" in probes:
        return [FormatChange(("probes", "replayed"), "nobody sent such a probe")]
    return []


CHANGES: dict[int, Callable[[Mapping[str, Any]], list[FormatChange]]] = {1: _from_1}
"""By the format that is left: what the next one has no more, or writes in another way."""


def format_of(data: Mapping[str, Any]) -> int | None:
    """The format that a document says it has; None where that is no whole number."""
    given = data.get(KEY, FIRST)
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def changes_of(data: Mapping[str, Any]) -> list[FormatChange]:
    """All changes from the document's format to the present one, in order; each is about the document that those
    before it leave.
    """
    version, found, now = format_of(data) or FORMAT, list[FormatChange](), data
    for number in range(version, FORMAT):
        fresh = CHANGES[number](now) if number in CHANGES else []
        now = applied(now, fresh)
        found += fresh
    return found


def applied(data: Mapping[str, Any], changes: Sequence[FormatChange]) -> dict[str, Any]:
    """The document with these changes; what was given stays as it is."""
    out: dict[str, Any] = copy.deepcopy(dict(data))
    for change in changes:
        inside: Any = out
        for part in change.loc[:-1]:
            inside = inside[part]
        if change.new is None:
            del inside[change.loc[-1]]
        else:
            inside[change.loc[-1]] = change.new
    return out
