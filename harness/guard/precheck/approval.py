"""Item *approval*: where the allow-list asks for it, somebody beside who starts the run has approved it, by name."""

from __future__ import annotations

from collections.abc import Iterator

from harness.guard.precheck.shape import Checked, PrecheckItem, StartRequest, checked, not_evaluated


def look(ask: StartRequest) -> Iterator[Checked]:
    asking = [entry.id for entry in ask.entries() if entry.approval]
    if not asking:
        yield not_evaluated("no system asks for it")
        return
    name = ask.approved_by
    if name is None:
        yield checked(False, f"{', '.join(asking)} asks for a name: --approved-by NAME")
        return
    other = name.casefold() != ask.started_by.casefold()
    yield checked(other, f"approved by {name}" if other else f"{name} starts the run, and cannot approve it as well")


ITEM = PrecheckItem(
    22, "approval", "the name of who approved the run, where the allow-list asks for one: not that of who starts it",
    "nobody has approved the run", look,
)  # fmt: skip
