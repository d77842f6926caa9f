"""JSON Schema of plan files, for editors, and of a run's record, for programs that read one."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from pydantic import BaseModel

from chaos.library import fault
from chaos.playbook.actions import playbook_model
from harness.runs.record import RunRecord
from plans.models import SCHEMAS
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
    parser.add_argument("kind", choices=sorted(KINDS), metavar="|".join(sorted(KINDS)))


def run(args: argparse.Namespace) -> int:
    """Print it."""
    schema = KINDS[args.kind]().model_json_schema(by_alias=True)
    emit({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    return 0
