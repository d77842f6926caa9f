"""The commands of `xiu`, one module each: `def configure(parser)`, `def run(args) -> int`, `EXAMPLE` (a worked
example).

The table gives the commands their order and their line in `xiu --help`. A command exists as soon as its module does. A
module that the table does not name is listed after the others, with the first line of its docstring. Listing the
commands imports none of them.
"""

from __future__ import annotations

import ast
from pathlib import Path

WORDS: dict[str, str] = {
    "doctor": "each need: found, version, or missing with the exact command",
    "demo": "the gala's round at this machine's share, forecast to verdict",
    "up": "start the system alone, to play with by hand",
    "down": "stop what `up --detach` or `demo --keep` left running",
    "status": "what runs, where, and what is injected",
    "restart": "start a part of the stack again, also one that was given up",
    "plan": "stress plans: list, check, show, new, run, rate",
    "forecast": "forecasts: show, lock, judge",
    "run": "finished runs: list, show, report, compare, trend",
    "fault": "faults: list, show, check",
    "drill": "fault drills under load: list, check, run",
    "playbook": "contingency playbooks: list, show, check, run, resume",
    "switch": "run-time switches: list, set, history",
    "token": "a token for calls by hand",
    "halt": "the red button: kill, heal, stop playbooks",
    "kill": "stop all generated traffic now",
    "heal": "remove every fault recorded as injected",
    "audit": "close the books: each invariant, its figure, its residue",
    "round": "rounds: list, open, close, verify, set-aside, settle",
    "schema": "JSON Schema of plans, forecasts, faults, drills, playbooks, runs",
    "dash": "Grafana dashboards: build, check, push",
    "bench": "benchmarks, each a ratio against an anchor in the same run",
    "selftest": "prove that the gates can fail",
}

GLOBALS_READ: dict[str, tuple[str, ...]] = {
    "strict": ("demo", "drill run", "forecast judge", "plan run"),
    "progress": ("demo", "drill run", "plan run"),
    "runs": (
        "audit", "dash check", "dash push", "demo", "doctor", "drill run", "forecast judge", "halt", "kill",
        "plan rate", "plan run", "run",
    ),
}  # fmt: skip
"""Which commands, or sub-commands, read a global option. The others accept it as well (one line of options serves all
commands of a script), but their help does not show it. All read `--json` and `--verbose`.
"""


def heeds(command: str, option: str) -> bool:
    """Does `command`, such as `plan run`, or any sub-command of it, read a global option?"""
    readers = GLOBALS_READ.get(option)
    return readers is None or any(
        f"{command} ".startswith(f"{one} ") or one.startswith(f"{command} ") for one in readers
    )


def _summary(path: Path) -> str:
    try:
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    except (ValueError, SyntaxError):  # told to whoever calls the word; the others go on working
        doc = f"cannot be used: no Python in {path.name}"
    return doc.split("\n", 1)[0].rstrip(".")


def words() -> dict[str, str]:
    """Every command that has a module, in the table's order, with its line of help."""
    here = Path(__file__).parent
    modules = {p.stem.replace("_", "-"): p for p in sorted(here.glob("*.py")) if not p.stem.startswith("_")}
    found = {word: line for word, line in WORDS.items() if word in modules}
    found.update({word: _summary(path) for word, path in modules.items() if word not in WORDS})
    return found
