"""Bench ``credit-cells``: postings for each CPU-second with two cells ÷ with one, same total work on one PostgreSQL.

Two Valkeys, a real credit worker (``python -m system.credit``) for each, one ledger. A round in which every packet is
won stands in the streams of one cell, or is spread over both (``system.benching.bare_cells``); the workers are up
already and post it. CPU is read between two marks, a tenth and nine tenths of the round, of every process that takes
part: workers, Valkeys, PostgreSQL with its backends. So starts, and the cost of idle cells, are left out.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from harness.bench import cpu
from harness.bench.common import Report, Say, alternate
from harness.bench.credit import ENTRY, Child, played
from harness.bench.servers import free_port
from harness.children import for_children
from harness.errors import EnvironmentNotReady
from harness.stack import Stack, die_with_parent, new_folder
from harness.stack.folder import secret
from harness.waits import REAP_S, killed

CELLS = 2
AWARDS = 1_000_000


class CreditRig:
    """Stores, workers, and the process that stands in for the rest. `costs`: of each sample, how many cells and what it
    used.
    """

    def __init__(self, stack: Stack, child: Child, workers: list[int]) -> None:
        self._child, self._workers = child, workers
        self._postgres = stack.pid("postgres")
        self._valkeys = [stack.pid(place.name) for place in stack.places.of("valkey")]
        self.costs: list[tuple[int, dict[str, float]]] = []
        self.rates: list[tuple[int, float]] = []

    def efficiency(self, cells: int) -> float:
        """Postings for each CPU-second. Raises EnvironmentNotReady when the books of the round do not close."""
        pids = {"postgres": self._postgres}
        for cell in range(cells):
            pids |= {f"credit-{cell}": self._workers[cell], f"valkey-{cell}": self._valkeys[cell]}
        self._child.ask(f"fill {cells}")
        first = self._child.ask("begin")["posted"]
        before, began = cpu.read(pids), time.perf_counter()
        posted = self._child.ask("end")["posted"] - first
        took = time.perf_counter() - began
        used = cpu.between(before, cpu.read(pids))
        self._child.ask("close")
        if posted <= 0 or sum(used.values()) <= 0:
            raise EnvironmentNotReady("nothing was posted between the marks; expected more awards")
        self.costs.append((cells, cpu.by_role(used, posted)))
        self.rates.append((cells, posted / took))
        return posted / sum(used.values())


@contextmanager
def rig(folder: Path, awards: int, entry: int) -> Iterator[CreditRig]:
    """Fresh stores and the workers of both cells, ended with the block."""
    key = folder / "key"
    secret(key)
    with ExitStack() as stays:
        stack = stays.enter_context(
            Stack(new_folder(folder), fronts=CELLS, cells=CELLS, parts="stores", environment={})
        )
        postgres, valkeys = stack.addresses.postgres_url, [place.url or "" for place in stack.places.of("valkey")]
        argv = ["system.benching.bare_cells", "--postgres", postgres, "--awards", str(awards), "--entry", str(entry)]
        argv += [word for url in valkeys for word in ("--valkey", url)]
        child = stays.enter_context(played(argv, folder / "bare.log", {"XIU_SECRET_FILE": str(key)}))
        child.ask()  # the ledger is migrated, so the workers' roles exist
        workers = [stays.enter_context(_worker(folder, key, k, postgres, url)) for k, url in enumerate(valkeys)]
        yield CreditRig(stack, child, workers)


@contextmanager
def _worker(folder: Path, key: Path, cell: int, postgres: str, valkey: str) -> Iterator[int]:
    """The credit worker of a cell; its process. There is no control: switches keep their defaults."""
    env = {
        "XIU_CELL": str(cell),
        "XIU_LANE": "live",
        "XIU_SECRET_FILE": str(key),
        "XIU_POSTGRES_URL": postgres,
        "XIU_VALKEY_URL": valkey,
        "XIU_CONTROL_URL": f"http://127.0.0.1:{free_port()}",
        "XIU_METRICS_LISTEN": f"127.0.0.1:{free_port()}",
    }
    with (folder / f"credit-{cell}.log").open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "system.credit"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=for_children(env),
            preexec_fn=die_with_parent,
        )
    try:
        yield process.pid
    finally:
        killed(process)
        process.wait(REAP_S)


def run(say: Say, *, awards: int = AWARDS, entry: int = ENTRY) -> Report:
    """Raises EnvironmentNotReady if the stores do not come up, or the books of a sample do not close."""
    with tempfile.TemporaryDirectory(prefix="xiu-cells-") as folder, rig(Path(folder), awards, entry) as under:
        under.efficiency(CELLS)  # the first meets empty tables and cold files
        under.costs.clear()
        under.rates.clear()
        samples = alternate(lambda: under.efficiency(CELLS), lambda: under.efficiency(1), say)
    extra: dict[str, object] = {"awards": awards, "records_per_entry": entry, "fsync": "always"}
    for cells, name in ((CELLS, "two_cells"), (1, "one_cell")):
        costs = [cost for which, cost in under.costs if which == cells]
        extra[f"cpu_us_a_posting_{name}"] = {role: median(cost[role] for cost in costs) for role in costs[0]}
        extra[f"postings_per_s_{name}"] = round(median(rate for which, rate in under.rates if which == cells))
    return Report("credit-cells", "postings/CPU-s", "one cell, same total work", samples, extra)
