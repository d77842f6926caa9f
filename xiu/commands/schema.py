"""JSON Schema of plan files, for editors, and of a run's record, for programs that read one. Those of the checkout
stand in plans/schemas; a test holds that they are current.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from chaos.library import fault
from chaos.playbook.actions import playbook_model
from harness.errors import BadInput
from harness.runs.record import RunRecord
from plans.models.exported import SCHEMAS
from xiu.commands._text import emit

KINDS: dict[str, Callable[[], type[BaseModel]]] = {
    **{kind: partial(SCHEMAS.__getitem__, kind) for kind in SCHEMAS},
    "fault": fault,
    "playbook": playbook_model,
    "run": lambda: RunRecord,
}
EXAMPLE = "xiu schema plan > plan.schema.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """The kind of file."""
    words = [*sorted(KINDS), "all"]
    parser.add_argument("kind", choices=words, metavar="KIND", help=", ".join(words) + "; `all` only with --to")
    parser.add_argument("--to", metavar="DIR", help="write DIR/KIND.schema.json instead of printing it")


def run(args: argparse.Namespace) -> int:
    """Print it, or write it."""
    if args.to is None:
        if args.kind == "all":
            raise BadInput("several schemas are not one document", expected="one kind, or --to DIR")
        emit(schema_of(args.kind))
        return 0
    folder, kinds = Path(args.to), sorted(KINDS) if args.kind == "all" else [args.kind]
    if not folder.is_dir():
        raise BadInput(f"--to: {folder} is not a folder", expected="a folder that exists")
    written = []
    for kind in kinds:
        file = folder / f"{kind}.schema.json"
        try:
            file.write_text(text_of(kind), encoding="utf-8")
        except OSError as exc:
            raise BadInput(f"--to: {file} cannot be written: {exc.strerror or exc}") from exc
        written.append(str(file))
    if args.json:
        emit({"files": written})
    else:
        print("\n".join(written))
    return 0


def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **KINDS[kind]().model_json_schema(by_alias=True),
    }


def text_of(kind: str) -> str:
    """As it is written to a file."""
    return json.dumps(schema_of(kind), ensure_ascii=False, indent=1) + "\n"
