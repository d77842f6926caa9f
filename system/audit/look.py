"""One look at the stores as a command: settings from the environment, a document or lines on stdout, an exit code.

Exit codes: 0 done · 2 bad input · 5 stores not reachable.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from system.contract.errors import SettingsError, XiuError
from system.settings import AuditSettings

DONE, BAD_INPUT, NOT_READY = 0, 2, 5
Found = TypeVar("Found", bound=BaseModel)


def shown(
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    look: Callable[[AuditSettings, argparse.Namespace], Coroutine[None, None, Found]],
    lines: Callable[[Found], Iterable[str]],
) -> int:
    """Looks once and shows what was found, as lines or (`--json`) as a document; the exit code."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    args = parser.parse_args(argv)
    name = parser.prog.rpartition(".")[2]
    try:
        found = asyncio.run(look(AuditSettings.from_env(os.environ), args))
    except SettingsError as exc:
        print(f"{name}: {exc}", file=sys.stderr)
        return BAD_INPUT
    except XiuError as exc:
        print(f"{name}: {exc}", file=sys.stderr)
        return NOT_READY
    for line in (found.model_dump_json(indent=1),) if args.json else lines(found):
        print(line)
    return DONE
