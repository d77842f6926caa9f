"""The phases of a run, one file each: Arm, Fire, Drain, Settle, Celebrate, Close for every round, and Audit over
all of them.

A phase is called with one input and gives one output; the output of a phase is the input of the next. All of them
work on one `Stage` and fill in one `RunAccount`. What spans several phases is a context manager (`spans`).
"""

from harness.orchestrate.phases.arm import Arm, Armed
from harness.orchestrate.phases.audit import Audit
from harness.orchestrate.phases.celebrate import Celebrate
from harness.orchestrate.phases.close import Close, Closed
from harness.orchestrate.phases.drain import Drain, Drained
from harness.orchestrate.phases.fire import Fire, Fired
from harness.orchestrate.phases.settle import Settle, Settled
from harness.orchestrate.phases.stage import Stage

__all__ = [
    "Arm", "Armed", "Audit", "Celebrate", "Close", "Closed", "Drain", "Drained", "Fire", "Fired", "Settle", "Settled",
    "Stage",
]  # fmt: skip
