"""Contingency playbooks: list, show, check, run, resume."""

from __future__ import annotations

import argparse
import textwrap
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from chaos.playbook import journal, library
from chaos.playbook.entry import LibraryEntry
from chaos.playbook.halting import resume
from chaos.playbook.journal import PlaybookFacts
from harness import loopback
from harness.errors import BadInput, EnvironmentNotReady
from harness.stack import Stack
from harness.who import me
from plans.models.errors import PlanError, Problem
from plans.models.playbook import Condition, Playbook, playbook_files
from plans.models.quantity import duration_s
from system.contract.ids import LANES
from xiu.cli import add_word
from xiu.commands import _folders, _stacks
from xiu.commands._text import emit, refused, table
from xiu.commands._together import refuse

EXAMPLE = "xiu playbook run credit-stalled"
TIMEOUT_S = 10.0
POLL_S = 0.1
WAIT = "30m"
SILENT_S = 10.0
"""Seconds in which a run may report nothing while its journal's disk is full. With space, it may wait for the trouble
to end without a line.
"""
ENDS = {"closed": 0, "refused": 5}
FAILED = 99
COLUMNS = 80


def configure(parser: argparse.ArgumentParser) -> None:
    """The sub-commands."""
    words = parser.add_subparsers(dest="sub", required=True, metavar="list|show|check|run|resume")
    listed = add_word(words, "list", "every playbook, its alert, its last run", "xiu playbook list")
    show = add_word(words, "show", "one playbook in words", "xiu playbook show credit-stalled")
    show.add_argument("id", metavar="ID", help="as `xiu playbook list` shows it")
    check = add_word(words, "check", "files, alerts with their tests, switches", "xiu playbook check my.yaml")
    check.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: all of plans/playbooks")
    by_hand = add_word(words, "run", "start one by hand, in the stack's engine, and follow it", EXAMPLE)
    by_hand.add_argument("id", metavar="ID", help="as `xiu playbook list` shows it")
    by_hand.add_argument("--lane", choices=LANES, help=f"where it acts; default: {LANES[0]}")
    by_hand.add_argument("--cell", default="", help="cell, for a playbook that is bound to one")
    by_hand.add_argument("--front", default="", help="front, for a playbook that is bound to one")
    by_hand.add_argument("--no-wait", action="store_true", help="start it and return")
    by_hand.add_argument("--wait", metavar="TIME", help=f"follow it no longer than this (default: {WAIT})")
    for each in (listed, show, check):
        _folders.add(each, "playbooks")
    again = add_word(words, "resume", "let playbooks begin again after xiu halt", "xiu playbook resume")
    for each in (listed, by_hand, again):
        _stacks.add_stack_options(each)


def run(args: argparse.Namespace) -> int:
    """Calls the sub-command."""
    return {"list": _list, "show": _show, "check": _check, "run": _run, "resume": _resume}[args.sub](args)


def _last_runs(args: argparse.Namespace) -> dict[str, PlaybookFacts]:
    """The newest run of each playbook on the running stack; empty where none runs."""
    stack = _stacks.chosen(args)
    if stack is None:
        return {}
    found = journal.fold(journal.read(stack.folder.path / journal.FILE))
    return {facts.playbook: facts for facts in found.values()}


def _library(args: argparse.Namespace) -> library.Library:
    """The project's playbooks, and those of further folders."""
    more = library.files_of(_folders.given(args, "playbooks"))
    return library.survey([*playbook_files(), *more]) if more else library.survey()


def _list(args: argparse.Namespace) -> int:
    found, last = _library(args), _last_runs(args)
    entries = found.entries
    if args.json:
        rows = [
            {
                "id": one.playbook.id,
                "valid": True,
                "title": one.playbook.title.en,
                "alert": one.playbook.trigger.alert,
                "matchers": [str(each) for each in one.playbook.trigger.matchers],
                "scope": list(one.playbook.scope),
                "actions": [action.kind for action in one.playbook.actions],
                "switches": list(one.playbook.switches),
                "covers": list(one.playbook.covers),
                "state": last[one.playbook.id].state if one.playbook.id in last else None,
            }
            for one in entries.values()
        ]
        rows += [
            {"id": file.stem, "valid": False, "file": str(file), "problems": [str(each) for each in problems]}
            for file, problems in found.refused.items()
        ]
        emit({"playbooks": rows})
        return refused(found.problems)
    cells = [
        [name, one.playbook.trigger.alert, ", ".join(_does(one.playbook)), last[name].state if name in last else "–"]
        for name, one in entries.items()
    ]
    print(table(("playbook", "starts at", "does", "last run here"), cells))
    return refused(found.problems)


def _does(playbook: Playbook) -> list[str]:
    """The switches that it sets; of another action the action's kind."""
    return [word for action in playbook.actions for word in (action.switches or (action.kind,))]


def _condition(condition: Condition) -> str:
    bound = f"{condition.value:g}" if condition.value is not None else f"{condition.of_baseline:g} × before"
    return f"{condition.what} {condition.op} {bound}"


def _playbook_lines(playbook: Playbook) -> list[str]:
    rows = [("means", playbook.meaning), ("notice", playbook.impact), ("owner", playbook.owner)]
    matchers = "".join(f", {each}" for each in playbook.trigger.matchers)
    rows.append(("starts at", f"alert {playbook.trigger.alert}{matchers}"))
    rows.append(("acts in", ", ".join(f"one {name}" for name in playbook.scope) or "no place of its own"))
    rows += [("only if", _condition(each)) for each in playbook.preconditions]
    for action in playbook.actions:
        head, _, words = action.sentence.partition(" ")
        rows.append((head, f"{words}, read back within {action.read_back:g} s"))
        rows += [("  undone", action.undo_sentence)] if action.undo_sentence else []
    rows += [("verified", _condition(each)) for each in playbook.verify.all]
    rows.append(("", f"within {playbook.verify.within:g} s, for {playbook.verify.hold:g} s"))
    rows += [("healed", _condition(each)) for each in playbook.healed.all]
    rows += [("at the end", _condition(each)) for each in playbook.rollback.all]
    lines = [playbook.title.en, playbook.title.zh, ""]
    for head, words in rows:
        lines += textwrap.wrap(words, COLUMNS, initial_indent=f"{head:<12}", subsequent_indent=" " * 12)
    return lines


def _show(args: argparse.Namespace) -> int:
    one = library.one(_library(args), args.id)
    if args.json:
        emit({"id": one.playbook.id, "file": str(one.file), **one.playbook.model_dump(mode="json")})
    else:
        print("\n".join([*_playbook_lines(one.playbook), f"{'file':<12}{one.file}"]))
    return 0


def _check(args: argparse.Namespace) -> int:
    own = library.files_of(_folders.given(args, "playbooks"))
    entries = library.load([*playbook_files(), *own, *args.files] if own else args.files or None)
    problems = [problem for one in entries.values() for problem in _strange(one)]
    if problems:
        raise PlanError(problems)
    if args.json:
        emit({"playbooks": [{"id": name, "file": str(one.file)} for name, one in entries.items()]})
    else:
        for name, one in entries.items():
            print(f"{one.file}: {name} is fine")
    return 0


def _strange(one: LibraryEntry) -> Iterator[Problem]:
    """Metrics that no process exposes. A condition on one could never hold, and nothing would show why."""
    from dashboards.grafana import lint  # the SDK of its boards takes half a second to import

    document = one.document
    for loc, condition in one.playbook.conditions():
        for what in lint.strange(condition.query):
            yield Problem(
                document.file,
                document.line((*loc, "query")),
                f"`query`: {what}",
                "a metric of the code or of a recording rule",
            )


def _run(args: argparse.Namespace) -> int:
    if args.no_wait:
        refuse("--no-wait", {"--wait": args.wait}, "nothing is waited for")
    try:
        wait_s = duration_s(WAIT if args.wait is None else args.wait)
    except ValueError as exc:
        raise BadInput(f"--wait: {exc}") from exc
    running = _stacks.chosen(args)
    url = None if running is None else running.addresses.more.get("playbook")
    bound_to = scope_of(args.id, url)
    stack = _stacks.need(args)
    lane = args.lane or (LANES[0] if "lane" in bound_to else "")
    if url is None:
        raise EnvironmentNotReady("this stack has no playbook engine; xiu up starts one where Prometheus is installed")
    body = {"playbook": args.id, "lane": lane, "cell": args.cell, "front": args.front, "who": me()}
    answer = _post(url, body, stack.admin_token)
    if not answer["runs"]:
        raise EnvironmentNotReady(f"{args.id}: {answer['not_now'].get(args.id, 'not now')}")
    name = answer["runs"][0]
    if args.no_wait:
        emit({"run": name}) if args.json else print(name)
        return 0
    facts = _follow(stack, name, wait_s, quiet=args.json)
    if args.json:
        emit(next(one for one in journal.items(_file(stack)) if one["run"] == name) if facts.state != "refused" else
             {"id": args.id, "run": name, "state": facts.state, "text": facts.text})  # fmt: skip
    return ENDS.get(facts.state, FAILED)


def scope_of(name: str, url: str | None) -> Sequence[str]:
    """What a playbook is bound to: the project's, or one that the engine at `url` knows from a folder of one's own."""
    found = library.survey()
    if name not in found.entries and url is not None:
        try:
            known = loopback.get(f"{url}/v1/playbooks", TIMEOUT_S).json()["playbooks"]
        except (requests.RequestException, ValueError, KeyError):
            known = []  # who orders is told
        for one in known:
            if one["id"] == name:
                return tuple(one["scope"])
    return library.one(found, name).playbook.scope


def _file(stack: Stack) -> Path:
    return stack.folder.path / journal.FILE


def _post(url: str, body: dict[str, str], token: str) -> dict[str, Any]:
    try:
        with loopback.session(TIMEOUT_S) as session:
            answer = session.post(f"{url}/v1/runs", json=body, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code not in (201, 409):
            raise BadInput(f"the playbook engine: {answer.json()['error']['message']}")
        found: dict[str, Any] = answer.json()
    except (requests.RequestException, ValueError, KeyError, TypeError) as exc:
        raise EnvironmentNotReady(f"the playbook engine at {url} does not answer: {exc}") from exc
    return found


def _follow(stack: Stack, name: str, wait_s: float, *, quiet: bool) -> PlaybookFacts:
    """Prints every step as it is journalled, until the run's end.

    Raises EnvironmentNotReady where the end does not come, or nothing can be journalled. The run itself goes on.
    """
    seen, began = 0, time.monotonic()
    last_line_s = began
    while True:
        lines = [line for line in journal.read(_file(stack)) if line.run == name]
        for line in lines[seen:]:
            if not quiet:
                when = datetime.fromtimestamp(line.at_s).astimezone().strftime("%H:%M:%S.%f")[:-3]
                print(f"{when}  {line.state.replace('_', ' '):<17}{line.text}".rstrip(), flush=True)
        now = time.monotonic()
        last_line_s = now if len(lines) > seen else last_line_s
        seen = len(lines)
        facts = journal.fold(lines).get(name)
        if facts is not None and facts.over:
            return facts
        stack.check()
        if not stack.folder.locked:
            raise EnvironmentNotReady(f"the stack stopped; run {name} goes on when it starts again")
        state = "nothing yet" if facts is None else facts.state.replace("_", " ")
        later = f"last told of it: {state}; it goes on in the engine, and xiu playbook list says how it stands"
        if now - last_line_s > SILENT_S and not stack.folder.has_space():
            raise EnvironmentNotReady(
                f"run {name}: the disk of {stack.folder.path} is full, so nothing is told; {later}"
            )
        if now - began > wait_s:
            raise EnvironmentNotReady(f"run {name} did not end within {wait_s:g} s; {later}")
        time.sleep(POLL_S)


def _resume(args: argparse.Namespace) -> int:
    stack = _stacks.need(args)
    was = resume(stack.folder.path)
    if args.json:
        emit({"resumed": was})
    else:
        print("playbooks may begin again" if was else "they were not stopped")
    return 0
