"""The `xiu` command: parses the command line and calls the command's module. Knows no command itself.

Global options stand before or after the command. Each command is one module under `xiu/commands/`, imported only when
the command is called.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn, Protocol, cast

from harness import children
from harness.errors import Aborted, BadInput, EnvironmentNotReady, closest
from system.contract.found import imported
from system.contract.numbers import shown, whole_number
from xiu import commands, interrupted
from xiu.commands import heeds, words
from xiu.error_report import error_report, refuse_bytes
from xiu.outlet import outlets

GLOBALS = {
    "strict": "  --strict            a WARN exits 4",
    "json": "  --json              one JSON document on stdout, progress on stderr",
    "progress": "  --progress MODE     auto, plain or none",
    "runs": "  --runs DIR          where runs are kept (default: runs)",
    "verbose": "  -v, --verbose       more detail; a traceback with an error",
}
WIDTH = 80
NUMBER_MAX = 1 << 128
"""No option may exceed it; each option checks its own range as well."""


class CommandModule(Protocol):
    """A module under `xiu/commands/`. Optional: `EXAMPLE`, its worked example for `--help`."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the command's own options; sub-commands with `add_word`."""

    def run(self, args: argparse.Namespace) -> int:
        """Carries the command out. Returns the exit code; raises HarnessError for what a person should read."""


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises BadInput, with a *did you mean*, where argparse would exit."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", _formatter)
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(**kwargs)
        self.register("type", int, _whole)

    def error(self, message: str) -> NoReturn:
        choice = re.search(r"invalid choice: '?([^' ]+)'? \(choose from (.*)\)", message)
        if choice:
            known = [w.strip(" '\"") for w in choice[2].split(",")]
            what = f"{self.prog}: no such command or value: {choice[1]}"
            raise BadInput(what, expected=" | ".join(known), did_you_mean=closest(choice[1], known))
        unknown = re.search(r"unrecognized arguments: (\S+)", message)
        if unknown:
            option = unknown[1].split("=")[0]
            what = f"{self.prog}: unknown argument {unknown[1]}"
            if words := [parser.prog for parser in _parsers(self) if option in parser._option_string_actions]:
                raise BadInput(what, expected=f"{option} with {' or '.join(words)}")
            raise BadInput(what, did_you_mean=closest(option, _options(self)), expected=self._usage())
        raise BadInput(f"{self.prog}: {message}", expected=self._usage())

    def _usage(self) -> str:
        return " ".join(self.format_usage().split()).removeprefix("usage: ")


def _options(parser: argparse.ArgumentParser) -> set[str]:
    """Every option of a parser and of its sub-commands. An option that a sub-command does not know is reported by the
    parser above it.
    """
    return {option for each in _parsers(parser) for option in each._option_string_actions}


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser and those of its sub-commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _parsers(each)


def _whole(text: str) -> int:
    """Reads an argument of `type=int`: plain digits, perhaps with a minus. `int` itself would take `1_0`, `１０` and `
    10`.
    """
    number = whole_number(text.removeprefix("-"), NUMBER_MAX)
    if number is None:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no whole number")
    return -number if text.startswith("-") else number


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, width=WIDTH, max_help_position=26)


def _epilog(example: str, command: str = "") -> str:
    """`command`: the command with its sub-command, such as `plan run`; only its global options are shown. Empty: all of
    them.
    """
    lines = [line for option, line in GLOBALS.items() if not command or heeds(command, option)]
    return "\n".join((f"example:\n  {example}\n", "global options, before or after the command:", *lines))


def add_word(subwords: Any, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    """Adds a sub-command (`plan run`) with its line of help and its worked example.

    `subwords` is what `add_subparsers` returned.
    """
    parser = cast(argparse.ArgumentParser, subwords.add_parser(name, help=summary, description=summary))
    parser.epilog = _epilog(example, parser.prog.removeprefix("xiu "))
    return parser


def _global_options() -> Parser:
    common = Parser(prog="xiu", add_help=False)
    common.add_argument("--strict", action="store_true")
    common.add_argument("--json", action="store_true")
    common.add_argument("--progress", choices=("auto", "plain", "none"), default="auto")
    common.add_argument("--runs", default="runs", metavar="DIR")
    common.add_argument("-v", "--verbose", action="store_true")
    return common


def _top_help() -> str:
    lines = [f"  {word:<10} {line}" for word, line in words().items()]
    what = "咻: a red-packet system at gala intensity, and the kit that proves it"
    return (
        f"usage: xiu COMMAND … [options]\n\n{what}\n\ncommands:\n"
        + "\n".join(lines)
        + f"\n\n{_epilog('xiu doctor')}\n\n`xiu COMMAND --help` says more of each."
    )


def _module(name: str) -> ModuleType:
    """A command's module. Raises SettingsError where its own file cannot be used, BadInput where it lacks a piece."""
    module = imported(name, commands.__path__).module
    missing = [piece for piece in ("configure", "run") if not callable(getattr(module, piece, None))]
    if missing:
        raise BadInput(
            f"no command: it lacks {' and '.join(missing)}",
            expected="def configure(parser), def run(args)",
            file=module.__file__,
            line=1,
        )
    return module


def dispatch(argv: Sequence[str]) -> int:
    """Runs one command line. Returns its exit code; raises what `main` turns into a sentence and an exit code."""
    args, rest = _global_options().parse_known_args(list(argv))
    if not rest or rest[0] in ("-h", "--help", "help"):
        print(_top_help())
        return 0 if rest else BadInput.exit_code
    word, *rest = rest
    known = words()
    if word.startswith("-"):
        raise BadInput(f"xiu: unknown option {word}", expected="a command first, as in `xiu doctor`")
    if word not in known:
        raise BadInput(
            f"xiu: no such command: {word}", expected="one of " + ", ".join(known), did_you_mean=closest(word, known)
        )
    module = _module(f"xiu.commands.{word.replace('-', '_')}")
    example = getattr(module, "EXAMPLE", f"xiu {word}")
    parser = Parser(prog=f"xiu {word}", description=known[word], epilog=_epilog(example, word))
    command = cast(CommandModule, module)
    command.configure(parser)
    args = parser.parse_args(rest, namespace=args)
    with interrupted.heard():
        return command.run(args)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end a command as Ctrl-C does, also where a shell in the background ignores Ctrl-C for it.

    A signal that is ignored on purpose (`nohup`) or handled already is left alone.
    """
    free = threading.current_thread() is threading.main_thread()
    names = (signal.SIGTERM, signal.SIGHUP) if free else ()
    mine = [number for number in names if signal.getsignal(number) is signal.SIG_DFL]
    for number in mine:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script."""
    argv = sys.argv[1:] if argv is None else argv
    children.settle()
    with outlets() as out:
        code = _ended(argv, verbose="-v" in argv or "--verbose" in argv)
        out.flush()
        if out.failure is not None:
            why = out.failure.strerror or out.failure
            print(f"xiu: standard output could not be written: {why}; what was done is done", file=sys.stderr)
            code = code or EnvironmentNotReady.exit_code
    return code


def _ended(argv: Sequence[str], *, verbose: bool) -> int:
    """The command's exit code, whatever it raises."""
    try:
        with _ended_by_signals():
            refuse_bytes(argv)
            return dispatch(argv)
    except SystemExit as end:  # argparse, after its help
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        print("xiu: interrupted", file=sys.stderr)
        return Aborted.exit_code
    except Exception as error:
        if verbose:
            traceback.print_exc()
        text, code = error_report(error, argv)
        print(text, file=sys.stderr)
        return code


if __name__ == "__main__":
    sys.exit(main())
