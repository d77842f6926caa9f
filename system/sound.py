"""`python -m system.sound`: can the files that the parts read at their start be used? Exit code 0, or 2 and a sentence.

The ledger's steps and statements, and the plays. A part that finds one wrong ends with everything else already running.
"""

from __future__ import annotations

import sys

from system.contract.errors import SettingsError
from system.ledger.statements import statements
from system.ledger.steps import steps
from system.play.plays import plays


def main() -> int:
    """Looks at each; the first that is wrong goes to stderr: file, line, what."""
    try:
        steps()
        statements()
        plays()
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return exc.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
