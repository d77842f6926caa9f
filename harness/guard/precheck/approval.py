"""Item *approval*: where the allow-list asks for it, somebody beside who starts the run has approved it, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.guard.precheck.shape import Checked, LoadItem, LoadRequest, checked, not_evaluated
from plans.models.targets import TargetSystem


def look(ask: LoadRequest) -> Iterator[Checked]:
    asking = [entry for entry in ask.entries() if entry.approval]
    if not asking:
        yield not_evaluated("no system asks for it")
        return
    wrong = missing_name(ask, asking)
    yield checked(not wrong, wrong or f"approved by {ask.approved_by}")


def missing_name(ask: LoadRequest, entries: Sequence[TargetSystem]) -> str:
    """Why a load may not go to these systems for want of a name; empty where it may."""
    asking = [entry for entry in entries if entry.approval]
    name = ask.approved_by
    if not asking:
        return ""
    if name is None:
        return (
            f"{asking[0].at('approval')}{', '.join(entry.id for entry in asking)} asks for a name: --approved-by NAME"
        )
    if name.casefold() == ask.started_by.casefold():
        return f"{asking[0].at('approval')}{name} starts the run, and cannot approve it as well"
    return ""


ITEM = LoadItem(
    22, "approval", "the name of who approved the run, where the allow-list asks for one: not that of who starts it",
    "nobody has approved the run", look,
)  # fmt: skip
