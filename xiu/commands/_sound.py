"""Asks the system, before anything starts, whether the files that its parts read can be used (`system.sound`); and
looks at those of the playbook engine.
"""

from __future__ import annotations

import subprocess
import sys

from harness.children import for_children
from harness.errors import BadInput

TIMEOUT_S = 60.0


def look() -> None:
    """Raises BadInput with the system's sentence, PlanError for an action. A child that cannot be asked keeps nothing
    from starting.
    """
    from chaos.playbook.actions import kinds  # with HTTP's libraries: not for `--help`
    from harness.stack.spawn import die_with_parent

    kinds()
    argv = [sys.executable, "-m", "system.sound"]
    try:
        done = subprocess.run(
            argv, env=for_children(), capture_output=True, encoding="utf-8", errors="replace", timeout=TIMEOUT_S,
            check=False, preexec_fn=die_with_parent,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return  # the parts say it themselves, if later
    if done.returncode == BadInput.exit_code:
        raise BadInput(done.stderr.strip())
