"""JSON Schema of plan files, for editors."""

from __future__ import annotations

import argparse

from harness.commands._text import emit
from plans.models import SCHEMAS

EXAMPLE = "xiu schema plan > plan.schema.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """The kind of file."""
    parser.add_argument("kind", choices=sorted(SCHEMAS), metavar="|".join(sorted(SCHEMAS)))


def run(args: argparse.Namespace) -> int:
    """Print it."""
    schema = SCHEMAS[args.kind].model_json_schema(by_alias=True)
    emit({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    return 0
