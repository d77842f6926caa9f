"""Bench ``relations``: pairs/s of the load of a relation chain, with every index and check, to the COMMIT ÷ a bare
binary COPY of the same rows. On the ties made so: pairs/s of the import, interactions/s, and how long the 20 strongest
of a user take, each with its explanation. Two ways in, two figures: `load_of_copy` of a chain that nobody uses yet
(the ratio), and `import_of_copy` of the import into one that serves, in transactions as large as a request may be.

The real load, import and answer of play on a PostgreSQL with the stack's own settings, in ``python -m
system.benching.bare_relations``. A few users have a hundred times the friends of others.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from harness.bench.common import Report, Say, alternate
from harness.bench.credit import played
from harness.stack import Stack, new_folder

PAIRS = 10_000_000


def run(say: Say, *, pairs: int = PAIRS) -> Report:
    """Raises EnvironmentNotReady if the stores do not come up."""
    with (
        tempfile.TemporaryDirectory(prefix="xiu-relations-") as folder,
        Stack(new_folder(Path(folder)), parts="stores", environment={}) as stack,
    ):
        argv = ["system.benching.bare_relations", "--postgres", stack.addresses.postgres_url, "--pairs", str(pairs)]
        with played(argv, Path(folder) / "bare.log") as child:
            samples = alternate(lambda: child.measure("load"), lambda: child.measure("copy"), say)
            copied = statistics.median(anchor for _, anchor in samples)
            extra: dict[str, Any] = {"pairs": pairs}
            extra["load_of_copy"] = round(statistics.median(value for value, _ in samples) / copied, 4)
            imported = child.measure("add")
            extra |= {
                "import_pairs_per_s": round(imported), "import_of_copy": round(imported / copied, 4),
                "interactions_per_s": round(child.measure("talk")),
            }  # fmt: skip
            extra |= {f"top_{name}": figure for name, figure in child.ask("top").items()}
    return Report("relations", "pairs/s", "binary COPY of the same rows, logged table without index", samples, extra)
