"""`python -m system.audit [--json] [--lane live|stress] [--round N …] [--history DIR] [--fault FROM-TO …]`: closes the
books once.

Exit codes: 0 valid · 2 bad input · 5 stores not reachable · 10 something undecided · 99 an invariant is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from system.audit.close import audit
from system.audit.table import table
from system.contract.audit import AuditReport
from system.contract.errors import Refused, SettingsError, XiuError
from system.contract.ids import LANES
from system.settings import AuditSettings

VALID, BAD_INPUT, NOT_READY, UNDECIDED, BROKEN = 0, 2, 5, 10, 99


def exit_code(report: AuditReport) -> int:
    """Exit code of a report: broken comes before undecided, undecided before valid."""
    if any(finding.valid is False for finding in report.findings):
        return BROKEN
    return VALID if report.valid else UNDECIDED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m system.audit", description="Closes the books of a lane.", epilog="Example: --json --round 3"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--lane", choices=LANES, default="live")
    parser.add_argument("--round", type=int, action="append", default=[], metavar="N", help="only this round; repeat")
    parser.add_argument("--history", type=Path, metavar="DIR", help="a run's history: seg-*.bin and manifest.json")
    parser.add_argument(
        "--fault", type=_window, action="append", default=[], metavar="FROM-TO",
        help="a declared fault window in microseconds: the delay inside it is shown apart; repeat",
    )  # fmt: skip
    return parser


def _window(text: str) -> tuple[int, int]:
    since, _, until = text.partition("-")
    try:
        window = int(since), int(until)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no window; expected two times in microseconds, FROM-TO") from exc
    if window[0] > window[1]:
        raise argparse.ArgumentTypeError(f"{text!r} ends before it begins")
    return window


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        settings = AuditSettings.from_env(os.environ)
        if args.history is not None and not args.history.is_dir():
            raise SettingsError(f"{args.history}: no such folder")
        report = asyncio.run(
            audit(
                settings.postgres_url,
                settings.valkey_urls,
                settings.secret,
                args.lane,
                args.round,
                args.history,
                faults_us=args.fault,
            )
        )
    except (SettingsError, Refused) as exc:
        print(f"audit: {exc}", file=sys.stderr)
        return BAD_INPUT
    except XiuError as exc:
        print(f"audit: {exc}", file=sys.stderr)
        return NOT_READY
    print(report.model_dump_json(indent=1) if args.json else table(report))
    return exit_code(report)


if __name__ == "__main__":
    sys.exit(main())
