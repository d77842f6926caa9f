"""Kill trials: SIGKILL of each part in turn, at a seeded moment, under load; then the books must close.

One stack serves all trials, round after round; each round has several kills, which count their own wins. The results
are appended to a file after each round, so that a long series can be broken off and goes on where it was. Owns which
kills are still due and the sum of the results; `round.py` carries a round out, `count.py` counts.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chaos.trials.count import PARTS, Trial
from chaos.trials.round import RoundResult, play_round
from harness.errors import BadInput, HarnessError
from harness.stack import Stack

ROUND_TRIALS = 15
ROUNDS_SPARE = 3
"""Rounds beyond those that would do if every kill counted."""
RESULTS = "trials.jsonl"


def run_trials(
    stack_folder: Path,
    count: int = 30,
    seed: int = 1,
    *,
    results: Path | None = None,
    say: Callable[[str], None] = print,
    parts: Sequence[str] = PARTS,
) -> list[Trial]:
    """Kills until `count` trials count, as evenly over `parts` as it goes; all of them, those that did not count too.

    `stack_folder`: a stack that runs. `results`: file of earlier trials of the same seed, which are taken over, and
    appended to (default: `trials.jsonl` in the stack's folder). Each trial, and each round's books, is passed to `say`.
    Stops early after a round whose books do not close: the stack is left as it is, to be looked at.
    Raises BadInput for another seed's file, BooksOpen, EnvironmentNotReady, ControlAway.
    """
    stack = Stack.attach(stack_folder)
    path = results or stack_folder / RESULTS
    trials = read_trials(path, seed)
    if trials:
        say(f"{path}: {sum(t.counts for t in trials)} trials of an earlier call are taken over")
    rounds_left = -(-count // ROUND_TRIALS) + ROUNDS_SPARE
    try:
        while (wanted := due(trials, count, seed, parts)) and rounds_left:
            rounds_left -= 1
            found = play_round(stack, wanted[:ROUND_TRIALS], random.Random(f"{seed}/{len(trials)}"), _folder(path))
            fresh = [replace(trial, closed=found.closed) for trial in found.trials]
            _append(path, seed, fresh, found)
            for trial in fresh:
                trials.append(trial)
                say(f"{len(trials):3} {trial}")
            say(str(found))
            if not found.closed and not fresh:
                raise BooksOpen(str(found))
            if not found.closed:
                break
    finally:
        stack.release()
    return trials


def due(trials: Sequence[Trial], count: int, seed: int, parts: Sequence[str] = PARTS) -> list[str]:
    """Parts still to be killed, in order: `count` spread evenly, each turn of all parts shuffled by the seed."""
    wanted: list[str] = []
    for turn in range(-(-count // len(parts))):
        wanted += random.Random(f"{seed}/turn/{turn}").sample(list(parts), len(parts))
    done = Counter(trial.part for trial in trials if trial.counts)
    left = []
    for part in wanted[:count]:
        if done[part] > 0:
            done[part] -= 1
        else:
            left.append(part)
    return left


class BooksOpen(HarnessError):
    """A round's books do not close, and no kill of it can tell. Exit code 99."""

    exit_code = 99


@dataclass(frozen=True, slots=True)
class Summary:
    """What the trials say together."""

    counted: int
    by_part: dict[str, int]
    hits: int
    back_s_max: dict[str, float]
    late: tuple[str, ...]
    """Trials whose part was not back in time, in words; on a machine busy with other work nobody is blamed."""
    not_judged: int
    """Trials that were late on such a machine."""
    open_books: tuple[int, ...]
    """Rounds whose audit did not close."""

    def __str__(self) -> str:
        kills = ", ".join(f"{part} {n}" for part, n in self.by_part.items())
        slowest = ", ".join(f"{part} {s:.2f} s" for part, s in self.back_s_max.items())
        books = f"books of rounds {self.open_books} DO NOT CLOSE" if self.open_books else "all books close"
        excused = f"; {self.not_judged} late while others had the cores: not judged" if self.not_judged else ""
        return (
            f"{self.counted} trials ({kills}), {self.hits} with something in flight; slowest back: {slowest}{excused}; "
            f"{books}"
        )


def summary(trials: Sequence[Trial]) -> Summary:
    """Over the trials that count."""
    counted = [trial for trial in trials if trial.counts]
    slowest: dict[str, float] = {}
    for trial in counted:
        slowest[trial.part] = max(slowest.get(trial.part, 0.0), float("inf") if trial.back_s is None else trial.back_s)
    return Summary(
        counted=len(counted),
        by_part=dict(sorted(Counter(trial.part for trial in counted).items())),
        hits=sum(trial.proven for trial in counted),
        back_s_max=dict(sorted(slowest.items())),
        late=tuple(str(trial) for trial in counted if not trial.in_time and not trial.excused),
        not_judged=sum(trial.excused for trial in counted),
        open_books=tuple(sorted({trial.round for trial in trials if not trial.closed})),
    )


def read_trials(path: Path, seed: int) -> list[Trial]:
    """Trials an earlier call wrote; none if there is no file. Raises BadInput naming the line."""
    if not path.exists():
        return []
    trials: list[Trial] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            break  # the last call was killed while it wrote: that round is played again
        try:
            data: dict[str, Any] = json.loads(line)
            if data["seed"] != seed:
                raise BadInput(f"{path}:{number}: seed {data['seed']}", expected=f"trials of seed {seed}")
            trials += [Trial.from_json(trial) for trial in data["trials"]]
        except (ValueError, KeyError, TypeError) as exc:
            raise BadInput(f"{path}:{number}: no line of kill trials: {exc}") from exc
    return trials


def _append(path: Path, seed: int, trials: Sequence[Trial], found: RoundResult) -> None:
    """One line a round, on the disk before anything else happens."""
    row = {"seed": seed, **found.to_json(), "trials": [trial.to_json() for trial in trials]}
    with path.open("a+b") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)  # half a line of a call that was killed
        file.write(json.dumps(row).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _folder(path: Path) -> Path:
    """Where the rounds' histories go, beside the results."""
    return path.parent / f"{path.stem}-rounds"
