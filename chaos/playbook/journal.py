"""The journal of playbook runs, `playbooks.jsonl` in the stack's folder: append-only, on disk before anything is done.

A run's state is read from here alone, so that a new engine goes on where a killed one stopped. Several processes may
append (an engine, `xiu halt`). A line never changes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from chaos.playbook.scope import Scope
from harness.runs.durable import append_line
from system.contract.ids import LANES

log = logging.getLogger(__name__)

FILE = "playbooks.jsonl"

State = Literal[
    "triggered", "executing", "read_back", "verifying", "verified", "held", "rolling_back", "undone",
    "closed", "refused", "read_back_failed", "verify_timeout", "rollback_failed", "changed", "halted",
    "halt", "resume",
]  # fmt: skip
FINAL: frozenset[str] = frozenset(
    ("closed", "refused", "read_back_failed", "verify_timeout", "rollback_failed", "changed", "halted")
)
"""A run's end. `read_back_failed`, `verify_timeout`, `changed`: undone, verified; a person decides what else."""
FIRST_ON_DISK: frozenset[str] = frozenset(("triggered", "executing"))
"""What begins something: not done unless its line is on the disk. Everything else goes on without, above all
undoing.
"""
ESCALATED: frozenset[str] = FINAL - {"closed", "refused"}
MOMENTS = {"triggered": "t3", "read_back": "t4", "verified": "t5", "held": "t6"}
"""State → the name of the time when it is first reached. t2 is the alert's, t7 that of the verified rollback."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One line. `run` is empty for what concerns all playbooks (`halt`, `resume`); `at_s` is Unix time."""

    at_s: float
    run: str
    playbook: str
    state: State
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """The writing end. What the disk did not take is kept, and written before the next line, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.away = ""
        """Why the last line is not on the disk; empty while all are."""
        self._owed: list[bytes] = []

    def tell(self, transition: Transition, *, must: bool = True) -> None:
        """Appends a line and waits for the disk. Raises OSError if it `must` be there: then nothing may follow from it.
        Otherwise the line is kept for later.
        """
        # Half a character in somebody's name must not lose the line: JSON can escape it.
        line = json.dumps(asdict(transition), ensure_ascii=False).encode(errors="backslashreplace")
        try:
            self.settle()
            append_line(self.path, line)
        except OSError as exc:
            self.away = f"the journal cannot be written: {exc.strerror or exc}"
            if must:
                raise
            self._owed.append(line)
        else:
            self.away = ""

    def settle(self) -> None:
        """Writes what was kept, and where nothing was, tests whether the disk takes a line again. Raises OSError."""
        while self._owed:
            append_line(self.path, self._owed[0])
            del self._owed[0]
        if self.away:
            append_line(self.path, b"")  # no line to `read`
            self.away = ""


def read(path: Path) -> list[Transition]:
    """Every whole line, oldest first; a torn one was never acted on. None there: an empty list."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [found for line in lines if (found := _transition(line)) is not None]


def _transition(line: bytes) -> Transition | None:
    try:
        row = json.loads(line)
        found = Transition(**row)
    except (ValueError, TypeError):
        return None
    whole = isinstance(found.run, str) and isinstance(found.data, dict) and isinstance(found.at_s, int | float)
    return found if whole and found.state in get_args(State) else None


@dataclass
class ActionRecord:
    """An action as far as it went: its kind, and the detail that the kind reads; `at_s`: when it was begun.

    `stands`, `left`: its words while in force and when left alone. `holds`: switches and where each is set, as pairs.
    `memory`: what its undo has written down.
    """

    kind: str
    detail: Mapping[str, Any]
    stands: str
    left: str
    holds: tuple[tuple[str, str], ...]
    at_s: float
    read_back_s: float | None = None
    undo_began_s: float | None = None
    undone_s: float | None = None
    memory: dict[str, Any] = field(default_factory=dict)


def _begun(line: Transition) -> ActionRecord:
    data = line.data
    if "kind" not in data:
        return _of_old(line)
    holds = tuple((str(switch), str(where)) for switch, where in data["holds"])
    return ActionRecord(data["kind"], json.loads(data["detail"]), data["stands"], data["left"], holds, line.at_s)


def _of_old(line: Transition) -> ActionRecord:
    """A line from the time when setting a switch was the only action: `lane` None where it has none, or where switches
    had none yet.
    """
    lane = line.data.get("lane")
    detail = {key: line.data[key] for key in ("key", "to", "before", "undo")} | {
        "lane": lane if lane in LANES else None
    }
    words = detail["key"] if detail["lane"] is None else f"{detail['key']} ({lane})"
    holds = tuple((str(detail["key"]), each) for each in LANES if detail["lane"] in (None, each))
    stands, left = f"{words} = {detail['to']}", f"{words} stays {detail['to']}; it was {detail['before']}"
    return ActionRecord("set_switch", detail, stands, left, holds, line.at_s)


@dataclass
class PlaybookFacts:
    """Everything that is known of a run, folded from its lines."""

    run: str
    playbook: str
    alert: str = ""
    lane: str = ""
    cell: str = ""
    front: str = ""
    by: str = ""
    sha256: str = ""
    episode: str = ""
    state: State = "triggered"
    because: State | None = None
    reason: str = ""
    """Why it is rolled back, if not because the trouble is over."""
    text: str = ""
    baseline: list[float | None] | None = None
    actions: dict[str, ActionRecord] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    ended_s: float | None = None

    @property
    def over(self) -> bool:
        return self.state in FINAL

    @property
    def scope(self) -> Scope:
        """Where it acts."""
        return Scope(self.lane, self.cell, self.front)

    @property
    def holds(self) -> frozenset[tuple[str, str]]:
        """Switches it has changed and not given back, each with where."""
        return frozenset(hold for done in self.actions.values() if done.undone_s is None for hold in done.holds)

    def take(self, line: Transition) -> None:
        """One more line of this run."""
        data, self.state, self.text = line.data, line.state, line.text
        if line.state in MOMENTS:
            self.times.setdefault(MOMENTS[line.state], line.at_s)
        match line.state:
            case "triggered":
                self.alert, self.lane, self.by = data["alert"], data["lane"], data["by"]
                self.sha256, self.episode = data["sha256"], data["episode"]
                self.cell, self.front = data.get("cell", ""), data.get("front", "")
                if data.get("t2") is not None:
                    self.times["t2"] = data["t2"]
            case "verifying":
                self.baseline = list(data["baseline"])
            case "executing":
                self.baseline = list(data["baseline"])
                self.actions.setdefault(data["action"], _begun(line))
            case "read_back":
                self.actions[data["action"]].read_back_s = line.at_s
            case "rolling_back":
                if "because" in data:
                    self.because, self.reason = data["because"], line.text
                if "action" in data:
                    done = self.actions[data["action"]]
                    done.undo_began_s = done.undo_began_s or line.at_s
                    done.memory |= {key: data[key] for key in data if key not in ("action", "because")}
            case "undone":
                self.actions[data["action"]].undone_s = line.at_s
        if self.over:
            self.ended_s = line.at_s
            if data.get("rolled_back"):
                self.times["t7"] = line.at_s


def fold(lines: Iterable[Transition]) -> dict[str, PlaybookFacts]:
    """Every run of the journal, oldest first."""
    runs: dict[str, PlaybookFacts] = {}
    for line in lines:
        if not line.run:
            continue
        try:
            runs.setdefault(line.run, PlaybookFacts(line.run, line.playbook)).take(line)
        except (KeyError, TypeError, ValueError) as exc:
            log.warning("journal: run %s, a line of state %s says too little: %r", line.run, line.state, exc)
    return runs


def switch_set(line: Transition) -> tuple[str, int] | None:
    """Which switch this line sets to what; None where it sets none."""
    if line.state != "executing":
        return None
    detail = _begun(line).detail
    return (str(detail["key"]), int(detail["to"])) if "key" in detail and "to" in detail else None


def _action_item(name: str, done: ActionRecord) -> dict[str, Any]:
    """Its detail stands beside the times: `key`, `lane`, `to`, `before`, `undo` of a switch."""
    times = {key: getattr(done, key) for key in ("at_s", "read_back_s", "undo_began_s", "undone_s")}
    return {**done.detail, "catch_up_until_s": None, **done.memory, "id": name, "kind": done.kind,
            "stands": done.stands, **times}  # fmt: skip


def items(path: Path, since_s: float = 0.0) -> list[dict[str, Any]]:
    """What `run.json` holds under `playbooks[]`: the runs triggered since then, without those that were refused."""
    return items_of(read(path), since_s)


def items_of(lines: list[Transition], since_s: float = 0.0) -> list[dict[str, Any]]:
    """The same of lines that were read before."""
    return [
        {
            "id": facts.playbook,
            "run": facts.run,
            "alert": facts.alert,
            "lane": facts.lane,
            "scope": facts.scope.bound,
            "by": facts.by,
            "state": facts.state,
            "text": facts.text,
            "times": dict(sorted(facts.times.items())),
            "actions": [_action_item(name, done) for name, done in facts.actions.items()],
        }
        for facts in fold(lines).values()
        if facts.times.get("t3", 0.0) >= since_s and facts.state != "refused"
    ]
