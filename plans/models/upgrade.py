"""A plan file of an older format in the present one: the same text, in which nothing moves but what the format changed.
Comments, order and spelling stay. Reads one file; writes none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plans.models.document import Document, older, read_partly, text_of
from plans.models.errors import PlanError, Problem
from plans.models.formats import FORMAT, KEY, FormatChange, applied, changes_of, format_of
from plans.models.partial import Loc
from plans.models.scalars import PlainLoader
from plans.models.service import ServicePlan, is_service
from plans.models.stress import StressPlan


@dataclass(frozen=True, slots=True)
class UpgradedText:
    """`text`: of the present format; `was`: the format before; `told`: each change in words."""

    text: str
    was: int
    told: tuple[str, ...]

    @property
    def is_new(self) -> bool:
        return self.was < FORMAT


def upgraded(path: Path) -> UpgradedText:
    """A stress plan's text in the present format.

    Raises PlanError for a file that is none, is newer, or has problems that no format explains: nothing is guessed.
    """
    if is_service(path):
        _, document, problems = read_partly(path, ServicePlan)
    else:
        _, document, problems = read_partly(path, StressPlan)
    others = set(problems) - set(older(document))
    if others:
        raise PlanError([*others])
    text, was, told = text_of(path), format_of(document.data) or FORMAT, list[str]()
    if was == FORMAT:
        return UpgradedText(text, was, ())
    changes = changes_of(document.data)
    for change in changes:
        does = "is left out" if change.new is None else f"is now {change.new}"
        told.append(f"`{change.key}` {does}: {change.what}")
    fresh = _anew(document.file, text, changes)
    if fresh is None or fresh[1] != {**applied(document.data, changes), KEY: FORMAT}:
        expected = "; ".join([f"by hand, `{KEY}: {FORMAT}`", *told])
        raise PlanError([Problem(document.file, 0, "cannot be upgraded as it is written", expected)])
    return UpgradedText(fresh[0], was, tuple(told))


def _anew(file: str, text: str, changes: list[FormatChange]) -> tuple[str, dict[str, Any]] | None:
    """The changed text, and what is read from it; None where it cannot be read any more (an anchor that is gone)."""
    try:
        for change in changes:
            text = _changed(text, change)
        text = _with_format(text)
        return text, Document(file, text).data
    except (yaml.YAMLError, PlanError):
        return None


def _changed(text: str, change: FormatChange) -> str:
    parent, place = _found(text, change.loc)
    if change.new is not None:
        node = parent.value[place][1] if isinstance(parent, yaml.MappingNode) else parent.value[place]
        return text[: node.start_mark.index] + str(change.new) + text[_end(node) :]
    assert isinstance(parent, yaml.MappingNode)
    start, end = _span(text, parent, place)
    return text[:start] + ("{}" if len(parent.value) == 1 else "") + text[end:]


def _found(text: str, loc: Loc) -> tuple[yaml.CollectionNode, int]:
    """The mapping or list around the value at `loc`, and the value's place in it."""
    node: yaml.Node | None = yaml.compose(text, Loader=PlainLoader)
    for number, part in enumerate(loc):
        assert isinstance(node, yaml.CollectionNode)
        place = part if isinstance(part, int) else [key.value for key, _ in node.value].index(part)
        if number == len(loc) - 1:
            return node, place
        node = node.value[place] if isinstance(part, int) else node.value[place][1]
    raise ValueError("a place without a key")


def _span(text: str, parent: yaml.MappingNode, place: int) -> tuple[int, int]:
    """What to cut for a key to be gone: of a flow mapping its comma, too; of a block its lines."""
    (key, value), pairs = parent.value[place], parent.value
    start, end = key.start_mark.index, _end(value)
    if len(pairs) == 1:
        return parent.start_mark.index, parent.end_mark.index if parent.flow_style else end
    line = text.rfind("\n", 0, start) + 1
    if not parent.flow_style and not text[line:start].strip():
        behind = end if text[end - 1] == "\n" else text.find("\n", end) + 1
        return line, behind or len(text)
    if place < len(pairs) - 1:
        return start, pairs[place + 1][0].start_mark.index
    return _end(pairs[place - 1][1]), end


def _end(node: yaml.Node) -> int:
    """Where a value ends; a block ends with its last value, not where the next key begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(node, yaml.MappingNode) else last)
    return int(node.end_mark.index)


def _with_format(text: str) -> str:
    """The text with the present format's number: in place of an older one, else behind the line of `kind`."""
    root = yaml.compose(text, Loader=PlainLoader)
    assert isinstance(root, yaml.MappingNode)
    by_key = {key.value: (key, value) for key, value in root.value}
    if KEY in by_key:
        return _changed(text, FormatChange((KEY,), "", FORMAT))
    key, value = by_key["kind"]
    if root.flow_style:
        at = key.start_mark.index
        return f"{text[:at]}{KEY}: {FORMAT}, {text[at:]}"
    end = "\r\n" if "\r\n" in text else "\n"
    at = text.find("\n", _end(value)) + 1
    if not at:
        return f"{text}{end}{KEY}: {FORMAT}{end}"
    return f"{text[:at]}{' ' * key.start_mark.column}{KEY}: {FORMAT}{end}{text[at:]}"
