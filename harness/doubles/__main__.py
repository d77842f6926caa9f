"""`python -m harness.doubles --port N --folder DIR`: all doubles, on loopback, until SIGTERM.

XIU_BANK_MOOD and XIU_SMS_MOOD, JSON, set how each behaves (`harness.doubles.mood`). Exit codes: 0 · 2 for a mood that
cannot be.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from harness.doubles.app import build_app
from harness.doubles.mood import Mood
from harness.errors import BadInput
from system.contract.parties import PARTIES, PartyName
from system.contract.web import one_sentence, serve

ANSWERS_WITHIN_S = 1.0


def moods(env: Mapping[str, str]) -> dict[PartyName, Mood]:
    """By party; those of a name that is not set are the ordinary one. Raises BadInput."""
    found: dict[PartyName, Mood] = {}
    for party in PARTIES:
        name = f"XIU_{party.name.upper()}_MOOD"
        try:
            found[party.name] = Mood.model_validate_json(env.get(name) or "{}")
        except ValidationError as exc:
            raise BadInput(f"{name}: {one_sentence(exc)}", expected='JSON such as {"errors": 0.01}') from exc
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m harness.doubles", description="Stands in for who is outside.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where the bank's books are kept")
    args = parser.parse_args()
    try:
        given = moods(os.environ)
    except BadInput as exc:
        print(f"doubles: {exc}", file=sys.stderr)
        return 2
    asyncio.run(serve(build_app(args.folder, given), ("127.0.0.1", args.port), ANSWERS_WITHIN_S))
    return 0


if __name__ == "__main__":
    sys.exit(main())
